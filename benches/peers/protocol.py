"""What every peer has in common: how it is started, told what to do, and timed.

    python SCRIPT TRAIN LIMIT THREADS OUT

reads the adjacency file TRAIN (one line per user: the user, then her items, all numbers) and prints one line of JSON,
{"ready": "NAME VERSION"}. A script that can't import its package prints nothing and ends. Then it obeys the lines it
is sent, each answered with one line of JSON:

    fit {SETTINGS}   fits                              -> {"seconds": {"fit": ...}, "peak_memory_bytes": ...}
    answer           answers all users of TRAIN,       -> {"seconds": {"answers": ...}, "peak_memory_bytes": ...}
                     leaving out what they have

After "answer" the file OUT holds the items: LIMIT little-endian 32-bit numbers per user, in the order of the lines of
TRAIN, short lists padded with -1. A few users are answered before the clock starts, so that what a package prepares at
its first answer is not counted against it.
"""

import gzip
import json
import resource
import sys
import time
import warnings

import numpy as np
import scipy.sparse

WARM_UP = 64


def read(path):
    """The binary user x item matrix of an adjacency file."""
    opened = gzip.open(path, "rt") if path.endswith(".gz") else open(path)
    rows, columns = [], []
    with opened as lines:
        for row, line in enumerate(line for line in map(str.split, lines) if len(line) > 1):
            items = list(map(int, line[1:]))
            rows += [row] * len(items)
            columns += items
    weights = np.ones(len(rows), dtype=np.float32)
    matrix = scipy.sparse.csr_matrix((weights, (rows, columns)))
    matrix.data[:] = 1
    return matrix


def timed(work):
    """What `work` gives and the seconds it took."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def best_unseen(scores, seen, limit):
    """The `limit` best columns of each row of the dense `scores`, without the entries of `seen`; alters `scores`."""
    rows = np.repeat(np.arange(seen.shape[0]), np.diff(seen.indptr))
    scores[rows, seen.indices] = -np.inf
    top = np.argpartition(-scores, limit, axis=1)[:, :limit]
    order = np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1, kind="stable")
    return np.take_along_axis(top, order, axis=1)


def serve(version, peer_of):
    """Obeys the lines of the standard input with `peer_of(matrix, limit, threads)`.

    The peer has `fit(**settings)`, which returns a dictionary of seconds by stage, and `answer(users)`, which returns
    one row of item numbers per user.
    """
    warnings.simplefilter("ignore")
    train, limit, threads, out = sys.argv[1:]
    limit, threads = int(limit), int(threads)
    matrix = read(train)
    peer = peer_of(matrix, limit, threads)
    print(json.dumps({"ready": version}), flush=True)
    users = np.arange(matrix.shape[0])
    for line in sys.stdin:
        command, _, settings = line.strip().partition(" ")
        if command == "fit":
            seconds = peer.fit(**json.loads(settings))
        else:
            peer.answer(users[:WARM_UP])
            items, taken = timed(lambda: peer.answer(users))
            np.ascontiguousarray(items, dtype="<i4").tofile(out)
            seconds = {"answers": taken}
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"seconds": seconds, "peak_memory_bytes": peak}), flush=True)
