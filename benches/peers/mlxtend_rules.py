"""mlxtend: FP-growth and association rules over baskets, a line each. See protocol.py.

"fit" takes support, length and confidence and gives the seconds of "itemsets" and "rules", each from what comes before
it at hand. It leaves OUT.itemsets, a line for each: the count, then the items; and OUT.rules: the items of both sides
and the measures, with tabs between. The first rules also have the log-likelihood ratio and its p-value that scipy gives.
"""

import importlib.metadata
import sys
import warnings

import numpy as np
import pandas as pd
import scipy.stats
from mlxtend.frequent_patterns import association_rules, fpgrowth

import protocol

MEASURES = [
    "support",
    "antecedent support",
    "consequent support",
    "confidence",
    "lift",
    "leverage",
    "conviction",
]
RULES_WITH_SIGNIFICANCE = 2_000


class Mlxtend:
    def __init__(self, matrix, limit, threads):
        self.baskets = matrix.shape[0]
        self.frame = pd.DataFrame(matrix.toarray().astype(bool))

    def fit(self, support, length, confidence):
        mine = lambda: fpgrowth(self.frame, min_support=support, max_len=length)
        itemsets, of_itemsets = protocol.timed(mine)
        split = lambda: association_rules(
            itemsets, metric="confidence", min_threshold=confidence, return_metrics=MEASURES
        )
        rules, of_rules = protocol.timed(split)
        self.write(itemsets, rules)
        return {"itemsets": of_itemsets, "rules": of_rules, "both": of_itemsets + of_rules}

    def write(self, itemsets, rules):
        with open(f"{sys.argv[4]}.itemsets", "w") as out:
            for support, items in zip(itemsets["support"], itemsets["itemsets"]):
                print(round(support * self.baskets), *sorted(items), file=out)
        with open(f"{sys.argv[4]}.rules", "w") as out:
            sides = zip(rules["antecedents"], rules["consequents"], rules[MEASURES].to_numpy())
            for place, (antecedent, consequent, figures) in enumerate(sides):
                figures = [float(figure) for figure in figures]
                if place < RULES_WITH_SIGNIFICANCE:
                    figures += self.significance(*figures[:3])
                words = (" ".join(map(str, sorted(side))) for side in (antecedent, consequent))
                print(*words, *map(repr, figures), sep="\t", file=out)

    def significance(self, *supports):
        both, antecedent, consequent = (round(support * self.baskets) for support in supports)
        rest = self.baskets - antecedent - consequent + both
        table = np.array([[both, antecedent - both], [consequent - both, rest]])
        if (table.sum(axis=0) == 0).any() or (table.sum(axis=1) == 0).any():
            return [0.0, 1.0]
        found = scipy.stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
        return [float(found.statistic), float(found.pvalue)]


warnings.simplefilter("ignore")
protocol.serve(f"mlxtend {importlib.metadata.version('mlxtend')}", Mlxtend)
