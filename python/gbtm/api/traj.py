"""Stata's traj command and SAS's PROC TRAJ step, run as they are written."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from ..errors import CommandError, GBTMWarning
from ..model.spec import model_spec
from ..traj_programs.sas_step import parse_proc
from ..traj_programs.stata_command import Command, parse
from .model import GBTM
from .reading import WideColumns, read_wide
from .results import GBTMResults


def traj(
    command: str, data: pd.DataFrame, *, matrices: dict[str, Any] | None = None, id: str | None = None,
    **fit_options: Any,
) -> GBTMResults:
    """Run a Stata traj command text on wide data.

    Parameters
    ----------
    command : ``"traj, var(Y1 Y2 Y3) indep(T1 T2 T3) model(cnorm) order(2 2) min(0) max(10)"``
    data : wide, one row per subject
    matrices : values for matrices that the command names, such as ``start(b0)``
    id : column with the subjects' ids; the index when absent
    fit_options : passed to :meth:`gbtm.GBTM.fit`; ``cov_type`` is "traj" unless given

    Returns
    -------
    GBTMResults
        ``.to_traj().text`` is traj's table.

    Examples
    --------
    >>> import gbtm, pandas as pd
    >>> d = gbtm.datasets.two_groups(rng=0).pivot(index="id", columns="t", values="y")
    >>> d.columns = [f"y{j}" for j in range(1, 12)]
    >>> for j in range(1, 12): d[f"t{j}"] = (j - 6.5) / 5.5
    >>> res = gbtm.traj("traj, var(y1-y11) indep(t1-t11) model(cnorm) order(2 2) min(-9) max(9)", d)
    >>> round(float(res.group_shares["share"].iloc[0]), 3)
    0.5
    """
    return build(parse(command, list(data.columns)), data, id, matrices).fit(
        **{"cov_type": "traj", **fit_options, **_start_option(command, data, matrices, fit_options)}
    )


def build(
    read: Command, data: pd.DataFrame, id: str | None = None, matrices: dict[str, Any] | None = None
) -> GBTM:
    """The model that a command describes."""
    outcome, design = read.described
    columns = WideColumns(
        list(read.var), list(read.indep), {w[0]: list(w) for w in read.tcov}, {w[0]: list(w) for w in read.dcov},
        list(read.exposure) or None,
    )
    panel, inputs = read_wide(data, columns, design, id)
    return GBTM.from_panel(
        panel, model_spec(outcome, design), formula=read.text, profile=_profile(read, matrices), inputs=inputs
    )


def _profile(read: Command, matrices: dict[str, Any] | None) -> np.ndarray | None:
    """plottcov() as (T, q): numbers in the order of tcov(), or a matrix with a row for each covariate."""
    if read.plottcov is None:
        return None
    waves, q = len(read.var), len(read.tcov)
    given = read.plottcov
    if isinstance(given, str):
        if not matrices or given not in matrices:
            raise CommandError(
                f"plottcov({given}): no matrix of that name was given.", code="bad_plottcov", argument="plottcov",
                way_out=f"Pass matrices={{'{given}': [...]}}, or the numbers themselves.",
            )
        given = tuple(np.asarray(matrices[given], dtype=float).ravel().tolist())
    if q == 0 or len(given) not in (q, q * waves):
        raise CommandError(
            f"plottcov(): {len(given)} numbers for {q} covariates at {waves} waves.", code="bad_plottcov",
            argument="plottcov", way_out="Give one number per variable in tcov(), in its order.",
        )
    values = np.asarray(given, dtype=float)
    return np.tile(values, (waves, 1)) if len(given) == q and waves > 1 else values.reshape(q, waves).T


def _start_option(
    command: str, data: pd.DataFrame, matrices: dict[str, Any] | None, fit_options: dict[str, Any]
) -> dict[str, Any]:
    start = parse(command, list(data.columns)).start
    if start is None:
        return {}
    if "start" in fit_options:
        raise CommandError("start(): given twice.", code="bad_start", argument="start", way_out="Give it once.")
    if isinstance(start, str):
        if not matrices or start not in matrices:
            raise CommandError(
                f"start({start}): no matrix of that name was given.", code="bad_start", argument="start",
                way_out=f"Pass matrices={{'{start}': [...]}}, or the numbers themselves.",
            )
        return {"start": np.asarray(matrices[start], dtype=float).ravel()}
    return {"start": np.asarray(start)}


def proc_traj(text: str, data: pd.DataFrame, **fit_options: Any) -> GBTMResults:
    """Run a SAS PROC TRAJ step on wide data.

    Parameters
    ----------
    text : the step, ``"PROC TRAJ DATA=..; ID ..; VAR y1-y5; INDEP t1-t5; MODEL CNORM; .. RUN;"``
    data : wide, one row per subject; the step's variables are its columns, upper and lower case alike
    fit_options : passed on to :func:`gbtm.traj`

    Returns
    -------
    GBTMResults
        A default of Proc Traj that the step does not write, such as MIN 0, is told as a warning.

    Examples
    --------
    >>> import gbtm
    >>> d = gbtm.datasets.two_groups(rng=0).pivot(index="id", columns="t", values="y")
    >>> d.columns = [f"y{j}" for j in range(1, 12)]
    >>> for j in range(1, 12): d[f"t{j}"] = (j - 6.5) / 5.5
    >>> step = "PROC TRAJ DATA=d; VAR Y1-Y11; INDEP T1-T11; MODEL CNORM; MIN -9; MAX 9; NGROUPS 2; ORDER 2 2; RUN;"
    >>> round(float(proc_traj(step, d).group_shares["share"].iloc[0]), 3)
    0.5
    """
    read = parse_proc(text, list(data.columns))
    for sentence in read.assumed:
        warnings.warn(sentence, GBTMWarning, stacklevel=2)
    id = fit_options.pop("id", read.id)
    return traj(read.command, data, id=id, **fit_options)
