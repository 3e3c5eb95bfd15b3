"""Stata's traj command for a fit: one row per subject, so that long data are reshaped first."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .recipe import Recipe

if TYPE_CHECKING:
    from ..results import GBTMResults

WIDTH = 96
WAVES_MOST = 60  # with more distinct times, waves are each subject's first, second, .. observation
LEVEL = re.compile(r"(?:C\()?(?P<name>\w+)\)?\[T?\.?(?P<level>[^\]]+)\]")
NAME = re.compile(r"[A-Za-z_]\w{0,31}")
MODEL_OF = {"normal": "cnorm", "cnorm": "cnorm", "poisson": "zip", "zip": "zip", "logit": "logit", "beta": "beta"}


@dataclass
class _Script:
    """The lines of a do-file as they come."""

    comments: list[str] = field(default_factory=list)
    prepare: list[str] = field(default_factory=list)


def lacking(res: GBTMResults) -> str:
    """What of this model Stata's traj does not have; empty where it has all."""
    spec = res.document["spec"]["outcomes"][0]
    if res.family not in MODEL_OF:
        return f"the family {res.family} (it has cnorm, zip and Poisson, logit, beta)"
    if spec["basis"] is not None:
        return f"curves of a basis formula ({spec['basis']}); it has polynomials of time up to order 5"
    return ""


def stata_code(res: GBTMResults, asked: Recipe, data: str) -> str:
    """A do-file with the reshape and the traj command, or a comment on what traj lacks."""
    missing = lacking(res)
    if missing:
        return f"* Stata's traj cannot fit this model. It lacks {missing}.\n"
    start = [f'import delimited "{data}", clear case(preserve)']
    if asked.form == "command":
        return "\n".join([*start, asked.formula.strip(), "trajplot"]) + "\n"
    script = _Script()
    if "cluster" in asked.columns or "stratum" in asked.columns:
        script.comments.append("traj knows no clusters or strata: same estimates, other standard errors.")
    if asked.form == "unknown":
        script.comments.append("The fit does not say from which columns it was made: check the names.")
    command = _command(res, asked, script)
    return "\n".join([*start, *(f"* {c}" for c in script.comments), *script.prepare, command, "trajplot"]) + "\n"


def _command(res: GBTMResults, asked: Recipe, script: _Script) -> str:
    risk = _covariates(list(res.document["membership"]["names"][1:]), script, res)
    stored, dropout = res.document["outcomes"][0], res.document.get("dropout")
    tcov = [] if stored.get("covariates") is None else list(stored["covariates"]["names"])
    dcov = list(((dropout or {}).get("covariates") or {}).get("names", ()))
    tcov, dcov = _covariates(tcov, script, res), _covariates(dcov, script, res)
    _censor_beyond(res, script)
    waves = _wide_columns(asked, tcov, dcov, script) if asked.form == "wide" else _reshape(
        res, asked, tcov, dcov, script)
    spec, model = res.document["spec"]["outcomes"][0], asked.model
    options = [("var", waves[asked.outcome]), ("indep", waves[asked.time]), ("model", [MODEL_OF[res.family]]),
               ("order", spec["orders"])]
    if spec["zero_orders"] is not None:
        options.append(("iorder", spec["zero_orders"]))
    if MODEL_OF[res.family] == "cnorm":
        options += [(word, [f"{v:.10g}"]) for word, v in zip(("min", "max"), _bounds(res, script), strict=True)]
    flags = [w for w, k in (("sigmabygroup", "sigma_by_group"), ("ar1", "ar1"), ("rhobygroup", "rho_by_group"))
             if model.get(k)]
    options += [(flag, None) for flag in flags]
    if spec["random_orders"] is not None:
        options.append(("rorder", spec["random_orders"]))
    options += [("risk", risk)] if risk else []
    options += [("refgroup", [model["refgroup"]])] if "refgroup" in model else []
    options += [("tcov", [c for name in tcov for c in waves[name]])] if tcov else []
    exposure = asked.columns.get("exposure")
    options += [("exposure", waves[exposure])] if exposure else []
    for word, key in (("weight", "weights"), ("outofsample", "out_of_sample"), ("obsmar", "obsmar")):
        options += [(word, [asked.columns[key]])] if key in asked.columns else []
    if res.document["spec"]["dropout"] is not None:
        options.append(("dropout", res.document["spec"]["dropout"]))
        options += [("dcov", [c for name in dcov for c in waves[name]])] if dcov else []
    return _text(options)


def _text(options: list[tuple[str, Any]]) -> str:
    """The command, its options over lines that ``///`` joins."""
    lines, line = [], "traj,"
    for name, values in options:
        whole = name if values is None else f"{name}({' '.join(str(v) for v in values)})"
        words = [whole] if len(whole) < WIDTH // 2 else whole.split()
        for word in words:
            if len(line) + 1 + len(word) > WIDTH:
                lines.append(line + " ///")
                line = "   "
            line += f" {word}"
    return "\n".join([*lines, line])


