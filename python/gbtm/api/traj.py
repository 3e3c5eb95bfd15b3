"""Stata's traj command and SAS's PROC TRAJ step, run as they are written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..arguments import checked
from ..columns.declared_missing import without_declared
from ..columns.reading import common_stem
from ..data.joined_panels import joined_panels
from ..data.panel import Panel
from ..data.shared_times import waves_of_columns
from ..data.wide_columns import wave_times
from ..errors import CommandError, DataError, warn
from ..findings.data_checks import Finding
from ..model.layout import Layout
from ..model.names import joint_order
from ..model.prepared import Prepared
from ..specification.description import Design
from ..specification.outcome_spec import OutcomeSpec
from ..specification.spec import design_spec, outcome_spec
from ..traj_commands.do_file import read_do_file
from ..traj_commands.parameter_bounds import bound_texts
from ..traj_commands.plot_request import PlotRequest
from ..traj_commands.sas_program import sas_commands
from ..traj_commands.stata_command import Command
from .joint_outcome import joint_fit, readable, with_values
from .model import GBTM
from .outcome_results import OutcomeResults
from .reading import WideColumns, read_wide
from .reading_several import joined_record
from .results import GBTMResults

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@checked
def traj(
    command: str, data: pd.DataFrame, *, matrices: dict[str, Any] | None = None, id: str | Sequence[str] | None = None,
    **fit_options: Any,
) -> Any:
    """Run a Stata traj command text on wide data.

    Parameters
    ----------
    command : ``"traj, var(Y1 Y2 Y3) indep(T1 T2 T3) model(cnorm) order(2 2) min(0) max(10)"``, or a piece of a do-file
        as it stands: comments, ``///``, ``#delimit ;``, quietly, capture, ``if`` and ``in``, several traj commands,
        ``trajplot`` after one. docs/programs.md says what is read and how
    data : wide, one row per subject. A name that is no column as it is written is looked for whatever its case
    matrices : values for matrices that the command names, such as ``start(b0)``
    id : column with the subjects' ids, or several that name a person together; the index when absent
    fit_options : passed to :meth:`gbtm.GBTM.fit`; ``cov_type`` is "traj" unless given

    Returns
    -------
    GBTMResults, with ``outcome()`` an :class:`~gbtm.api.outcome_results.OutcomeResults`; a list of them where the text
    has several traj commands
        ``.to_traj().text`` is traj's table. What the text leaves open and traj decides, such as ``min(0)``, is told as
        a warning and kept in ``.warnings``; what of the text has no effect here is told as one warning.

    Raises
    ------
    CommandError
        All faults of the text in one error, each with its line and column (``.faults`` has them one by one).

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
    return _all_fits(read_do_file(command, [str(c) for c in data.columns]), data, id, matrices, fit_options)


def _all_fits(
    reads: tuple[Command, ...], data: pd.DataFrame, id: str | Sequence[str] | None, matrices: dict[str, Any] | None,
    fit_options: dict[str, Any],
) -> Any:
    reads = tuple(with_known_bounds(read, matrices) for read in reads)
    models = [build(read, data, id, matrices) for read in reads]  # what cannot be fitted is said before the first fit
    fits: list[GBTMResults | OutcomeResults] = []
    for read, model in zip(reads, models, strict=True):
        for sentence in read.assumed:
            warn(sentence)
        if read.notes:
            warn(f"No effect here: {' '.join(read.notes)}")
        start = in_our_order(_start_option(read, matrices, fit_options), model.layout)
        res = with_assumed(model.fit(**{"cov_type": "traj", **fit_options, **start}), read)
        for request in read.plots:
            draw(res, request)
        fits.append(res if read.distal is None else with_outcome(res, read, data, id))
    return fits[0] if len(fits) == 1 else fits


def with_outcome(
    res: GBTMResults, read: Command, data: pd.DataFrame, id: str | Sequence[str] | None
) -> OutcomeResults:
    """The joint fit of the trajectories and of the outcome that a command asks for."""
    assert read.distal is not None
    data, excluded = _with_the_outcome(read, data)
    return joint_fit(res, read.distal, data, id if id is not None else list(read.persons), excluded)


