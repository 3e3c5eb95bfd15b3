"""The code that makes a fit again, and the search it came from: in R, Python and Stata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import SpecificationError
from .python_code import python_code
from .r_code import r_code
from .recipe import recipe
from .search_recipe import search_recipe
from .several_code import several_code
from .stata import stata_code

if TYPE_CHECKING:
    from ..api.results import GBTMResults

LANGUAGES = ("R", "Python", "Stata")


def code_for(res: GBTMResults, language: str, data: str = "data.csv", search: Any = None) -> str:
    """The code that reads the data, fits the model again and prints it.

    Parameters
    ----------
    res : a fit
    language : "R", "Python" or "Stata"; Stata's traj lacks some models, and the text then says so in a comment
    data : name of the file with the user's table
    search : the ModelSearch that the fit came from: it is run again first, and the model picked from it. Stata, which
        has no search, compares the numbers of groups

    Raises
    ------
    SpecificationError
        ``unknown_language``.

    Examples
    --------
    >>> import gbtm
    >>> from gbtm.recipes.code import code_for
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
    if len(res.outcomes) > 1:
        return several_code(res, language, data)
    of_fit, of_search = recipe(res), None if search is None else search_recipe(search, res)
    if language == "Stata":
        return stata_code(res, of_fit, data, of_search)
    return (r_code if language == "R" else python_code)(of_fit, data, of_search)
