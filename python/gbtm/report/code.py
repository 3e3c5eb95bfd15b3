"""The code that makes a fit again: in R, Python and Stata."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import SpecificationError
from .recipe import Recipe, recipe
from .stata import stata_code

if TYPE_CHECKING:
    from ..results import GBTMResults

LANGUAGES = ("R", "Python", "Stata")
WIDTH = 96
UNKNOWN = "The fit does not say from which columns it was made: check the names."
DESIGN = ("weights", "cluster", "stratum", "out_of_sample", "obsmar")


def code_for(res: GBTMResults, language: str, data: str = "data.csv") -> str:
    """The code that reads the data, fits the model again and prints it.

    Parameters
    ----------
    res : a fit
    language : "R", "Python" or "Stata"; Stata's traj lacks some models, and the text then says so in a comment
    data : name of the file with the user's table

    Raises
    ------
    SpecificationError
        ``unknown_language``.

    Examples
    --------
    >>> import gbtm
    >>> from gbtm.report.code import code_for
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=[1, 2]).fit(rng=0)
    >>> print(code_for(res, "R").splitlines()[2])
    fit <- gbtm(y ~ t, data = data, id = "id", groups = 2, order = c(1, 2), family = "normal",
    """
    if language not in LANGUAGES:
        raise SpecificationError(
            f"language: '{language}' is not known.", code="unknown_language", argument="language",
            way_out=f"Use one of {', '.join(LANGUAGES)}.",
        )
    asked = recipe(res)
    if language == "Stata":
        return stata_code(res, asked, data)
    return (_r if language == "R" else _python)(asked, data)


def _wrapped(start: str, arguments: Sequence[str], end: str = ")") -> str:
    """A call with its arguments over lines of at most WIDTH."""
    hang = " " * len(start)
    lines, line = [], start
    for i, argument in enumerate(arguments):
        piece = argument + ("," if i < len(arguments) - 1 else end)
        if len(line) + 1 + len(piece) > WIDTH and line.strip() != start.strip():
            lines.append(line.rstrip())
            line = hang + piece
        else:
            line += piece if line in (start, hang) else f" {piece}"
    return "\n".join([*lines, line])


# -- Python ------------------------------------------------------------------------------------------------------


def _python(asked: Recipe, data: str) -> str:
    lines = ["import gbtm", "import pandas as pd", "", f"data = pd.read_csv({json.dumps(data)})"]
    if asked.form == "unknown":
        lines.append(f"# {UNKNOWN}")
    options = [f"{k}={_py(v)}" for k, v in asked.fit.items()]
    if asked.from_start:
        options.append(f"start={_py(list(asked.estimates))}")
    if asked.form == "command":
        arguments = [_py(asked.formula), "data", *([f"id={_py(asked.id)}"] if asked.id else []), *options]
        lines.append(_wrapped("res = gbtm.traj(", arguments))
    else:
        arguments = [_py(asked.formula), "data", *([f"id={_py(asked.id)}"] if asked.id else [])]
        arguments += [f"{k}={_py(v)}" for k, v in {**asked.model, **asked.columns}.items()]
        if asked.wide:
            arguments.append(f"wide={_py(asked.wide)}")
        lines += [_wrapped("model = gbtm.GBTM.from_formula(", arguments), _wrapped("res = model.fit(", options)]
    lines.append("print(res.summary())")
    if not asked.from_start:
        at = ", ".join(repr(v) for v in asked.estimates)
        call = "gbtm.traj(..., " if asked.form == "command" else "model.fit("
        lines += ["# the same optimum without a search:",
                  *textwrap.wrap(f"res = {call}start=[{at}])", WIDTH, initial_indent="# ", subsequent_indent="#     ")]
    return "\n".join(lines) + "\n"


def _py(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_py(v) for v in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_py(k)}: {_py(v)}" for k, v in value.items()) + "}"
    return repr(value)


# -- R -----------------------------------------------------------------------------------------------------------


def _r(asked: Recipe, data: str) -> str:
    lines = ["library(gbtm)", f"data <- read.csv({json.dumps(data)}, check.names = FALSE)"]
    if asked.form == "unknown":
        lines.append(f"# {UNKNOWN}")
    control = {"seed": asked.fit["rng"], **{k: v for k, v in asked.fit.items() if k == "n_starts"}}
    settings = [f"control = gbtm_control({', '.join(f'{k} = {_r_value(v)}' for k, v in control.items())})"]
    if "cov_type" in asked.fit:
        settings.insert(0, f"cov_type = {_r_value(asked.fit['cov_type'])}")
    if asked.from_start:
        settings.insert(0, f"start = {_r_value(list(asked.estimates))}")
    identity = [f"id = {_r_value(asked.id)}"] if asked.id else []
    if asked.form == "command":
        lines.append(_wrapped("fit <- traj(", [_r_value(asked.formula), "data", *identity, *settings]))
    else:
        basis = "order" not in asked.model
        if basis:
            lines += ["# A basis formula is R's own here: check that it spans the same curves."]
        formula = _r_formula(asked.formula) if basis else f"{_r_name(asked.outcome)} ~ {_r_name(asked.time)}"
        arguments = [formula, "data = data", *identity]
        arguments += [f"{k} = {_r_value(v)}" for k, v in asked.model.items()]
        arguments += [f"{k} = {_r_terms(v) if k in ('risk', 'tcov', 'dcov') else _r_value(v)}"
                      for k, v in asked.columns.items()]
        if asked.wide:
            inside = ", ".join(f"{_r_name(k)} = {_r_value(v)}" for k, v in asked.wide.items())
            arguments.append(f"wide = list({inside})")
        lines.append(_wrapped("fit <- gbtm(", [*arguments, *settings]))
    return "\n".join([*lines, "summary(fit)"]) + "\n"


def _r_value(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (list, tuple)):
        return f"c({', '.join(_r_value(v) for v in value)})"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _r_name(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z.][\w.]*", name) else f"`{name}`"


def _r_terms(terms: Any) -> str:
    """Covariates: a formula where one was given, else column names."""
    if isinstance(terms, str) and not re.fullmatch(r"[\w.]+", terms):
        return _r_formula(terms if "~" in terms else f"~ {terms}")
    return _r_value(terms)


def _r_formula(formula: str) -> str:
    """formulaic's words in R's: C() is factor(), bs() and the like are of splines."""
    text = re.sub(r"\bC\(", "factor(", formula.strip())
    text = re.sub(r"(?<![\w.:])(bs|ns)\(", r"splines::\1(", text)
    return re.sub(r"(?<![\w.:])poly\(", "stats::poly(", text)


def all_code(res: GBTMResults, data: str = "data.csv") -> dict[str, str]:
    """The code in every language."""
    return {language: code_for(res, language, data) for language in LANGUAGES}
