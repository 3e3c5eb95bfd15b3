"""Which columns of a table a formula uses."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

import pandas as pd

from ..errors import SpecificationError

TOKEN = re.compile(
    r"""`(?P<quoted>[^`]*)`
      | '[^']*' | "[^"]*"
      | (?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*)*)\s*(?P<after>\(|=(?!=))?
      | \d[\w.]*""",
    re.VERBOSE,
)


def formula_variables(formula: str, columns: Collection[str]) -> list[str]:
    """Those of ``columns`` that a formula takes values from, in the order of their first use.

    Names of functions and of their arguments are none: a column ``df`` has nothing to do with ``bs(age, df=4)``.

    Examples
    --------
    >>> from gbtm.columns.formula_variables import formula_variables
    >>> formula_variables("bs(age, df=4) + C(`job class`):np.log(pay)", ["df", "pay", "age", "job class", "log"])
    ['age', 'job class', 'pay']
    """
    found: dict[str, None] = {}
    for token in TOKEN.finditer(formula):
        name = token["quoted"] or token["name"]
        if name is None or (token["after"] and "." not in name):
            continue
        root = name if token["quoted"] or name in columns else name.partition(".")[0]  # age.fillna(0) uses age
        if root in columns:
            found[root] = None
    return list(found)


def term_columns(terms: str | Sequence[str] | None, table: pd.DataFrame) -> list[str]:
    """The columns of ``table`` that covariates use, given as column names or as a formula."""
    names = [str(c) for c in table.columns]
    if terms is None:
        return []
    if not isinstance(terms, str):
        if not isinstance(terms, Iterable):
            raise SpecificationError(
                f"covariates: {terms!r} names no columns.", code="bad_formula", argument="covariates",
                way_out="Give column names such as ['age', 'male'], or a formula such as '~ age + C(region)'.",
            )
        return [str(t) for t in terms if str(t) in names]
    return [terms] if "~" not in terms and terms in names else formula_variables(terms, names)
