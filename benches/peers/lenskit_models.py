"""LensKit: SLIM. See protocol.py. Its answers are sparse products with its weights, faster than its pipeline is."""

import importlib.metadata
import os
import sys

# Read when LensKit is first used.
os.environ["LK_NUM_THREADS"] = sys.argv[3]

import numpy as np
import pandas as pd
from lenskit.data import from_interactions_df
from lenskit.knn.slim import SLIMScorer
from lenskit.training import TrainingOptions

import protocol

USERS_AT_ONCE = 512


class LensKit:
    def __init__(self, matrix, limit, threads):
        self.matrix, self.limit = matrix, limit
        coordinates = matrix.tocoo()
        pairs = {"user_id": coordinates.row, "item_id": coordinates.col}
        self.data = from_interactions_df(pd.DataFrame(pairs))

    def fit(self, model, **settings):
        assert model == "slim"
        self.model = SLIMScorer(**settings)
        return {"fit": protocol.timed(lambda: self.model.train(self.data, TrainingOptions()))[1]}

    def answer(self, users):
        items = np.asarray(self.model.items.ids())
        lists = []
        for begin in range(0, len(users), USERS_AT_ONCE):
            history = self.matrix[users[begin : begin + USERS_AT_ONCE]][:, items]
            scores = (history @ self.model.weights).toarray()
            lists.append(items[protocol.best_unseen(scores, history, self.limit)])
        return np.concatenate(lists)


protocol.serve(f"lenskit {importlib.metadata.version('lenskit')}", LensKit)