def _bounds(res: GBTMResults, script: _Script) -> tuple[float, float]:
    """The censoring bounds; beyond the data, where nothing is censored, for a bound that there is not."""
    spec = res.document["spec"]["outcomes"][0]
    y = np.asarray(res.document["data"]["y"], dtype=float)
    room = 10 * (float(y.max() - y.min()) + 1)
    if spec["lower"] is None or spec["upper"] is None:
        script.comments.append("traj's cnorm wants both bounds: those beyond the data censor nothing.")
    lower = float(np.floor(y.min() - room)) if spec["lower"] is None else float(spec["lower"])
    upper = float(np.ceil(y.max() + room)) if spec["upper"] is None else float(spec["upper"])
    return lower, upper


def _censor_beyond(res: GBTMResults, script: _Script) -> None:
    spec = res.document["spec"]["outcomes"][0]
    if not spec["censor_beyond"]:
        return
    for bound, sign in ((spec["lower"], "<"), (spec["upper"], ">")):
        if bound is not None:
            script.prepare.append(
                f"replace {res.outcome_name} = {bound:g} if {res.outcome_name} {sign} {bound:g} "
                f"& !missing({res.outcome_name})"
            )


def _covariates(names: list[str], script: _Script, res: GBTMResults) -> list[str]:
    """Covariates as Stata's variables; the indicators of a factor are made first."""
    found = []
    for name in names:
        level = LEVEL.fullmatch(name)
        if NAME.fullmatch(name):
            found.append(name)
        elif level:
            made = re.sub(r"\W", "_", f"{level['name']}_{level['level']}")[:32]
            value = level["level"] if re.fullmatch(r"-?\d+(\.\d+)?", level["level"]) else f'"{level["level"]}"'
            line = f"generate {made} = {level['name']} == {value}"
            if line not in script.prepare:
                script.prepare.append(line)
            found.append(made)
        else:
            made = re.sub(r"\W+", "_", name).strip("_")[:32]
            script.comments.append(f"make the variable {made} first: it stands for {name}.")
            found.append(made)
    return found


def _reshape(
    res: GBTMResults, asked: Recipe, tcov: list[str], dcov: list[str], script: _Script
) -> dict[str, list[str]]:
    """Lines that make long data wide, and the columns of each wave by name."""
    data, dropout = res.document["data"], res.document.get("dropout")
    subject, n_waves = np.asarray(data["subject"]).astype(int), np.unique(np.asarray(data["time"])).size
    exposure = asked.columns.get("exposure")
    varying = list(dict.fromkeys([asked.outcome, asked.time, *tcov, *dcov, *([exposure] if exposure else [])]))
    constant = [asked.id or "id"]
    lines = script.prepare
    lines.append(f"drop if missing({asked.id or 'id'}, {asked.time})")
    if dropout is None:
        lines.append(f"drop if missing({asked.outcome})")
    elif dropout.get("n_waves"):
        n_waves = int(dropout["n_waves"])
    if n_waves <= WAVES_MOST or dropout is not None:
        lines.append(f"egen _wave = group({asked.time})")
    else:
        n_waves = int(np.bincount(subject).max())
        lines.append(f"bysort {constant[0]} ({asked.time}): generate _wave = _n")
    risk = [c for c in _subject_columns(res, asked) if c not in varying]
    lines += [
        f"keep {' '.join(dict.fromkeys([*constant, '_wave', *varying, *risk]))}",
        f"rename ({' '.join(varying)}) =_",
        f"reshape wide {' '.join(f'{v}_' for v in varying)}, i({constant[0]}) j(_wave)",
        f"forvalues j = 1/{n_waves} {{  // a time where the wave was missed",
        f"    quietly summarize {asked.time}_`j'",
        f"    quietly replace {asked.time}_`j' = r(mean) if missing({asked.time}_`j')",
        "}",
    ]
    return {name: [f"{name}_{j}" for j in range(1, n_waves + 1)] for name in varying}


def _subject_columns(res: GBTMResults, asked: Recipe) -> list[str]:
    """What every row of a subject has the same."""
    risk = _covariates(list(res.document["membership"]["names"][1:]), _Script(), res)
    return risk + [asked.columns[k] for k in ("weights", "out_of_sample", "obsmar") if k in asked.columns]


def _wide_columns(asked: Recipe, tcov: list[str], dcov: list[str], script: _Script) -> dict[str, list[str]]:
    """The columns of each wave by name; times given as numbers become variables."""
    waves: dict[str, list[str]] = {}
    for name, given in asked.wide.items():
        columns = [given] if isinstance(given, str) else list(given)
        if columns and not isinstance(columns[0], str):
            made = [f"{re.sub(r'[^A-Za-z0-9_]', '_', name)}_{j}" for j in range(1, len(columns) + 1)]
            script.prepare += [f"generate double {c} = {v!r}" for c, v in zip(made, columns, strict=True)]
            columns = made
        waves[name] = [str(c) for c in columns]
    return waves
