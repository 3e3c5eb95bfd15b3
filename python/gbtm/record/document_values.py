"""What must hold between the parts of a fit document: its numbers are numbers, and they make one model.

:mod:`.document_schema` has the fields and their shapes. Here the model is put together from them, as every use does
later, so that a file that cannot be used is refused where it is read, and by what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..columns.formula_design import FormulaDesign
from ..data.dropped import Dropped
from ..data.known_groups import check_known
from ..errors import DataError, GBTMError
from ..families import FAMILIES
from ..lags.lagged import Lags
from ..specification.covariance_kinds import COVARIANCE_KINDS
from .fit_record import FitRecord
from .rebuild import layout_of

PLAIN = (str, int, float, bool, np.generic)
COUNTS = tuple(n for n, f in Dropped.__dataclass_fields__.items() if str(f.type) == "int")
LISTS = tuple(n for n, f in Dropped.__dataclass_fields__.items() if f.default == ())
DESIGNS = ("time_design", "risk_design", "risk2_design", "tcov_design", "dcov_design")


def check_values(document: Mapping[str, Any], source: str) -> None:
    """Refuse a document of the right shape whose parts do not make a fit.

    Raises
    ------
    DataError
        ``bad_document``, naming the field or the part.
    """
    try:
        problem = next(_problems(document), None)
    except GBTMError as error:
        problem = error.message.rstrip(".")
    except Exception as error:  # whatever a strange value meets on the way from the file to the model
        problem = f"its fields do not make a model ({type(error).__name__}: {error})"
    if problem is not None:
        raise DataError(
            f"{source}: {problem}.", code="bad_document", argument="path", way_out="Give a file as it was written.",
        )


def _problems(document: Mapping[str, Any]) -> Iterator[str]:
    yield from _numbers(document)
    yield from _designs(document)
    record = FitRecord(dict(document))
    for part, read in READ.items():
        try:
            read(record)
        except Exception as error:
            yield f"'{part}' cannot be read ({type(error).__name__}: {error})"
    yield from _model(document, record)


READ: dict[str, Callable[[FitRecord], Any]] = {
    "outcomes": lambda r: r.outcomes, "group_sets": lambda r: r.group_sets, "spec": lambda r: r.spec,
    "blocks": lambda r: r.blocks, "internal": lambda r: r.internal, "search": lambda r: r.search,
    "certificate": lambda r: r.certificate, "warnings": lambda r: r.findings, "inputs": lambda r: r.inputs,
    "dual": lambda r: r.dual,
}


def _numbers(document: Mapping[str, Any]) -> Iterator[str]:
    """Values that no fit has."""
    n = document["n_subjects"]
    finite = {"params": document["params"], **{f"internal.{k}": v for k, v in document["internal"].items()}}
    for m, outcome in enumerate(document["outcomes"]):
        where = f"outcomes[{m}]"
        finite |= {f"{where}.{k}": outcome[k] for k in ("centre", "scale", "time_scale")}
        for part in ("coefficients", "offsets"):
            finite |= {f"{where}.{part}.{k}": v for k, v in outcome[part].items()}
        finite |= {f"{where}.bases.{k}.mix": v.get("mix") for k, v in outcome["bases"].items()}
        if not outcome["scale"] > 0 or not outcome["time_scale"] > 0:
            yield f"'{where}.scale' and '.time_scale' are not positive"
        if outcome["spec"]["family"] not in FAMILIES:
            yield f"'{where}.spec.family' is {outcome['spec']['family']!r}, which this package does not know"
        yield from _observations(outcome.get("data"), n, f"{where}.data", finite)
        if outcome["dropout"] is not None:
            yield from _observations(outcome["dropout"].get("records"), n, f"{where}.dropout.records", finite)
    for s, group_set in enumerate(document["group_sets"]):
        known = ("shares", "posterior") if group_set["posterior"] is not None else ("shares",)  # none of people on disk
        finite |= {f"group_sets[{s}].{k}": group_set[k] for k in known}
        finite |= {f"group_sets[{s}].membership.{k}": group_set["membership"][k] for k in ("coefficients", "mix")}
        for what in known:
            p = np.asarray(group_set[what], dtype=float)
            if ((p < -1e-9) | (p > 1 + 1e-9)).any() or (np.abs(p.sum(-1) - 1) > 1e-6).any():
                yield f"'group_sets[{s}].{what}' are no probabilities that add up to 1"
    yield from _dual(document.get("dual"), finite)
    for name, value in finite.items():
        if value is None or not np.isfinite(np.asarray(value, dtype=float)).all():
            yield f"'{name}' has a value that is no finite number"
    weights = document.get("weights")
    if weights is not None and not (np.asarray(weights, dtype=float) > 0).all():
        yield "'weights' are not all positive"
    yield from _known(document)
    for name, kinds in (("names", str), ("traj_names", str), ("ids", PLAIN), ("identified", PLAIN)):
        if name in document and not all(isinstance(v, kinds) for v in document[name]):
            yield f"'{name}' has an entry that is not of its kind"
    yield from _reading(document)
    if document["cov_type"] not in COVARIANCE_KINDS:
        yield f"'cov_type' is {document['cov_type']!r}, which this package does not know"


def _known(document: Mapping[str, Any]) -> Iterator[str]:
    """Whose group is known."""
    for name, group_set in zip(("known_groups", "known_groups2"), document["group_sets"], strict=False):
        if document.get(name) is not None:
            try:
                known = np.asarray(document[name], dtype=float)
                check_known(known, group_set["n_groups"], pd.RangeIndex(len(known)))
            except DataError as error:
                yield f"'{name}' cannot be: {error}"


def _dual(dual: Mapping[str, Any] | None, finite: dict[str, Any]) -> Iterator[str]:
    """The pairs of groups of a dual model."""
    if dual is None:
        return
    finite |= {f"dual.{k}": dual[k] for k in ("coefficients", "shares", "jacobian", "posterior")}
    finite |= {f"dual.basis.{k}": dual["basis"][k] for k in ("centre", "scale")}
    finite |= {f"dual.separate.{k}": dual["separate"][k] for k in ("logliks", "n_parameters")}
    for what, p in (("posterior", dual["posterior"]), ("shares", dual["shares"]),
                    ("two_step.shares", dual["two_step"]["shares"])):
        p = np.asarray(p, dtype=float)
        if ((p < -1e-9) | (p > 1 + 1e-9)).any() or (np.abs(p.sum(-1) - 1) > 1e-6).any():
            yield f"'dual.{what}' are no probabilities that add up to 1"


def _reading(document: Mapping[str, Any]) -> Iterator[str]:
    """How the table was read, and what was dropped of it."""
    inputs, dropped = document["inputs"], document.get("dropped")
    if inputs is not None:
        levels, design = inputs.get("levels"), inputs.get("design") or {}
        if inputs.get("form") not in ("long", "wide"):
            yield f"'inputs.form' is {inputs.get('form')!r}"
        if not isinstance(levels, Mapping) or not all(isinstance(v, (list, tuple)) for v in levels.values()):
            yield "'inputs.levels' are no lists by column"
        if not isinstance(design, Mapping) or not all(v is None or isinstance(v, str) for v in design.values()):
            yield "'inputs.design' names no columns"
    for name, value in (dropped or {}).items():
        if name in LISTS:
            if not isinstance(value, (list, tuple)):
                yield f"'dropped.{name}' is no list"
            elif name == "declared" and not all(isinstance(v, (list, tuple)) and len(v) == 2 for v in value):
                yield "'dropped.declared' are no names with their counts"
        elif name in COUNTS and (isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0):
            yield f"'dropped.{name}' is no whole number from 0 on"


def _observations(
    data: Mapping[str, Any] | None, n_subjects: int, where: str, finite: dict[str, Any]
) -> Iterator[str]:
    """Of whom they are, and when."""
    if data is None:
        return
    finite |= {f"{where}.{k}": data[k] for k in ("time", "y", "covariates", "exposure") if data.get(k) is not None}
    for name, end in (("subject", n_subjects), ("wave", None)):
        at = np.asarray(data[name], dtype=float)
        if at.size and not (np.isfinite(at).all() and (at == np.floor(at)).all() and at.min() >= 0):
            yield f"'{where}.{name}' are no whole numbers from 0 on"
        elif at.size and at.max() >= (at.size + 1 if end is None else end):
            yield f"'{where}.{name}' has {at.max():.0f}, which is more than there are"


def _designs(document: Mapping[str, Any]) -> Iterator[str]:
    """Stored designs, which are next used when new people come."""
    places = [(f"outcomes[{m}].inputs", o["inputs"]) for m, o in enumerate(document["outcomes"])]
    places += [(f"group_sets[{s}].inputs", g["inputs"]) for s, g in enumerate(document["group_sets"])]
    given = [(where, inputs) for where, inputs in places if inputs is not None]
    stored = [(f"{where}.{name}", inputs.get(name)) for where, inputs in given for name in DESIGNS]
    for m, outcome in enumerate(document["outcomes"]):
        stored += [(f"outcomes[{m}].bases.{k}.design", b.get("design")) for k, b in outcome["bases"].items()]
    for where, design in stored:
        if design is None:
            continue
        try:
            FormulaDesign.from_document(design, trusted=False)
        except DataError as error:
            yield f"'{where}': {error.message.rstrip('.')}"
    for m, outcome in enumerate(document["outcomes"]):
        if outcome.get("lags") is None:
            continue
        try:
            n_lags = len(Lags.of(outcome["lags"]).terms)
        except (GBTMError, KeyError, TypeError, ValueError) as error:
            yield f"'outcomes[{m}].lags' cannot be read ({error})"
            continue
        source = (outcome.get("data") or {}).get("lag_source")
        if source is not None and not (
                np.shape(source)[1] == n_lags and np.min(source) >= -1 and np.max(source) < outcome["nobs"]):
            yield f"'outcomes[{m}].data.lag_source' points to no observations"


def _model(document: Mapping[str, Any], record: FitRecord) -> Iterator[str]:
    """The parameters are those of the model that the fields describe."""
    layout = layout_of(record)
    if layout.size != len(document["names"]):
        yield f"'names' has {len(document['names'])} parameters, and the model that 'outcomes' describe {layout.size}"
    for m, outcome in enumerate(record.outcomes):
        for predictor, at in outcome.positions.items():
            rows = layout.rows_of(layout.spec.set_of(m))
            if predictor not in layout.index[m] or at.shape != layout.index[m][predictor][rows].shape:
                yield f"'outcomes[{m}].positions.{predictor}' are not those of the model"
            elif at.size and (at.min() < -1 or at.max() >= layout.size):
                yield f"'outcomes[{m}].positions.{predictor}' has a place that no parameter has"
        # the mean of the wave before is the mean's
        predictors = {p for p in layout.index[m] if not p.startswith("lag_")}
        if set(outcome.coefficients) != predictors or set(outcome.positions) != predictors:
            yield f"'outcomes[{m}].coefficients' are not those of its family"
        elif any(outcome.coefficients[p].shape != outcome.positions[p].shape for p in outcome.positions):
            yield f"'outcomes[{m}].coefficients' and '.positions' are of different shapes"
    for s, groups in enumerate(record.group_sets):
        at = groups.membership.positions
        if at.size and (at.min() < -1 or at.max() >= layout.size):
            yield f"'group_sets[{s}].membership.positions' has a place that no parameter has"
    if record.dual is not None:
        at = record.dual.positions
        assert layout.transitions is not None
        own = layout.transitions.index
        if at.shape != own.shape or (np.where(at < 0, layout.size, at) != own).any():
            yield "'dual.positions' are not those of the model"
        if record.dual.jacobian.shape != (layout.n_groups, layout.size):
            yield "'dual.jacobian' is not that of the model's pairs of groups"
    held, ids = document["group_sets"][0]["out_of_sample"], document["out_of_sample_ids"]
    if (held is None) != (ids is None) or (ids is not None and len(ids) != len(held)):
        yield "'out_of_sample_ids' are not those of 'group_sets[0].out_of_sample'"
    if document["nobs"] != sum(o.nobs for o in record.outcomes):
        yield f"'nobs' is {document['nobs']}, and the outcomes have {sum(o.nobs for o in record.outcomes)}"
    if sum(b.width for b in record.blocks) != layout.size:
        yield "'blocks' are not those of the parameters"
    if not record.search.optima:
        yield "'search.optima' has none"
    for i, o in enumerate(record.search.optima):
        if o.params is not None and o.params.shape != (layout.size,):
            yield f"'search.optima[{i}].params' are not {layout.size} numbers"
