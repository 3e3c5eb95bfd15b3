"""Fits for R: from long columns, and by a traj command."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ..api.load import results_of
from ..api.model import GBTM
from ..api.outcome_results import OutcomeResults
from ..api.results import GBTMResults
from ..api.traj import build, in_our_order, with_assumed, with_known_bounds, with_outcome
from ..columns.formula_design import FormulaDesign
from ..compute.progress import Progress
from ..data.panel import Panel
from ..design.time_basis import TimeBasis, matrix_basis
from ..record.document import encode, from_json
from ..record.shared_data import data_fields, with_data
from ..specification.description import described
from ..specification.spec import ModelSpec, model_spec
from ..traj_commands.do_file import read_do_file
from ..traj_commands.sas_program import sas_commands
from ..traj_commands.stata_command import Command
from .panels import ids_of, panel_of_columns
from .transfer import answer, column, doubles, keep_codes, new_bulk, without_clock


def fitted_answer(
    res: GBTMResults, ids: pd.Index, data: dict[str, Any] | None = None, table: bool = True
) -> dict[str, Any]:
    """The fit document as text, its arrays among those for :func:`take_bulk`, and traj's table if wanted.

    ``data`` stands in for those of the outcome. Ids are among the arrays where they are whole numbers: a million
    numbers of JSON take R half a second.
    """
    document = res.document if data is None else with_data(res.document, [data])
    if ids.dtype.kind == "i":
        document = {**document, "ids": ids.to_numpy()}
    document = without_clock(document)
    text = json.dumps(encode(document, new_bulk()), allow_nan=False)
    return {"document": text, **({"traj": {"text": res.to_traj().text}} if table else {})}


def without_sent(
    data: dict[str, Any], row: np.ndarray, sent: dict[str, np.ndarray]
) -> tuple[dict[str, Any], dict[str, int]]:
    """The data of a fit with ``{"held": name}`` for what R has or can make again, and the width of each code it needs.

    R sent most of it a moment ago, and ten million rows back take longer than the fit. The codes for
    :func:`take_codes`, from 1: ``count``, observations of each subject; ``wave``; and ``row``, which of the rows sent
    were used and in what order, when that is not simply all.
    """
    codes = {"count": np.bincount(data["subject"]), "wave": data["wave"] + 1}
    used: Any = slice(None)
    if row.size < sent["y"].size or not (row[1:] > row[:-1]).all():
        codes["row"], used = row + 1, row
    held = {"subject", "wave", *(name for name, values in sent.items() if np.array_equal(data[name], values[used]))}
    width = keep_codes(codes)
    return {name: {"held": name} if name in held else values for name, values in data.items()}, width


@dataclass(frozen=True, eq=False)
class Asked:
    """A request to fit, read: the people, the model, the basis that R made of its formula (None for polynomials)."""

    panel: Panel
    spec: ModelSpec
    bases: list[TimeBasis | None] | None


def read_request(
    asked: dict[str, Any], ids: bytearray, subject: bytearray, times: np.ndarray, values: np.ndarray, basis: bytearray
) -> Asked:
    """The columns that R sent and the model it asks for; ``basis`` has columns at each of the rows sent."""
    names = asked.get("basis_names")
    formula = asked["formula"].partition("~")[2].strip() if names else None
    # covariates came as columns: which there are is all that the description has to know
    here = {"dcov": asked.get("dcov_names"), "obsmar": "obsmar" in (asked.get("subjects") or ()) or None,
            "trials" if asked.get("trials") else "exposure": asked.get("exposure") or None, "wave": asked.get("wave")}
    outcome, design = described({**asked["model"], **here})
    asked = {**asked, "dropout": design.dropout is not None, "repeated": outcome.repeated}
    panel = panel_of_columns(asked, ids, subject, times, values)
    bases: list[TimeBasis | None] | None = None
    if names:
        columns, first = doubles(basis).reshape(len(names), values.size).T, panel.outcomes[0]
        stored = asked.get("basis_design")
        bases = [matrix_basis(
            first.time, columns[first.row], tuple(names), time_name=asked["time_name"], from_r=True,
            design=None if stored is None else FormulaDesign.from_document(stored, trusted=False),
        )]
    spec = model_spec(outcome, design, formula, common=tuple(asked.get("common_names") or ()))
    levels = asked.get("factor_levels")
    if levels:  # R's ordered factor
        spec = replace(spec, outcomes=(replace(spec.outcomes[0], levels=tuple(levels)),))
    return Asked(panel, spec, bases)


def fit(
    request: str, ids: bytearray, subject: bytearray, time: bytearray, y: bytearray, basis: bytearray,
    tell: Progress | None,
) -> str:
    """Fit from long arrays.

    Parameters
    ----------
    request : JSON with ``ids`` (text, or null where they are numbers), ``id_name``, ``time_name``,
        ``outcome_name``, ``model`` (options, see :mod:`gbtm.specification.description`), ``basis_names`` (or null),
        ``options`` (arguments of :meth:`GBTM.fit`), and optionally ``table`` (false: without traj's table),
        ``start_document``, a fit with as many groups, or one less, to start from, ``inputs``, how R read the table
        (as in :class:`~gbtm.model.prepared.Prepared`, or null), and what :func:`receive` has besides: ``subjects``, the
        arguments of :func:`gbtm.data.subjects.subjects_of_arrays` with one value per id (``risk`` by column, its
        ``risk_names``); ``tcov_names`` and ``dcov_names`` for matrices by column, and ``common_names`` of those whose
        effects all groups share; ``exposure``, true or false;
        ``wave``, what the column that counts the waves is called;
        ``waves``, how many of them each subject has, for wide data
    ids : the ids where they are numbers, in the order of the codes; empty where ``subject`` holds them
    subject : codes 0.. into the ids, or the ids themselves, NaN for a missing id
    subject, time, y : empty for what :func:`receive` has
    basis : columns of a basis formula at each observation, by column; empty for polynomials

    Returns
    -------
    JSON text: ``{"ok": true, "document": .., "held": .., "traj": ..}`` or ``{"ok": false, "error": ..}``
    """

    def work() -> dict[str, Any]:
        asked = json.loads(request)
        times, values = column("time", time), column("y", y)
        read = read_request(asked, ids, subject, times, values, basis)
        model = GBTM.from_panel(
            read.panel, read.spec, bases=read.bases, formula=asked.get("formula"), inputs=asked.get("inputs")
        )
        options = asked["options"]
        if asked.get("start_document"):
            options["start"] = results_of(from_json(asked["start_document"]))
        res = model.fit(progress=tell or False, **options)
        data = data_fields(res.outcome.data)
        data, held = without_sent(data, model.panel.outcomes[0].row, {"time": times, "y": values})
        return {**fitted_answer(res, model.panel.ids, data, asked.get("table", True)), "held": held}

    return answer(work)


def _reads(text: str, columns: list[str], sas: bool) -> tuple[Command, ...]:
    return sas_commands(text, columns) if sas else read_do_file(text, columns)


def read_commands(text: str, columns: str, language: str) -> str:
    """Read a do-file's or a SAS program's text against column names (JSON list); ``language`` is "stata" or "sas".

    Returns
    -------
    JSON text with ``commands``, a list: of each the ``columns`` of numbers and the ``condition``'s columns that it
    needs, the ``matrices`` that it names, the columns that name the ``persons``, what was ``assumed``, ``notes`` on
    what has no effect, and the ``plots`` that are asked for
    """

    def work() -> dict[str, Any]:
        return {"commands": [_needs(read) for read in _reads(text, json.loads(columns), language == "sas")]}

    return answer(work)


def _needs(read: Command) -> dict[str, Any]:
    named = {"start": read.start, "plottcov": read.plottcov}
    return {
        "columns": read.columns, "matrices": {k: v for k, v in named.items() if isinstance(v, str)},
        "bounds": {k: v for k, v in (("lower", read.lower), ("upper", read.upper)) if isinstance(v, str)},
        "condition": read.selection.columns if read.selection is not None else [], "persons": list(read.persons),
        "assumed": list(read.assumed), "notes": list(read.notes), "plots": [asdict(p) for p in read.plots],
    }


def outcome_answer(out: OutcomeResults) -> dict[str, Any]:
    """What traj's ``outcome()`` gave, beside the fit of the trajectories before it."""
    table, variables = out.to_traj(), out.traj_data()
    return {
        "names": out.names, "params": encode(out.estimates), "cov": encode(out.cov), "loglik": out.llf,
        "family": out.family, "formula": out.formula, "text": table.text, "traj_names": list(table.b.index),
        "df": None if np.isinf(out.df_inference) else out.df_inference,
        "variables": {str(name): encode(variables[name].to_numpy(dtype=float)) for name in variables},
    }


def command(text: str, request: str, ids: bytearray, table: bytearray, tell: Progress | None) -> str:
    """Run one of the commands of a text on wide columns.

    Parameters
    ----------
    request : JSON with ``columns`` (names), ``ids`` (as for :func:`fit`), ``id_name``, ``id`` (their column, or null),
        ``matrices`` (the numbers of each matrix that the command names, by row) and ``options``; ``language`` and
        ``which`` of the commands it is, from 0; ``all_columns``, the names of the user's table; ``texts``, the columns
        of a condition that hold texts, null for missing
    table : the columns' doubles, by column
    """

    def work() -> dict[str, Any]:
        asked = json.loads(request)
        values = doubles(table).reshape(len(asked["columns"]), -1).T
        data = pd.DataFrame(values, columns=asked["columns"], index=ids_of(asked, ids))
        for name, texts in (asked.get("texts") or {}).items():
            data[name] = pd.Series(texts, index=data.index, dtype=object)
        columns = asked.get("all_columns") or asked["columns"]
        declared = tuple((str(name), int(count)) for name, count in (asked.get("declared") or {}).items())
        read = _reads(text, columns, asked.get("language") == "sas")[asked.get("which", 0)]
        matrices = asked.get("matrices") or {}
        read = with_known_bounds(read, matrices)
        start = matrices.get(read.start) if isinstance(read.start, str) else read.start
        options = {"cov_type": "traj", **asked["options"]}
        model = build(replace(read, persons=()), data, matrices=matrices)
        if start is not None:
            options |= in_our_order({"start": np.asarray(start, dtype=float)}, model.layout)
        panel = model.prepared.panel
        told = replace(panel, dropped=replace(panel.dropped, declared=declared))
        model = GBTM.from_prepared(replace(model.prepared, panel=told))
        assert model.prepared.inputs is not None
        model.prepared.inputs["id"] = asked.get("id")  # the ids came apart from the columns
        res = with_assumed(model.fit(progress=tell or False, **options), read)
        out = None if read.distal is None else with_outcome(res, replace(read, persons=()), data, None)
        return fitted_answer(res, res.ids) | ({} if out is None else {"outcome": outcome_answer(out)})

    return answer(work)
