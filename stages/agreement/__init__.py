"""How far judges and people agree, how sure that is, and how sure a mean is."""

from stages.agreement.calibration import calibration_error
from stages.agreement.categories import accuracy, confusion, kappa, kappa_linear, kappa_quadratic
from stages.agreement.correlation import kendall, mean_error, pearson, spearman
from stages.agreement.means import clipped_bootstrap, paired_bootstrap
from stages.agreement.reliability import alpha_interval, alpha_nominal, alpha_ordinal, icc_average, icc_single
from stages.agreement.resampling import Draws, Estimate, Table, estimates

__all__ = [
    "Draws",
    "Estimate",
    "Table",
    "accuracy",
    "alpha_interval",
    "alpha_nominal",
    "alpha_ordinal",
    "calibration_error",
    "clipped_bootstrap",
    "confusion",
    "estimates",
    "icc_average",
    "icc_single",
    "kappa",
    "kappa_linear",
    "kappa_quadratic",
    "kendall",
    "mean_error",
    "paired_bootstrap",
    "pearson",
    "spearman",
]
