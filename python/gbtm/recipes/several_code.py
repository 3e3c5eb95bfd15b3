"""The code that fits a model of several outcomes again: in Python and R, and as Stata's traj, with multgroups() where
they share their groups."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ..specification.option import options_of
from ..specification.outcome import Outcome
from .calls import wrapped
from .python_code import _value, python_code
from .reading import read_in_python
from .recipe import Recipe, fit_options, is_dual, known_of_both, recipe
from .several_r_code import several_r_code
from .stata import command_text, lacking, options_and_lines
from .stata_names import StataNames

if TYPE_CHECKING:
    from ..api.results import GBTMResults

ONLY_PYTHON = "# This model has several outcomes that share their groups. In Python:\n"
DUAL_PYTHON = "# This model has two outcomes with groups of their own. In Python:\n"
FLAGS = {"sigmabygroup": ("has_sigma", "sigma_by_group"), "ar1": ("may_correlate", "ar1"),
         "rhobygroup": ("may_correlate", "rho_by_group")}  # of traj, and who may have them
SHARED_BY_ALL = ("weight", "outofsample", "obsmar", "refgroup")  # options of traj that stand once


def several_code(res: GBTMResults, language: str, data: str) -> str:
    """The code of a fit of several outcomes.

    Parameters
    ----------
    language : "R" or "Python"; "Stata", where traj has the model. Of a traj command R gets Python's in a comment
    """
    if (res.formula or "").lstrip().startswith("traj"):
        command = Recipe(
            "command", str(res.formula), None, "", "", fit=fit_options(res, {}, True),
            estimates=tuple(res.params.tolist()), from_start=res.search.user_start)
        if language == "Stata":
            return "\n".join([*StataNames([]).reading(data, []), command.formula.strip(), *_plots(res)]) + "\n"
        text = python_code(command, data)
    elif language == "Stata":
        return _stata(res, data)
    elif language == "R":
        return several_r_code(res, data)
    else:
        text = _python(res, data)
    head = DUAL_PYTHON if is_dual(res) else ONLY_PYTHON
    return text if language == "Python" else head + "".join(f"# {line}\n" for line in text.splitlines())


def _python(res: GBTMResults, data: str) -> str:
    parts = [recipe(res.of_outcome(m + 1)) for m in range(len(res.outcomes))]
    levels = {c: v for part in parts for c, v in part.levels.items()}
    lines = read_in_python(data, levels, _value, on_disk=res.on_disk is not None)
    outcomes, whole, wide = [], dict[str, Any](), dict[str, Any]()
    for part, outcome in zip(parts, res.outcomes, strict=True):
        given = {**part.model, **part.columns}
        own = {k: v for k, v in given.items() if k in options_of(Outcome)}
        whole = {**{k: v for k, v in given.items() if k not in own}, **whole}
        wide |= part.wide
        options = [f"{k}={_value(v)}" for k, v in own.items()]
        if (res.of_outcome(outcome.name).inputs or {}).get("own_table"):
            lines.append(f"{_table(outcome.name)} = pd.read_csv({json.dumps(f'{outcome.name}.csv')})  # its own table")
            options.append(f"data={_table(outcome.name)}")
        outcomes.append(f"gbtm.Outcome({', '.join([_value(part.formula), *options])})")
    whole = {k: v for k, v in whole.items() if k not in ("known", "known2") or not is_dual(res)} | _of_both(res)
    lines.append("outcomes = [")
    lines += [*(f"    {o}," for o in outcomes), "]"]
    arguments = ["outcomes", "data", *([f"id={_value(parts[0].id)}"] if parts[0].id else []),
                 *(f"{k}={_value(v)}" for k, v in whole.items()), *([f"wide={_value(wide)}"] if wide else [])]
    options = [f"{k}={_value(v)}" for k, v in fit_options(res, parts[0].columns, False).items()]
    options += [f"start={_value(res.params.tolist())}"] if res.search.user_start and not res.spec.has_networks else []
    lines += [wrapped("model = gbtm.GBTM.from_formula(", arguments), wrapped("res = model.fit(", options),
              "print(res.summary())"]
    return "\n".join(lines) + "\n"


def _of_both(res: GBTMResults) -> dict[str, Any]:
    """What the whole is asked for besides the arguments of the first outcome's groups."""
    constraints = {"constraints": list(res.spec.constraints)} if res.spec.constraints else {}
    if res.dual is None:
        return constraints
    asked = (res.document["group_sets"][0].get("inputs") or {}).get("risk2") or list(res.dual.basis.names)
    of_second = {"risk2": asked} if asked else {}
    if res.spec.second_reference:
        of_second["refgroup2"] = res.spec.second_reference + 1
    known = known_of_both(res)
    of_second |= {} if known is None else {"known": known}
    return {"groups": list(res.spec.set_sizes), **of_second, **constraints}


