"""Regressions: least squares with robust errors, in blocks, bent, ordered, of repurchase, moderated."""

from crmresearch.scoring.satisfaction.regression.blocks import BlockFit, fit_blocks
from crmresearch.scoring.satisfaction.regression.moderation import Moderation, moderate
from crmresearch.scoring.satisfaction.regression.ordered import OrderedFit, fit_ordered
from crmresearch.scoring.satisfaction.regression.repurchase import RepurchaseFit, fit_repurchase
from crmresearch.scoring.satisfaction.regression.shapes import ShapeFit, fit_shapes
from crmresearch.scoring.satisfaction.regression.squares import Covariance, LeastSquares, fit_least_squares

__all__ = [
    "BlockFit",
    "Covariance",
    "LeastSquares",
    "Moderation",
    "OrderedFit",
    "RepurchaseFit",
    "ShapeFit",
    "fit_blocks",
    "fit_least_squares",
    "fit_ordered",
    "fit_repurchase",
    "fit_shapes",
    "moderate",
]
