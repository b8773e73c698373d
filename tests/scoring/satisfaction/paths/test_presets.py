"""Presets and models built on a case's instrument; the shipped case's file and its instrument."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from crmresearch.case import CaseFile, Instrument, read_yaml
from crmresearch.errors import UsageError
from crmresearch.scoring.satisfaction.paths import PathModel, fit_paths, preset_model, preset_names

RAW = Path(__file__).resolve().parents[4] / "data" / "raw"


def instrument(model: PathModel, rename=str) -> Instrument:
    """An instrument with the constructs of ``model``."""
    return Instrument.model_validate(
        {
            "scale": {"low": 1, "high": 10},
            "constructs": {
                rename(c.name): {"title": {"en": c.name, "zh": c.name}, "items": c.items} for c in model.constructs
            },
            "items": {i: {"en": i} for i in model.items},
        }
    )


def test_ecsi_preset_is_the_published_model(ecsi):
    found = preset_model("ecsi", instrument(ecsi, str.capitalize))
    assert {(a.lower(), b.lower()) for a, b in found.paths} == set(ecsi.paths)
    assert found.items == ecsi.items


def test_acsi_preset_has_no_image(mobi, ecsi):
    found = preset_model("acsi", instrument(ecsi))
    assert set(ecsi.paths) - set(found.paths) == {p for p in ecsi.paths if "image" in p}
    assert fit_paths(mobi, found).constructs["r2"].notna().sum() == len(found.endogenous) == 5


def test_preset_with_other_names_and_modes(ecsi):
    renamed = instrument(ecsi, lambda n: "trust" if n == "image" else n)
    found = preset_model("ecsi", renamed, constructs={"image": "trust"}, modes={"trust": "B"}, common_factors=["value"])
    assert found["trust"].mode == "B" and found["value"].common_factor


def test_preset_refusals(ecsi):
    whole = instrument(ecsi)
    with pytest.raises(UsageError, match="no preset 'ecs'; nearest: ecsi"):
        preset_model("ecs", whole)
    with pytest.raises(UsageError, match="has no construct 'imago'"):
        preset_model("ecsi", whole, constructs={"imago": "image"})
    with pytest.raises(UsageError, match="the instrument has no construct 'image'"):
        preset_model("ecsi", instrument(ecsi, lambda n: "trust" if n == "image" else n))
    with pytest.raises(UsageError, match="the instrument has no construct 'trust'"):
        PathModel.from_instrument(whole, [("image", "loyalty")], modes={"trust": "B"})


def test_every_preset_names_its_parts():
    assert preset_names() == ("ecsi", "acsi")


def test_reputation_case_matches_its_file(reputation):
    case = CaseFile.model_validate(read_yaml(RAW / "corporate_reputation" / "case.yaml"))
    source = case.files[0]
    assert hashlib.sha256((RAW / "corporate_reputation" / source.file).read_bytes()).hexdigest() == source.sha256
    assert set(case.instrument.items) <= set(reputation.columns)
    assert sorted(i for c in case.instrument.constructs.values() for i in c.items) == sorted(case.instrument.items)
    answers = reputation[list(case.instrument.items)]
    given = answers.to_numpy()
    assert ((given >= 1) & (given <= 7) | (given == -99)).all() and (given == -99).any()
