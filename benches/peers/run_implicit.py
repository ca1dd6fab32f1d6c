"""Runs the item-item models of implicit at the word of implicit_item_knn.

    python run_implicit.py TRAIN SIMILARITY NEIGHBOURS THREADS LIMIT OUT

reads the adjacency file TRAIN, prints "ready VERSION", then obeys the lines it is sent: "fit" fits, "answer" answers
all users of TRAIN, leaving out what they have; each prints the seconds it took. After "answer" the file OUT holds the
items answered: LIMIT little-endian 32-bit numbers per user, in the order of the lines of TRAIN, padded with -1.
"""

import gzip
import sys
import time
import warnings

import implicit
import numpy as np
import scipy.sparse
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender

MODELS = {"cosine": CosineRecommender, "tf_idf": TFIDFRecommender, "bm25": BM25Recommender}


def read(path):
    opened = gzip.open(path, "rt") if path.endswith(".gz") else open(path)
    rows, columns = [], []
    with opened as lines:
        for row, line in enumerate(line for line in map(str.split, lines) if len(line) > 1):
            items = list(map(int, line[1:]))
            rows += [row] * len(items)
            columns += items
    weights = np.ones(len(rows), dtype=np.float32)
    return scipy.sparse.csr_matrix((weights, (rows, columns)))


def main():
    warnings.simplefilter("ignore")
    train, similarity, neighbours, threads, limit, out = sys.argv[1:]
    matrix = read(train)
    users = np.arange(matrix.shape[0])
    # implicit counts the item itself as one of its neighbours.
    settings = {"K": int(neighbours) + 1, "num_threads": int(threads)}
    print("ready", implicit.__version__, flush=True)
    model = None
    for command in map(str.strip, sys.stdin):
        start = time.perf_counter()
        if command == "fit":
            model = MODELS[similarity](**settings)
            model.fit(matrix, show_progress=False)
        else:
            items, scores = model.recommend(
                users, matrix, N=int(limit), filter_already_liked_items=True
            )
        seconds = time.perf_counter() - start
        if command == "answer":
            # Places beyond the end of a short list hold a score of minus the largest number.
            items = np.where(scores > 0, items, -1)
            items.astype("<i4").tofile(out)
        print(seconds, flush=True)


main()
