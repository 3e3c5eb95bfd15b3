"""Group-based trajectory models.

    import gbtm
    model = gbtm.GBTM.from_formula("offenses ~ age", data=df, id="id", groups=3, order=2, family="zip")
    res = model.fit()
    print(res.summary())

* One outcome, several that share their groups, or a dual model: :meth:`gbtm.GBTM.from_formula`, :class:`gbtm.Outcome`.
* Which family for which outcome, and the other parts of a model (an event, random effects, constraints, known groups):
  the tutorials in docs/tutorials; the options are those of :class:`gbtm.Outcome` and
  :class:`gbtm.specification.description.Design`.
* How many groups: :func:`gbtm.search`. What a fit has, from tests to figures: :class:`gbtm.GBTMResults`.
* Stata's and SAS's own text: :func:`gbtm.traj`, :func:`gbtm.proc_traj`.

Names are loaded when first used: ``import gbtm`` does not load torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from . import datasets
    from .adequacy.autocorrelation import ar1_check
    from .adequacy.residuals import residual_checks
    from .api.dual_results import DualResults
    from .api.load import load
    from .api.model import GBTM
    from .api.results import GBTMResults
    from .api.training import Training, train
    from .api.traj import proc_traj, traj
    from .data.panel import Panel
    from .data.untreated_history import untreated_history
    from .design.network import Network
    from .disk.parquet_files import ParquetFiles
    from .disk.query import query_files
    from .distal.balance import balance
    from .errors import CommandError, DataError, GBTMError, GBTMWarning, SpecificationError
    from .figures.balance import plot_balance
    from .figures.forecast import plot_forecast_check
    from .figures.levels import plot_levels
    from .figures.partial_dependence import plot_dependence
    from .fit.level_probabilities import level_probabilities
    from .forecast.check import forecast_check
    from .networks.linearity import linearity_check, load_linearity_check
    from .report.exports import to_table
    from .report.write import grolts_report
    from .resampling.bootstrap import bootstrap
    from .resampling.cross_validation import cross_validate
    from .resampling.imputation import pool
    from .resampling.known_accuracy import known_accuracy
    from .resampling.likelihood_ratio import blrt
    from .resampling.lo_mendell_rubin import lmr
    from .selection.models import ModelSearch, load_search
    from .selection.search import search
    from .specification.event import Event
    from .specification.outcome import Outcome
    from .specification.prior import Prior

_HOME = {
    "GBTM": "api.model", "GBTMResults": "api.results", "Network": "design.network",
    "Event": "specification.event", "Outcome": "specification.outcome", "Panel": "disk.disk_panel",
    "Prior": "specification.prior", "ParquetFiles": "disk.parquet_files", "query_files": "disk.query",
    "Training": "api.training", "train": "api.training",
    "DualResults": "api.dual_results", "load": "api.load", "traj": "api.traj", "proc_traj": "api.traj",
    "balance": "distal.balance", "plot_balance": "figures.balance", "untreated_history": "data.untreated_history",
    "ar1_check": "adequacy.autocorrelation", "residual_checks": "adequacy.residuals",
    "cross_validate": "resampling.cross_validation", "forecast_check": "forecast.check",
    "plot_forecast_check": "figures.forecast",
    "blrt": "resampling.likelihood_ratio", "lmr": "resampling.lo_mendell_rubin", "bootstrap": "resampling.bootstrap",
    "pool": "resampling.imputation",
    "known_accuracy": "resampling.known_accuracy",
    "linearity_check": "networks.linearity", "load_linearity_check": "networks.linearity",
    "plot_dependence": "figures.partial_dependence",
    "level_probabilities": "fit.level_probabilities", "plot_levels": "figures.levels",
    "ModelSearch": "selection.models", "load_search": "selection.models", "search": "selection.search",
    "grolts_report": "report.write", "to_table": "report.exports",
    "GBTMError": "errors", "DataError": "errors", "SpecificationError": "errors", "CommandError": "errors",
    "GBTMWarning": "errors",
}

__all__ = [
    "GBTM", "CommandError", "DataError", "DualResults", "Event", "GBTMError", "GBTMResults", "GBTMWarning",
    "ModelSearch", "Network", "Outcome", "Panel", "ParquetFiles", "Prior", "SpecificationError", "Training",
    "__version__", "ar1_check", "balance", "blrt", "bootstrap", "cross_validate", "datasets", "forecast_check",
    "grolts_report", "known_accuracy", "level_probabilities", "linearity_check", "lmr", "load", "load_linearity_check",
    "load_search", "plot_balance", "plot_dependence", "plot_forecast_check", "plot_levels", "pool", "proc_traj",
    "query_files", "residual_checks", "search", "to_table", "train", "traj", "untreated_history",
]


def __getattr__(name: str) -> Any:
    if name == "datasets":
        return importlib.import_module(".datasets", __name__)
    if name in _HOME:
        return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module 'gbtm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
