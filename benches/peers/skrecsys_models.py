"""skrecsys: nearest neighbours of items by cosine or BM25, and RP3beta. See protocol.py.

Beside "fit", which begins with the matrix at hand, it reports "fit from pairs", which begins with numbered pairs.
"""

import numpy as np
import skrecsys
from skrecsys.recommendation import BM25Recommender, ItemKNNRecommender, RP3Beta

import protocol

MODELS = {"cosine": ItemKNNRecommender, "bm25": BM25Recommender, "rp3beta": RP3Beta}


class Skrecsys:
    def __init__(self, matrix, limit, threads):
        coordinates = matrix.tocoo()
        self.pairs = np.stack([coordinates.row, coordinates.col], axis=1).astype(np.int64)
        self.limit, self.threads = limit, threads

    def fit(self, model, **settings):
        self.model = MODELS[model](n_jobs=self.threads, **settings)
        seconds = {}
        learn = self.model._fit

        def learn_timed(interactions):
            seconds["fit"] = protocol.timed(lambda: learn(interactions))[1]

        self.model._fit = learn_timed
        seconds["fit from pairs"] = protocol.timed(lambda: self.model.fit(self.pairs))[1]
        return seconds

    def answer(self, users):
        return self.model.recommend(users, n_recommendations=self.limit, exclude_seen=True)[0]


protocol.serve(f"skrecsys {skrecsys.__version__}", Skrecsys)