def _with_the_outcome(read: Command, data: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The rows that a command is for, of those who have its outcome and the covariates of it; how many have not."""
    if read.selection is not None:
        data = data[read.selection.keep(data)]
    if read.distal is None:
        return data, 0
    return with_values(read.distal, data, None)


def with_assumed(res: GBTMResults, read: Command) -> GBTMResults:
    """The fit, with what the command left open among its warnings."""
    if not read.assumed:
        return res
    return res.with_findings([Finding("assumed", None, sentence) for sentence in read.assumed])


def draw(res: GBTMResults, request: PlotRequest) -> Axes:
    """The picture that a program asks for, on new axes."""
    from ..figures.curves import plot_curves

    res = res.of_outcome(request.outcome) if len(res.outcomes) > 1 else res
    ax = plot_curves(res, level=0.95 if request.bands else None, observed=request.averages)
    ax.set(**{k: v for k, v in (
        ("title", request.title), ("xlabel", request.xtitle), ("ylabel", request.ytitle), ("xticks", request.xticks),
        ("yticks", request.yticks)) if v is not None})
    legend = ax.get_legend()
    if legend is not None and not request.legend:
        legend.remove()
    return ax


def build(
    read: Command, data: pd.DataFrame, id: str | Sequence[str] | None = None, matrices: dict[str, Any] | None = None
) -> GBTM:
    """The model that a command describes."""
    design = read.design
    if id is None and read.persons:
        id = list(read.persons) if len(read.persons) > 1 else read.persons[0]
    data, declared = without_declared(data)
    data, _ = _with_the_outcome(read, data)
    if read.distal is not None:
        try:
            readable(read.distal, data)
        except DataError as error:
            if error.argument != "baseoutcome":
                raise
            raise CommandError(error.message, code=error.code, argument="baseoutcome", way_out=error.way_out) from None
    names = _outcome_names([read, *read.others])
    written = set(re.findall(r"\w+", read.text))
    panels, specs, records, outcomes = [], [], [], []
    for one, name in zip((read, *read.others), names, strict=True):
        columns = WideColumns(
            list(one.var), list(one.indep), {w[0]: list(w) for w in one.tcov}, {w[0]: list(w) for w in one.dcov},
            list(one.exposure) or None,
        )
        panel, inputs = _read(data, columns, design, id, name, written)
        outcomes.append(replace(one.described[0], repeated="repeated" in inputs))
        specs.append(_checked(one, panel, outcome_spec(outcomes[-1], len(one.order))))
        panels.append(panel)
        waves = waves_of_columns(wave_times(data, columns.time, columns.outcome)) if "repeated" in inputs else None
        records.append(inputs)
    several, second = len(panels) > 1, len(read.others[0].order) if read.dual else None
    panel = joined_panels(panels, [True] * len(panels)) if several else panels[0]
    mine = tuple((name, count) for name, count in declared if name in read.columns)
    panel = replace(panel, dropped=replace(panel.dropped, declared=mine))
    model = GBTM.from_panel(
        panel, design_spec(design, tuple(specs), len(read.order), second), formula=read.text,
        profile=None if several else _profile(read, matrices, waves),
        inputs=joined_record(records, [None] * len(records), [False] * len(records), 0) if several else records[0],
    )
    return _bounded(model, read, matrices)


def _read(
    data: pd.DataFrame, columns: WideColumns, design: Design, id: str | Sequence[str] | None, name: str | None,
    written: set[str],
) -> tuple[Panel, dict[str, Any]]:
    """The panel of an outcome; to traj each of several observations at one time counts."""
    try:
        return read_wide(data, columns, design, id, name, written=written)
    except DataError as error:
        if error.code != "duplicate_time":
            raise
    return read_wide(data, columns, design, id, name, written=written, repeated=True)


def with_known_bounds(read: Command, matrices: dict[str, Any] | None) -> Command:
    """The command, without the sentence on bounds whose matrix was given."""
    known = [f"{o}({getattr(read, o)}):" for o in ("lower", "upper") if getattr(read, o) in (matrices or {})]
    return replace(read, assumed=tuple(s for s in read.assumed if not any(k in s for k in known)))


def _bounded(model: GBTM, read: Command, matrices: dict[str, Any] | None) -> GBTM:
    """The model with the bounds of lower() and upper(), where these are numbers or a matrix that was given."""
    given: list[np.ndarray | None] = []
    for option in (read.lower, read.upper):
        values = (matrices or {}).get(option) if isinstance(option, str) else option
        flat = None if values is None else np.asarray(values, dtype=float).ravel()
        given.append(None if flat is None else in_our_order({"start": flat}, model.layout)["start"])
    texts = bound_texts(model.layout, *given)
    if not texts:
        return model
    p = model.prepared
    return GBTM.from_prepared(Prepared.of(
        p.panel, replace(p.spec, constraints=texts), p.bases, formula=p.formula, inputs=p.inputs, profile=p.profile,
        held_out=p.held_out))


def _outcome_names(commands: Sequence[Command]) -> list[str | None]:
    """What the outcomes are called: what their columns have in common, with a number where that is the same."""
    if len(commands) == 1:
        return [None]
    stems = [common_stem(list(c.var)) for c in commands]
    return [s if stems.count(s) == 1 else f"{s}_{m}" for m, s in enumerate(stems, start=1)]


def _checked(read: Command, panel: Panel, spec: OutcomeSpec) -> OutcomeSpec:
    """The specification; data below a minimum that the text does not give are refused with the reason."""
    y = panel.outcomes[0].y
    if read.min_is_default and (y < 0).any():
        raise DataError(
            f"min: {int((y < 0).sum())} values of {panel.outcomes[0].name} are below 0, traj's minimum where min() is "
            f"not given; the smallest is {y.min():g}.", code="beyond_bounds", argument="min",
            way_out="Give the scale's own minimum, or one below all data for no censoring: "
            f"min({np.floor(y.min()) - 1:g}).",
        )
    return spec


def _profile(read: Command, matrices: dict[str, Any] | None, numbers: np.ndarray | None) -> np.ndarray | None:
    """plottcov() as (T, q): numbers in the order of tcov(), or a matrix with a row for each covariate.

    ``numbers`` are the waves of the columns where some share one, which has then what its first column is given.
    """
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
    profile = np.tile(values, (waves, 1)) if len(given) == q and waves > 1 else values.reshape(q, waves).T
    return profile if numbers is None else profile[np.unique(numbers, return_index=True)[1]]


def _start_option(
    read: Command, matrices: dict[str, Any] | None, fit_options: dict[str, Any]
) -> dict[str, Any]:
    start = read.start
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


def in_our_order(start: dict[str, Any], layout: Layout) -> dict[str, Any]:
    """Start values of several outcomes, which traj has outcome by outcome, as the model has its parameters."""
    before = layout.theta.start
    if start and layout.transitions is not None and start["start"].size == layout.size:
        values = np.empty(layout.size)
        values[joint_order(layout.blocks, layout.transitions.n_from)] = start["start"]
        return {"start": values}
    if not start or len(layout.outcomes) == 1 or start["start"].size < before:
        return start
    blocks = sorted((b for b in layout.blocks if b.start < before), key=lambda b: b.outcome)
    values = start["start"].copy()
    values[[i for b in blocks for i in range(b.start, b.start + b.width)]] = start["start"][:before]
    return {"start": values}


@checked
def proc_traj(text: str, data: pd.DataFrame, **fit_options: Any) -> GBTMResults | list[GBTMResults]:
    """Run SAS PROC TRAJ steps on wide data.

    Parameters
    ----------
    text : the step, ``"PROC TRAJ DATA=..; ID ..; VAR y1-y5; INDEP t1-t5; MODEL CNORM; .. RUN;"``, or a piece of a
        program with several, with comments, ``%LET``, ``DATA=a(WHERE=(..))`` and ``%TRAJPLOT`` after a step; several
        ID variables name a person together. docs/programs.md says what is read and how
    data : wide, one row per subject; the step's variables are its columns, upper and lower case alike
    fit_options : passed on to :func:`gbtm.traj`

    Returns
    -------
    GBTMResults, or a list of them where the text has several steps
        A default of Proc Traj that the step does not write, such as MIN 0, is told as a warning and kept in
        ``.warnings``; what of the text has no effect here is told as one warning.

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
    id = fit_options.pop("id", None)
    matrices = fit_options.pop("matrices", None)
    return _all_fits(sas_commands(text, [str(c) for c in data.columns]), data, id, matrices, fit_options)
