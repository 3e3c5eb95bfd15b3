"""Stata's traj command for a fit: one row per subject, so that long data are reshaped first."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..families import family_named, having
from .recipe import UNKNOWN, Recipe
from .search_recipe import SearchRecipe
from .stata_covariates import columns_of, covariates
from .stata_names import LEGAL, StataNames

if TYPE_CHECKING:
    from ..api.results import GBTMResults

WIDTH = 96
WAVES_MOST = 60  # with more distinct times, waves are each subject's first, second, .. observation
OF_SUBJECTS = (("weight", "weights"), ("outofsample", "out_of_sample"), ("obsmar", "obsmar"))

Options = list[tuple[str, Any]]


@dataclass
class _Script:
    """The lines of a do-file as they come."""

    names: StataNames
    comments: list[str] = field(default_factory=list)
    prepare: list[str] = field(default_factory=list)


def lacking(res: GBTMResults) -> str:
    """What of this model Stata's traj does not have; empty where it has all."""
    if any(o.spec.common for o in res.outcomes):
        return "covariates with one coefficient for all groups"
    if res.spec.constraints and not (res.formula or "").lstrip().startswith("traj"):
        return f"constraints ({'; '.join(res.spec.constraints)})"
    if res.known_groups is not None:
        return "people whose group is known"
    if res.event is not None:
        return "a time to an event beside the outcomes"
    if len(res.outcomes) > 1:
        return ""
    spec = res.outcome.spec
    if res.prior is not None:
        return "the weak prior"
    if res.on_disk is not None:
        return "data that stay on disk"
    if family_named(res.family).traj_model is None:
        return f"the family {res.family} (it has {', '.join(having('traj_model'))})"
    if spec.phi_orders is not None:
        return "a phi that moves with time (phi_order)"
    if spec.random_correlated or spec.random_common:
        return "random effects that are correlated or have one covariance for all groups"
    if spec.random_orders is not None and max(spec.random_orders) > 1:
        return "a random effect of time squared (its rorder goes up to 1)"
    if spec.curve is not None:
        return f"curves of {spec.curve.words}; it has polynomials of time up to order 5"
    if spec.basis is not None:
        return f"curves of a basis formula ({spec.basis}); it has polynomials of time up to order 5"
    return ""


def stata_code(res: GBTMResults, recipe: Recipe, data: str, search: SearchRecipe | None = None) -> str:
    """A do-file with the reshape and the traj command, or a comment on what traj lacks."""
    elsewhere = "* The search was made elsewhere, as Stata has none: the table of the report has the models compared."
    before = [elsewhere] if search is not None else []
    missing = lacking(res)
    if missing:
        return "\n".join([*before, f"* Stata's traj cannot fit this model. It lacks {missing}."]) + "\n"
    columns = _columns(res, recipe)
    script = _Script(StataNames(columns))
    if recipe.form == "command":
        return "\n".join([*before, *script.names.reading(data, []), recipe.formula.strip(), "trajplot"]) + "\n"
    if "cluster" in recipe.columns or "stratum" in recipe.columns:
        script.comments.append("traj knows no clusters or strata: same estimates, other standard errors.")
    if recipe.form == "unknown":
        script.comments += [UNKNOWN, *(f"call the column {c} {n} in the file: Stata does not allow its name."
                                       for c, n in script.names.changed.items())]
        columns = []
    options = _options(res, recipe, script)
    if search is not None:
        before = _numbers_of_groups(search, options)
    return "\n".join([
        *script.names.reading(data, columns), *(f"* {c}" for c in script.comments), *script.prepare, *before,
        command_text(options), "trajplot",
    ]) + "\n"


def options_and_lines(res: GBTMResults, recipe: Recipe) -> tuple[StataNames, Options, list[str], str]:
    """Of one outcome of several: names, the options of the command, the lines that come before it, and the id."""
    script = _Script(StataNames(_columns(res, recipe)))
    options = _options(res, recipe, script)
    id_ = "_person" if isinstance(recipe.id, list) else script.names[recipe.id or "id"] if recipe.form != "wide" else ""
    return script.names, options, [*(f"* {c}" for c in script.comments), *script.prepare], id_


def _columns(res: GBTMResults, recipe: Recipe) -> list[str]:
    """The columns of the file that the do-file names."""
    one_each = [recipe.columns[k] for _, k in OF_SUBJECTS if k in recipe.columns]
    risk, tcov, dcov = (columns_of(names, recipe, kind) for kind, names in _design(res).items())
    if recipe.form == "wide":
        given = [[v] if isinstance(v, str) else list(v) for v in recipe.wide.values()]
        return [*(str(c) for g in given for c in g if isinstance(c, str) and not set("*?[") & set(c)), *risk, *one_each]
    exposure = [recipe.columns["exposure"]] if "exposure" in recipe.columns else []
    wave = [recipe.columns["wave"]] if "wave" in recipe.columns else []
    ids = recipe.id if isinstance(recipe.id, list) else [recipe.id or "id"]
    return [recipe.outcome, recipe.time, *ids, *tcov, *dcov, *risk, *one_each, *exposure, *wave]


