"""Make ``decisions_oracles.csv``: what ahpy 2.1, pymcdm 1.4.0 and scikit-criteria 0.10 compute (Python 3.11).

Run ``python decisions_oracles.py`` where the three are installed; it writes beside itself one row per value:
oracle, what, name, value. Inputs are written out here and read from here by the tests:

judged
    Five items, every pair on Saaty's scale; and the same without two pairs.
matrix
    Six customers by four indicators, the second and the fourth being costs; weights .4, .3, .2, .1.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

PAIRS = {
    ("a", "b"): 3,
    ("a", "c"): 5,
    ("a", "d"): 2,
    ("a", "e"): 7,
    ("b", "c"): 2,
    ("b", "d"): 1 / 2,
    ("b", "e"): 4,
    ("c", "d"): 1 / 3,
    ("c", "e"): 2,
    ("d", "e"): 5,
}
LEFT_OUT = (("a", "e"), ("b", "d"))
MATRIX = np.array(
    [
        [250, 16, 12, 5],
        [200, 16, 8, 3],
        [300, 32, 16, 4],
        [275, 32, 8, 4],
        [225, 16, 16, 2],
        [310, 40, 10, 6],
    ],
    dtype=float,
)
TYPES = np.array([1, -1, 1, -1])
WEIGHTS = np.array([0.4, 0.3, 0.2, 0.1])


def main() -> None:
    import ahpy
    from pymcdm import methods, normalizations, weights
    from skcriteria import mkdm
    from skcriteria.agg.topsis import TOPSIS
    from skcriteria.agg.vikor import VIKOR
    from skcriteria.preprocessing.scalers import VectorScaler
    from skcriteria.preprocessing.weighters import critic_weights, entropy_weights

    rows = []
    for what, left_out in (("whole", ()), ("incomplete", LEFT_OUT)):
        pairs = {pair: value for pair, value in PAIRS.items() if pair not in left_out}
        for index in ("saaty", "dd"):
            found = ahpy.Compare(what, pairs, precision=8, random_index=index, iterations=200, tolerance=1e-8)
            rows.append(("ahpy", f"{what}_cr_{index}", "", found.consistency_ratio))
        rows += [("ahpy", what, item, found.local_weights[item]) for item in "abcde"]
    rows += [("pymcdm", "entropy", j, w) for j, w in enumerate(weights.entropy_weights(MATRIX))]
    rows += [("pymcdm", "critic", j, w) for j, w in enumerate(weights.critic_weights(MATRIX))]
    rows += [("pymcdm", "deviation", j, w) for j, w in enumerate(_unit_deviation())]
    rows += [("pymcdm", "topsis", i, s) for i, s in enumerate(_topsis(normalizations.vector_normalization))]
    rows += [("pymcdm", "topsis_minmax", i, s) for i, s in enumerate(_topsis(normalizations.minmax_normalization))]
    rows += [("pymcdm", "vikor", i, s) for i, s in enumerate(methods.VIKOR()(MATRIX, WEIGHTS, TYPES))]
    wsm = methods.WSM(normalizations.minmax_normalization)(MATRIX, WEIGHTS, TYPES)
    rows += [("pymcdm", "weighted_sum", i, s) for i, s in enumerate(wsm)]
    decision = mkdm(MATRIX, TYPES.tolist(), weights=WEIGHTS)
    rows += [("scikit-criteria", "entropy", j, w) for j, w in enumerate(entropy_weights(MATRIX))]
    rows += [
        ("scikit-criteria", "critic", j, w)
        for j, w in enumerate(critic_weights(MATRIX, TYPES, correlation="pearson", scale=True))
    ]
    scaled = VectorScaler(target="matrix").transform(decision)
    rows += [("scikit-criteria", "topsis", i, s) for i, s in enumerate(TOPSIS().evaluate(scaled).e_.similarity)]
    rows += [("scikit-criteria", "vikor", i, s) for i, s in enumerate(VIKOR().evaluate(decision).e_.q_k)]
    with Path(__file__).with_name("decisions_oracles.csv").open("w", encoding="ascii", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("oracle", "what", "name", "value"))
        writer.writerows((oracle, what, name, repr(float(value))) for oracle, what, name, value in rows)


def _topsis(normalisation) -> np.ndarray:
    from pymcdm import methods

    return methods.TOPSIS(normalisation)(MATRIX, WEIGHTS, TYPES)


def _unit_deviation() -> np.ndarray:
    from pymcdm import weights

    return weights.standard_deviation_weights((MATRIX - MATRIX.min(axis=0)) / np.ptp(MATRIX, axis=0))


if __name__ == "__main__":
    main()
