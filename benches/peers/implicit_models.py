"""implicit: nearest neighbours of items, and alternating least squares. See protocol.py."""

import implicit
import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender

import protocol

NEIGHBOURS = {"cosine": CosineRecommender, "tf_idf": TFIDFRecommender, "bm25": BM25Recommender}


class Implicit:
    def __init__(self, matrix, limit, threads):
        self.matrix, self.limit, self.threads = matrix, limit, threads

    def fit(self, model, **settings):
        if model == "als":
            settings["random_state"] = 42
            self.model = AlternatingLeastSquares(num_threads=self.threads, **settings)
        else:
            # implicit counts the item itself as one of its neighbours.
            neighbours = settings["neighbours"] + 1
            self.model = NEIGHBOURS[model](K=neighbours, num_threads=self.threads)
        fit = lambda: self.model.fit(self.matrix, show_progress=False)
        return {"fit": protocol.timed(fit)[1]}

    def answer(self, users):
        items, scores = self.model.recommend(
            users, self.matrix[users], N=self.limit, filter_already_liked_items=True
        )
        # Places beyond the end of a short list hold a score of minus the largest number.
        return np.where(scores > -1e30, items, -1)


protocol.serve(f"implicit {implicit.__version__}", Implicit)