def _design(res: GBTMResults) -> dict[str, list[str]]:
    """What the fit calls its covariates."""
    return {
        "risk": list(res.group_set.membership.covariate_names), "tcov": list(res.outcome.covariate_names),
        "dcov": [] if res.dropout is None else list(res.dropout.covariate_names),
    }


def _options(res: GBTMResults, recipe: Recipe, script: _Script) -> Options:
    """The options of the command, in its order; what comes before it goes to the script."""
    wide = recipe.form == "wide"
    risk, tcov, dcov = (
        names if wide and kind != "risk" else  # those of wide data are names of waves
        covariates(names, recipe, kind, script.names, script.prepare, script.comments)
        for kind, names in _design(res).items()
    )
    if not wide:
        _censor_beyond(res, [script.names[recipe.outcome]], script)
    waves = _wide_columns(res, recipe, script) if wide else _reshape(res, recipe, risk, [*tcov, *dcov], script)
    outcome, time = (n if wide else script.names[n] for n in (recipe.outcome, recipe.time))
    if wide:
        _censor_beyond(res, waves[outcome], script)
    spec, model = res.outcome.spec, recipe.model
    traj_model = str(family_named(res.family).traj_model)
    options: Options = [("var", waves[outcome]), ("indep", waves[time]), ("model", [traj_model]),
                        ("order", spec.orders)]
    if spec.zero_orders is not None:
        options.append(("iorder", spec.zero_orders))
    if family_named(traj_model).has_bounds:
        options += [(word, [f"{v:.10g}"]) for word, v in zip(("min", "max"), _bounds(res, script), strict=True)]
    flags = [w for w, k in (("sigmabygroup", "sigma_by_group"), ("ar1", "ar1"), ("rhobygroup", "rho_by_group"))
             if model.get(k)]
    options += [(flag, None) for flag in flags]
    if spec.random_orders is not None:
        options.append(("rorder", spec.random_orders))
    options += [("risk", risk)] if risk else []
    options += [("refgroup", [model["refgroup"]])] if "refgroup" in model else []
    options += [("tcov", [c for name in tcov for c in waves[name]])] if tcov else []
    exposure = recipe.columns.get("exposure")
    options += [("exposure", waves[exposure if wide else script.names[exposure]])] if exposure else []
    options += [(word, [script.names[recipe.columns[key]]]) for word, key in OF_SUBJECTS if key in recipe.columns]
    if res.dropout is not None:
        options.append(("dropout", res.dropout.orders))
        options += [("dcov", [c for name in dcov for c in waves[name]])] if dcov else []
    return options


def command_text(options: Options, indent: str = "") -> str:
    """The command, its options over lines that ``///`` joins."""
    lines, line = [], f"{indent}traj,"
    for name, values in options:
        option = name if values is None else f"{name}({' '.join(str(v) for v in values)})"
        words = [option] if len(option) < WIDTH // 2 else option.split()
        for word in words:
            if len(line) + 1 + len(word) > WIDTH:
                lines.append(line + " ///")
                line = f"{indent}   "
            line += f" {word}"
    return "\n".join([*lines, line])


def _numbers_of_groups(search: SearchRecipe, options: Options) -> list[str]:
    """A loop over the numbers of groups, all at the highest order, which is where the search began too."""
    space, one = search.space, search.space.template.outcomes[0]
    assert space.orders is not None  # a basis formula is something that traj lacks
    top, named = space.orders[-1], dict(options)
    repeated = {"order": top}
    if one.zero_orders is not None and space.zero != "common":
        repeated["iorder"] = top if space.zero == "order" else one.zero_orders[0]
    if space.template.dropout is not None:
        repeated["dropout"] = space.template.dropout[0]
    if one.random_orders is not None:
        repeated["rorder"] = one.random_orders[0]
    named |= {name: [f"`{name}s'"] for name in repeated}
    named.pop("refgroup", None)  # there may be fewer groups, and the criteria are the same
    groups = [k for k in space.groups if k > 1 or "risk" not in named]  # one group has no membership to explain
    first, *rest = command_text(list(named.items()), "    ").split("\n")
    return [
        f"* Stata has no search. This compares the numbers of groups with every curve of order {top}, by traj's BIC,",
        "* where larger is better. The table of the report has the models that the search compared.",
        f"foreach k of numlist {' '.join(map(str, groups))} {{",
        *(f'    local {name}s = strtrim(`k\' * "{order} ")' for name, order in repeated.items()),
        f"    quietly {first.strip()}", *rest,
        "    display \"`k' groups: log-likelihood \" e(ll) \", BIC (n = subjects) \" e(BIC_n_subjects)",
        "}",
    ]


