"""What a fit was asked for, read back from its document: the arguments any language has to be given again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..columns.reading import is_number
from ..design.time_basis import formula_basis
from ..families import family_named
from .event_option import event_argument
from .reading import InOrder
from .spec_options import arguments_of

if TYPE_CHECKING:
    from ..api.results import GBTMResults


UNKNOWN = "The fit does not say from which columns it was made: check the names."


@dataclass(frozen=True)
class Recipe:
    """Attributes
    ----------
    form : "long", "wide", "command" (Stata's text) or "unknown" (made from arrays: names are what the fit calls them)
    formula : ``"y ~ t"``, or the command's text
    id : column of the subjects' ids, or several; None where the rows of a wide table are subjects
    outcome, time : names
    wide : name -> columns (or times), for wide data
    columns : risk, tcov, common, dcov, exposure, weights, cluster, stratum, out_of_sample, obsmar, known: what was
        given, where it was
    model : arguments that describe the model, those at their default left out
    fit : arguments of the fit
    factors : the levels of the factors among the covariates
    levels : those of them that a file does not give in this order, on which the meaning of the parameters depends
    estimates : the parameters found
    from_start : the fit was made from given numbers
    searches_orders : the orders are a search's to find
    on_disk : the data are files that are read block by block
    """

    form: str
    formula: str
    id: str | list[str] | None
    outcome: str
    time: str
    wide: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    fit: dict[str, Any] = field(default_factory=dict)
    factors: dict[str, list[Any]] = field(default_factory=dict)
    levels: dict[str, list[Any]] = field(default_factory=dict)
    estimates: tuple[float, ...] = ()
    from_start: bool = False
    searches_orders: bool = False
    on_disk: bool = False


def python_formula(res: GBTMResults, formula: str) -> str:
    """A basis formula in formulaic's words, where the fit has them: R's are ``lspline(age, knots = c(12, 15))``."""
    design = res.outcome.bases["mean"].get("design")
    return formula if design is None else f"{formula.partition('~')[0].strip()} ~ {design['formula']}"


def _in_python_names(res: GBTMResults, texts: Any) -> list[str]:
    """Constraints of a fit of R's, by the names that its basis has in Python."""
    basis, found = res.outcome.bases["mean"], [str(t) for t in texts]
    if basis.get("design") is None or basis["formula"] is not None:
        return found
    names = formula_basis(np.unique(res.outcome.seen_times), basis["design"]["formula"], res.time_name).names
    for theirs, ours in zip(basis["names"], names, strict=True):
        found = [t.replace(f"{theirs}[", f"{ours}[") for t in found]
    return found


def recipe(res: GBTMResults) -> Recipe:
    """How to ask for this fit again."""
    inputs = res.inputs or {}
    formula = res.formula or f"{res.outcome_name} ~ {res.time_name}"
    command = formula.lstrip().startswith("traj")
    if not command and res.outcome.spec.basis is None:
        formula = f"{res.outcome_name} ~ {res.time_name}"  # R's has backticks around odd names
    elif not command:
        formula = python_formula(res, formula)
    form = "command" if command else inputs.get("form", "unknown")
    columns = dict(inputs.get("design") or {})
    columns |= {k: inputs.get(k) for k in ("risk", "tcov", "dcov", "exposure", "wave")} if inputs else _from_names(res)
    wide: dict[str, Any] = {}
    if form == "wide":
        made = () if res.outcome.lags is None else tuple(c for c in inputs["tcov"] if "lag(" in c)  # of no columns
        wide = {res.outcome_name: inputs["outcome"], res.time_name: inputs["time"],
                **{k: v for k, v in (inputs.get("tcov") or {}).items() if k not in made}, **(inputs.get("dcov") or {})}
        columns["tcov"], columns["dcov"] = list(inputs.get("tcov") or {}), list(inputs.get("dcov") or {})
        if inputs.get("exposure") is not None:
            columns["exposure"] = inputs["exposure"]
            if not is_number(inputs["exposure"]):
                wide["exposure"], columns["exposure"] = inputs["exposure"], "exposure"
    columns |= inputs.get("asked") or {}  # what was read as one, tcov and common
    if "exposure" in columns and family_named(res.family).takes_trials:
        columns["trials"] = columns.pop("exposure")
    model = {**arguments_of(res.spec), **event_argument(res)}
    if model.get("constraints"):
        model["constraints"] = _in_python_names(res, model["constraints"])
    return Recipe(
        form=form, formula=formula, id=_plain(inputs.get("id", res.id_name)),
        outcome=res.outcome_name, time=res.time_name, wide=wide,
        columns={k: _plain(v) for k, v in columns.items() if v not in (None, [], (), {})},
        factors=inputs.get("levels") or {}, levels=_unsorted(inputs.get("levels") or {}) | _of_outcome(res),
        model=model, fit=fit_options(res, columns, command),
        # without their hidden units the coefficients say nothing
        estimates=() if res.spec.has_networks else tuple(res.params.tolist()),
        from_start=res.search.user_start and not res.spec.has_networks, on_disk=res.on_disk is not None,
    )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _from_names(res: GBTMResults) -> dict[str, Any]:
    """The covariates as the fit calls them, where it does not say from which columns they were made."""
    return {
        "risk": list(res.group_set.membership.covariate_names),
        "tcov": [n for n in res.outcome.covariate_names if n not in res.outcome.spec.common],
        "common": list(res.outcome.spec.common),
        "dcov": list(res.dropout.covariate_names) if res.dropout else None,
        "exposure": "exposure" if res.outcome.has_exposure else None,
        "weights": "weights" if res.weighted else None, "known": known_names(res),
    }


def known_names(res: GBTMResults) -> str | list[str] | None:
    """Columns of known groups, or weights of groups, of a fit that does not say what they were called."""
    return _names_of(res.known_groups, "known")


def known_of_both(res: GBTMResults) -> list[str | list[str] | None] | None:
    """The columns of each outcome's known groups, of a dual model; None where nobody's is known."""
    asked = (res.inputs or {}).get("design") or {}
    each = [asked.get(name) or _names_of(known, name)
            for name, known in zip(("known", "known2"), res.known_sets, strict=True)]
    return None if each == [None, None] else each


def _names_of(known: np.ndarray | None, stem: str) -> str | list[str] | None:
    if known is None:
        return None
    between = "_" if stem[-1].isdigit() else ""
    return stem if known.shape[1] == 1 else [f"{stem}{between}{k + 1}" for k in range(known.shape[1])]


def _of_outcome(res: GBTMResults) -> dict[str, list[Any]]:
    """The levels of an outcome that is a factor, in each of its columns."""
    spec, named = res.outcome.spec, (res.inputs or {}).get("outcome", res.outcome_name)
    if spec.levels is None:
        return {}
    columns = named if isinstance(named, (list, tuple)) else [named]
    if spec.traits.has_mean:
        return {str(c): InOrder(spec.levels) for c in columns}
    return _unsorted({str(c): list(spec.levels) for c in columns})


def _unsorted(levels: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Levels in an order that neither Python nor R, which may ignore case, gives them by itself."""
    def by_itself(values: list[Any]) -> bool:
        texts = all(isinstance(v, str) for v in values)
        alike = texts or not any(isinstance(v, str) for v in values)
        return alike and values == sorted(values) and (not texts or values == sorted(values, key=str.casefold))

    return {column: list(values) for column, values in levels.items() if not by_itself(list(values))}


def fit_options(res: GBTMResults, columns: dict[str, Any], command: bool) -> dict[str, Any]:
    """Arguments of the fit that are not what it would have without being told."""
    fit: dict[str, Any] = {"rng": int(res.search.rng or 0)}
    if res.search.n_starts_asked is not None:
        fit["n_starts"] = int(res.search.n_starts_asked)
    usual = "hessian"
    if command:
        usual = "traj"
    elif columns.get("cluster") or columns.get("stratum"):
        usual = "cluster"
    elif res.weighted:
        usual = "robust"
    if res.cov_type != usual:
        fit["cov_type"] = res.cov_type
    if command and res.prior is not None:
        fit["prior"] = res.prior
    return fit


def is_dual(res: Any) -> bool:
    """A fit with two sets of groups."""
    return len(getattr(res, "group_sets", ())) > 1