def _plots(res: GBTMResults) -> list[str]:
    return ["trajplot", "trajplot, model(2)"] if is_dual(res) else ["multtrajplot"]


def _lacking_in_dual(res: GBTMResults) -> str:
    """What traj does not have of dual models."""
    if any(o.spec.family == "beta" for o in res.outcomes):
        return "beta in a dual model"
    if "refgroup2" in _of_both(res):
        return "a reference group of the second outcome other than the first"
    asked = _of_both(res).get("risk2", [])
    names = [asked] if isinstance(asked, str) else asked
    return "" if all(re.fullmatch(r"\w+", n) for n in names) else "a formula in risk2()"


def _table(name: str) -> str:
    return "data_" + re.sub(r"\W", "_", name)


def _unlike(res: GBTMResults) -> str:
    """What traj has for all outcomes or none, and dropout, which it has for one outcome alone."""
    if res.dropout is not None:
        return "dropout with multgroups()"
    for word, (trait, option) in FLAGS.items():
        if len({getattr(o.spec, option) for o in res.outcomes if getattr(o.spec.traits, trait)}) > 1:
            return f"{word} for some of the outcomes and not for others"
    return ""


def _stata(res: GBTMResults, data: str) -> str:
    """A do-file: long tables are made wide outcome by outcome and joined by id."""
    missing = [lacking(res), *(lacking(res.of_outcome(m + 1)) for m in range(len(res.outcomes)))]
    dual = is_dual(res)
    why = next((m for m in missing if m), _lacking_in_dual(res) if dual else _unlike(res))
    if why or len(res.outcomes) > 6:
        return f"* Stata's traj cannot fit this model. It lacks {why or 'more than six outcomes'}.\n"
    head: list[str] = []
    body: list[str] = []
    options: list[tuple[str, Any]] = []
    last: list[tuple[str, Any]] = []
    id_ = ""
    for number in range(1, len(res.outcomes) + 1):
        one = res.of_outcome(number)
        own = recipe(one)
        names, its, lines, id_ = options_and_lines(one, own)
        table = f"{one.outcome_name}.csv" if (one.inputs or {}).get("own_table") else data
        long = own.form != "wide"
        if long or not head:
            head_of = names.reading(table, [])
            body += head_of if long or number == 1 else []
        head = ["read"]
        body += lines
        for word, values in its:
            if word in ("risk", *SHARED_BY_ALL):
                entry = ("multrisk" if word == "risk" and not dual else word, values)
                last += [] if entry[0] in dict(last) else [entry]
                continue
            if values is None:  # a flag is of all outcomes
                last += [] if (word, None) in last else [(word, None)]
                continue
            if long and word == "indep":
                stem = str(values[0]).rpartition("_")[0]
                body.append(f"rename ({stem}_*) (time{number}_*)  // each outcome has waves of its own")
                values = [v.replace(f"{stem}_", f"time{number}_", 1) for v in values]
            options.append((word if dual and number == 1 else f"{word}{number}", values))
        if long:
            body += [f"tempfile outcome{number}", f"save `outcome{number}'", ""]
    if any(line.startswith("tempfile") for line in body):
        body.append("use `outcome1', clear")
        body += [f"merge 1:1 {id_} using `outcome{m}', nogenerate update" for m in range(2, len(res.outcomes) + 1)]
    risk2 = _of_both(res).get("risk2", [])
    options += [*last, *([("risk2", [risk2] if isinstance(risk2, str) else risk2)] if risk2 else [])] if dual else (
        [("multgroups", [res.n_groups]), *last])
    return "\n".join([*body, command_text(options), *_plots(res)]) + "\n"