def _bounds(res: GBTMResults, script: _Script) -> tuple[float, float]:
    """The censoring bounds; beyond the data, where nothing is censored, for a bound that there is not."""
    y, (lower, upper) = res.outcome.data.y, res.outcome.bounds
    room = 10 * (float(y.max() - y.min()) + 1)
    if not np.isfinite([lower, upper]).all():
        script.comments.append("traj's cnorm wants both bounds: those beyond the data censor nothing.")
    return max(lower, float(np.floor(y.min() - room))), min(upper, float(np.ceil(y.max() + room)))


def _censor_beyond(res: GBTMResults, columns: list[str], script: _Script) -> None:
    spec = res.outcome.spec
    if spec.squeezed_by is not None:
        n = spec.squeezed_by
        script.prepare += [f"foreach v of varlist {' '.join(columns)} {{",
                           f"    replace `v' = (`v' * {n - 1} + 0.5) / {n}", "}"]
    bounds = [(b, sign) for b, sign in ((spec.lower, "<"), (spec.upper, ">")) if b is not None]
    if spec.censor_beyond and bounds:
        script.prepare += [
            f"foreach v of varlist {' '.join(columns)} {{",
            *(f"    replace `v' = {b:.10g} if `v' {sign} {b:.10g} & !missing(`v')" for b, sign in bounds), "}",
        ]


def _reshape(
    res: GBTMResults, recipe: Recipe, risk: list[str], covariates: list[str], script: _Script
) -> dict[str, list[str]]:
    """Lines that make long data wide, and the columns of each wave by name."""
    data, dropout, names = res.outcome.data, res.dropout, script.names
    outcome, time = names[recipe.outcome], names[recipe.time]
    id_ = names[recipe.id or "id"] if not isinstance(recipe.id, list) else "_person"
    if isinstance(recipe.id, list):
        script.prepare.append(f"egen {id_} = group({' '.join(names[c] for c in recipe.id)})")
    counted = names[recipe.columns["wave"]] if "wave" in recipe.columns else time
    n_waves = np.unique(data.time).size if counted == time else int(data.wave.max()) + 1
    exposure = [names[recipe.columns["exposure"]]] if "exposure" in recipe.columns else []
    varying = list(dict.fromkeys([outcome, time, *covariates, *exposure]))
    constant = [*risk, *(names[recipe.columns[k]] for _, k in OF_SUBJECTS if k in recipe.columns)]
    lines = script.prepare
    lines.append(f"drop if missing({id_}, {time})")
    if dropout is None:
        lines.append(f"drop if missing({outcome})")
    elif dropout.n_waves:
        n_waves = dropout.n_waves
    if (n_waves <= WAVES_MOST or dropout is not None) and not res.outcome.spec.repeated:
        lines.append(f"egen _wave = group({counted})")
    else:
        n_waves = int(np.bincount(data.subject).max())
        lines.append(f"bysort {id_} ({time}): generate _wave = _n")
    columns = [id_, "_wave", *varying, *(c for c in constant if c not in varying)]
    lines += [
        f"keep {' '.join(dict.fromkeys(columns))}",
        f"rename ({' '.join(varying)}) =_",
        f"reshape wide {' '.join(f'{v}_' for v in varying)}, i({id_}) j(_wave)",
        f"forvalues j = 1/{n_waves} {{  // a time where the wave was missed",
        f"    quietly summarize {time}_`j'",
        f"    quietly replace {time}_`j' = r(mean) if missing({time}_`j')",
        "}",
    ]
    return {name: [f"{name}_{j}" for j in range(1, n_waves + 1)] for name in varying}


def _wide_columns(res: GBTMResults, recipe: Recipe, script: _Script) -> dict[str, list[str]]:
    """The columns of each wave by the name in the formula; times given as numbers become variables."""
    listed = [len(v) for v in recipe.wide.values() if not isinstance(v, str)]
    n_waves = max(int(res.outcome.data.wave.max()) + 1, *listed, 0)
    waves: dict[str, list[str]] = {}

    def made(name: str, n: int) -> list[str]:
        return [script.names.add(f"{name}_{j}") for j in range(1, n + 1)]

    for name, given in recipe.wide.items():
        columns = [given] if isinstance(given, str) else list(given)
        if columns and not isinstance(columns[0], str):
            waves[name] = made(name, len(columns))
            script.prepare += [f"generate double {c} = {v!r}" for c, v in zip(waves[name], columns, strict=True)]
        elif any(set("*?[") & set(c) and not LEGAL.fullmatch(re.sub("[*?]", "_", c)) for c in columns):
            waves[name] = made(name, n_waves)
            script.comments.append(f"Stata does not allow the names {', '.join(columns)}: call these columns of the "
                                   f"file {waves[name][0]} to {waves[name][-1]}, in their order.")
        else:
            waves[name] = [script.names[c] for c in columns]
    return waves
