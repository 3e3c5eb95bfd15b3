"""The door for R: every function that the R package calls, by the name it calls it by.

Numbers cross as raw bytes, the rest as JSON text, errors as documents; see :mod:`gbtm.bridge.transfer`.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from .._version import __version__
from .after import (
    adequacy,
    classify,
    compare_traj,
    constrained_pair,
    design_columns,
    dispersion_test,
    freed_effects_law,
    lag_columns,
    outcome_contributions,
    pearson_residuals,
    plot_matrix,
    profile_intervals,
    random_effects,
    residual_checks,
    residual_correlations,
    scores,
    simulate,
    traj_table,
    with_cov_type,
)
from .choice import read_search, search, search_blrt, search_cross_validate, search_several
from .events import predict_event, survival
from .files import file_columns, fit_files, posterior_to, with_cov_type_of_files
from .fitting import command, fit, read_commands
from .forecasting import forecast, forecast_check, hold_forecast
from .long_work import begin, end, wait
from .matching import balance, matching_frame, untreated_history
from .networks import linearity_check
from .queries import query_begin, query_end, query_files, query_rows
from .reporting import grolts_report, to_table
from .resampling import (
    ar1_check,
    blrt,
    bootstrap,
    cross_validate,
    independence_bootstrap,
    known_accuracy,
    lmr,
    pool,
)
from .several import classify_several, fit_several, hold_outcome, hold_people
from .step_three import classification, readable_outcome, step_three
from .transfer import receive, take_bulk, take_codes
from .workers import end_workers

__all__ = [
    "about", "adequacy", "ar1_check", "balance", "begin", "blrt", "bootstrap", "classification", "classify",
    "classify_several", "command", "compare_traj", "constrained_pair", "cross_validate", "design_columns",
    "dispersion_test", "end", "end_workers", "file_columns", "fit", "fit_files", "fit_several", "forecast",
    "forecast_check", "freed_effects_law", "grolts_report", "hold_forecast", "hold_outcome", "hold_people",
    "independence_bootstrap", "known_accuracy", "lag_columns", "linearity_check", "lmr", "matching_frame",
    "outcome_contributions", "pearson_residuals", "plot_matrix", "pool", "posterior_to", "predict_event",
    "profile_intervals", "query_begin", "query_end", "query_files", "query_rows", "random_effects", "read_commands",
    "read_search", "readable_outcome", "receive", "residual_checks", "residual_correlations", "scores", "search",
    "search_blrt", "search_cross_validate", "search_several", "simulate", "step_three", "survival", "take_bulk",
    "take_codes", "to_table", "traj_table", "untreated_history", "wait", "with_cov_type", "with_cov_type_of_files",
]


def about() -> str:
    """Versions of the engine and what it runs on, as JSON."""
    import sys

    import torch

    found = {"gbtm": __version__, "python": sys.version.split()[0], "numpy": np.__version__, "torch": torch.__version__}
    return json.dumps({**found, "pandas": pd.__version__, "threads": torch.get_num_threads()})
