"""The closed forms written with scipy, as its users write them: the GF-CF graph filter and EASE. See protocol.py.

GF-CF (Shen et al., CIKM 2021): with R the matrix divided by the square roots of the degrees of users and items,
score = x R^T R + a x D^-1/2 V V^T D^1/2, V the leading right singular vectors of R, D the degrees of the items.
EASE (Steck, WWW 2019): the inverse of the Gram matrix by LAPACK's spotrf and spotri; "fit" is these two calls alone.
"""

import numpy as np
import scipy
import scipy.linalg.lapack
import scipy.sparse
import scipy.sparse.linalg

import protocol

USERS_AT_ONCE = 512


def inverse_roots(degrees):
    return 1 / np.sqrt(np.maximum(degrees, 1)).astype(np.float32)


class Scipy:
    def __init__(self, matrix, limit, threads):
        self.matrix, self.limit = matrix, limit
        self.gram = None

    def fit(self, model, **settings):
        self.model = model
        if model == "gf_cf":
            return {"fit": protocol.timed(lambda: self.fit_filter(**settings))[1]}
        return self.fit_ease(**settings)

    def fit_filter(self, rank, weight):
        by_user = inverse_roots(np.asarray(self.matrix.sum(axis=1)).ravel())
        self.by_item = inverse_roots(np.asarray(self.matrix.sum(axis=0)).ravel())
        normal = scipy.sparse.diags_array(by_user) @ self.matrix
        self.normal = (normal @ scipy.sparse.diags_array(self.by_item)).tocsr()
        self.transposed = self.normal.T.tocsr()
        start = np.random.default_rng(0).standard_normal(min(self.normal.shape))
        _, _, vectors = scipy.sparse.linalg.svds(self.normal, k=rank, v0=start.astype(np.float32))
        self.into = np.ascontiguousarray((vectors * self.by_item).T)
        self.back = vectors / self.by_item * weight

    def fit_ease(self, regularization):
        if self.gram is None:
            self.gram = (self.matrix.T @ self.matrix).toarray().astype(np.float32)
        system = np.asfortranarray(self.gram)
        system[np.diag_indices_from(system)] += regularization

        def invert():
            factor, wrong = scipy.linalg.lapack.spotrf(system, lower=1, overwrite_a=1)
            assert wrong == 0
            inverse, wrong = scipy.linalg.lapack.spotri(factor, lower=1, overwrite_c=1)
            assert wrong == 0
            return inverse

        inverse, seconds = protocol.timed(invert)
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        self.weights = -inverse / np.diag(inverse)
        np.fill_diagonal(self.weights, 0)
        return {"fit": seconds}

    def scores(self, history):
        if self.model == "ease":
            return history @ self.weights
        linear = (history @ self.transposed) @ self.normal
        return linear.toarray() + (history @ self.into) @ self.back

    def answer(self, users):
        lists = []
        for begin in range(0, len(users), USERS_AT_ONCE):
            history = self.matrix[users[begin : begin + USERS_AT_ONCE]]
            scores = np.asarray(self.scores(history))
            lists.append(protocol.best_unseen(scores, history, self.limit))
        return np.concatenate(lists)


protocol.serve(f"scipy {scipy.__version__}", Scipy)
