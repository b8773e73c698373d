"""Path models between constructs by partial least squares, fast enough to resample freely."""

from crmresearch.scoring.satisfaction.paths.bootstrapping import PathBootstrap, bootstrap_paths
from crmresearch.scoring.satisfaction.paths.correcting import (
    CorrectedPaths,
    PathTruth,
    compare_with_truth,
    correct_paths,
)
from crmresearch.scoring.satisfaction.paths.fitting import PathFit, fit_paths
from crmresearch.scoring.satisfaction.paths.groups import GroupComparison, compare_groups
from crmresearch.scoring.satisfaction.paths.importance import ImportanceMap, map_importance
from crmresearch.scoring.satisfaction.paths.model import Construct, PathModel
from crmresearch.scoring.satisfaction.paths.prediction import (
    Blindfolding,
    PathPrediction,
    blindfold_paths,
    predict_paths,
)
from crmresearch.scoring.satisfaction.paths.presets import choose_model, preset_model, preset_names

__all__ = [
    "Blindfolding",
    "Construct",
    "CorrectedPaths",
    "GroupComparison",
    "ImportanceMap",
    "PathBootstrap",
    "PathFit",
    "PathModel",
    "PathPrediction",
    "PathTruth",
    "blindfold_paths",
    "bootstrap_paths",
    "choose_model",
    "compare_groups",
    "compare_with_truth",
    "correct_paths",
    "fit_paths",
    "map_importance",
    "predict_paths",
    "preset_model",
    "preset_names",
]
