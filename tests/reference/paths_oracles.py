"""Make ``paths_oracles.csv``: path models as seminr 0.2.1 and openpls-engine 1.13.0 estimate them.

Run in an environment of its own with these two packages, from the project's root:
``python tests/reference/paths_oracles.py``. Nothing is random but the resample indices, which come
from ``numpy.random.default_rng(20)`` here and in the test.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = {
    "image": ("IMAG", 5),
    "expectation": ("CUEX", 3),
    "quality": ("PERQ", 7),
    "value": ("PERV", 2),
    "satisfaction": ("CUSA", 3),
    "complaints": ("CUSCO", 0),
    "loyalty": ("CUSL", 3),
}
PATHS = {
    "image": ["expectation", "satisfaction", "loyalty"],
    "expectation": ["quality", "value", "satisfaction"],
    "quality": ["value", "satisfaction"],
    "value": ["satisfaction"],
    "satisfaction": ["complaints", "loyalty"],
    "complaints": ["loyalty"],
}
SIMPLE = {"image": ["satisfaction"], "expectation": ["satisfaction"], "value": ["satisfaction"]}


def main() -> None:
    """Estimate every model and write the file; the two peers are imported only here."""
    import openpls.config as openpls_config
    import seminr as s
    from openpls import Plspm
    from openpls.mode import Mode
    from openpls.scheme import Scheme
    from seminr.evaluate import validity
    from seminr.evaluate.constructs_in_model import constructs_in_model
    from seminr.evaluate.reliability import reliability_table
    from seminr.predict import item_metrics, predict_DA, predict_EA, predict_pls

    rows: list[tuple[str, str, str, str, float]] = []

    def items(name: str) -> list[str]:
        stem, count = BLOCKS[name]
        return [stem + str(i) for i in range(1, count + 1)] or [stem]

    def structure(paths):
        return s.relationships(*(s.paths(a, b) for a, b in paths.items()))

    def keep(case, statistic, matrix, skip_zero=True):
        for r in matrix.rows:
            for c in matrix.cols:
                value = matrix.get(r, c)
                if np.isfinite(value) and not (skip_zero and value == 0):
                    rows.append((case, statistic, r, c, value))

    def keep_model(case, model):
        keep(case, "path", model.path_coef)
        keep(case, "loading", model.outer_loadings)
        keep(case, "weight", model.outer_weights)
        keep(case, "fit", model.r_squared)
        keep(case, "reliability", reliability_table(model))
        keep(case, "htmt", validity.htmt(model))
        keep(case, "cross", validity.cross_loadings(model, constructs_in_model(model)))
        for target, found in validity.pls_antecedent_vifs(model, constructs_in_model(model)).items():
            rows.extend((case, "vif", a, target, v) for a, v in found.items() if np.isfinite(v))

    mobi = pd.read_csv(ROOT / "data/raw/ecsi_mobile/mobi.csv").astype(float)
    corp = pd.read_csv(ROOT / "data/raw/corporate_reputation/corp_rep_data.csv").astype(float)
    ecsi = s.constructs(*(s.composite(n, items(n)) for n in BLOCKS))
    path = s.estimate_pls(mobi, ecsi, structure(PATHS))
    keep_model("ecsi_path", path)
    keep_model("ecsi_factorial", s.estimate_pls(mobi, ecsi, structure(PATHS), inner_weights=s.path_factorial))
    used = ("image", "expectation", "value", "satisfaction")
    keep_model(
        "simple_mode_b",
        s.estimate_pls(
            mobi,
            s.constructs(*(s.composite(n, items(n), weights=s.mode_B if n == "image" else s.mode_A) for n in used)),
            structure(SIMPLE),
        ),
    )
    keep_model(
        "simple_plsc", s.estimate_pls(mobi, s.constructs(*(s.reflective(n, items(n)) for n in used)), structure(SIMPLE))
    )
    higher = s.estimate_pls(
        mobi,
        s.constructs(
            *(s.composite(n, items(n)) for n in ("image", "expectation", "value", "satisfaction", "loyalty")),
            s.higher_composite("front", ["image", "expectation", "value"], weights=s.mode_B),
        ),
        structure({"front": ["satisfaction", "loyalty"], "satisfaction": ["loyalty"]}),
    )
    for statistic, matrix in (
        ("path", higher.path_coef),
        ("weight", higher.outer_weights),
        ("loading", higher.outer_loadings),
    ):
        keep("higher_order", statistic, matrix)
    reputation = s.constructs(
        s.composite("competence", ["comp_1", "comp_2", "comp_3"]),
        s.composite("liking", ["like_1", "like_2", "like_3"]),
        s.composite("satisfaction", ["cusa"]),
        s.composite("loyalty", ["cusl_1", "cusl_2", "cusl_3"]),
    )
    reputation_paths = structure(
        {
            "competence": ["satisfaction", "loyalty"],
            "liking": ["satisfaction", "loyalty"],
            "satisfaction": ["loyalty"],
        }
    )
    missing = s.estimate_pls(corp, reputation, reputation_paths, missing_value=-99.0)
    keep_model("reputation_mean", missing)
    for case, model in (("ecsi_path", path), ("reputation_mean", missing)):
        n = model.rawdata.values.shape[0]
        indices = np.random.default_rng(20).integers(0, n, (8, n))
        boot = s.bootstrap_model(model, indices=indices)
        for k, (paths, htmt) in enumerate(zip(boot.boot_paths, boot.boot_htmt, strict=True)):
            keep(f"{case}_resample_{k}", "path", paths)
            keep(f"{case}_resample_{k}", "htmt", htmt)
    for name, technique in (("direct", predict_DA), ("earliest", predict_EA)):
        found = item_metrics(predict_pls(path, technique=technique, no_folds=10, ordering=range(250)))
        keep(f"predict_{name}", "model", found.pls_out_of_sample)
        keep(f"predict_{name}", "linear", found.lm_out_of_sample)

    frame = openpls_config.Structure()
    for a, b in PATHS.items():
        frame.add_path([a], b)
    config = openpls_config.Config(frame.path(), scaled=True)
    for n in BLOCKS:
        config.add_lv(n, Mode.A, *(openpls_config.MV(i) for i in items(n)))
    for case, scheme in (("openpls_centroid", Scheme.CENTROID), ("openpls_path", Scheme.PATH)):
        fit = Plspm(mobi, config, scheme, iterations=300, tolerance=1e-12)
        coefficients = fit.path_coefficients()
        for a, targets in PATHS.items():
            rows.extend((case, "path", a, b, float(coefficients.loc[b, a])) for b in targets)
        outer = fit.outer_model()
        rows.extend((case, "loading", i, "", float(outer.loc[i, "loading"])) for n in BLOCKS for i in items(n))
        effects = fit.effects()
        rows.extend((case, "total", e["from"], e["to"], float(e["total"])) for _, e in effects.iterrows())

    target = Path(__file__).with_suffix(".csv")
    with target.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("case", "statistic", "row", "column", "value"))
        out.writerows((c, k, r, j, repr(float(v))) for c, k, r, j, v in rows)


if __name__ == "__main__":
    main()
