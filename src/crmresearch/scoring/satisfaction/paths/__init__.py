"""Path models between constructs by partial least squares, fast enough to resample freely."""

from crmresearch.scoring.satisfaction.paths.bootstrapping import PathBootstrap, bootstrap_paths
from crmresearch.scoring.satisfaction.paths.fitting import PathFit, fit_paths
from crmresearch.scoring.satisfaction.paths.model import Construct, PathModel

__all__ = ["Construct", "PathBootstrap", "PathFit", "PathModel", "bootstrap_paths", "fit_paths"]
