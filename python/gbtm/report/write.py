"""grolts_report(): the report of a fit in one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..arguments import checked
from ..checks import check_level
from ..compute.progress import reporter
from ..errors import SpecificationError
from .content import compose
from .fit_tables import is_search

if TYPE_CHECKING:
    from ..api.results import GBTMResults
    from ..compute.progress import Progress

FORMATS = {".html": "html", ".htm": "html", ".md": "md", ".markdown": "md", ".docx": "docx"}


@checked
def grolts_report(
    res_or_search: Any, path: str | Path, *, format: str | None = None, author: str | None = None,
    title: str | None = None, data_description: str | None = None, search: Any = None, checks: Any = None,
    criterion: str = "bic_subjects", level: float = 0.95, data_file: str = "data.csv", distal: Any = None,
    progress: Progress | bool | None = None,
) -> Path:
    """Write a report of a fit: tables, figures, attrition, the GRoLTS checklist filled in, and the code.

    Parameters
    ----------
    res_or_search : the final GBTMResults, or a ModelSearch, whose best model by ``criterion`` is reported
    path : file to write; an existing one is replaced
    format : "html", one self-contained page; "md", with its pictures in a folder beside it; "docx", Word. None: by the
        ending of ``path``
    author, title : for the head of the report
    data_description : a paragraph on the sample and the outcome; a prompt stands there without it
    search : the ModelSearch from which a GBTMResults was chosen
    checks : residual checks, from :func:`gbtm.adequacy.residuals.residual_checks`
    criterion : by which the best model of a ModelSearch is the final one
    level : of the intervals of estimates
    data_file : name of the data in the code
    distal : what ``res.distal()`` and ``res.predictors()`` returned, one or a list: a section on what the groups lead
        to and what leads to them
    progress : as for :meth:`gbtm.GBTM.fit`

    Returns
    -------
    Path of the file

    Raises
    ------
    SpecificationError
        ``unknown_format``, ``bad_report``, ``no_folder``, ``bad_level``; ``bad_distal`` for what is of another fit.
    GBTMError
        ``missing_library``: `pip install gbtm[report]` gets jinja2, python-docx and tabulate.

    Notes
    -----
    Every number comes from the fit. What software cannot know is left as a prompt for the author. The checklist is that
    of van de Schoot et al. (2017), Structural Equation Modeling 24(3), 451-467, and a working version of its revision.

    Examples
    --------
    >>> import gbtm, tempfile, pathlib
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=[1, 2]).fit(rng=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     gbtm.grolts_report(res, pathlib.Path(folder) / "report.html").name
    'report.html'
    """
    path = Path(path)
    kind = _format(path, format)
    check_level(level)
    if not path.parent.is_dir():
        raise SpecificationError(
            f"path: there is no folder '{path.parent}'.", code="no_folder", argument="path",
            way_out="Make it first, or write elsewhere.",
        )
    res, search = _subject(res_or_search, search, criterion)
    report = compose(
        res, search, title=title, author=author, data_description=data_description, checks=checks, level=level,
        data_file=data_file, distal=distal, progress=reporter(progress),
    )
    if kind == "html":
        from .html import html

        path.write_text(html(report), encoding="utf-8")
    elif kind == "md":
        from .markdown import write_markdown

        write_markdown(report, path)
    else:
        from .word import write_word

        write_word(report, path)
    return path


def _format(path: Path, format: str | None) -> str:
    kind = FORMATS.get(path.suffix.lower()) if format is None else FORMATS.get(f".{format.lower().lstrip('.')}")
    if kind is None:
        argument, given = ("path", path.name) if format is None else ("format", format)
        raise SpecificationError(
            f"{argument}: '{given}' is no format of a report.", code="unknown_format", argument=argument,
            way_out="Let the file end in .html, .md or .docx, or give format='html', 'md' or 'docx'. For a PDF print "
            "the page (.html) from a browser.",
        )
    return kind


def _subject(given: Any, search: Any, criterion: str) -> tuple[GBTMResults, Any]:
    """The final model and the search it comes from."""
    from ..api.results import GBTMResults

    if isinstance(given, GBTMResults):
        if search is not None and not is_search(search):
            raise _not_a_fit(search, "search", "a ModelSearch, as gbtm.search() returns it")
        return given, search
    if is_search(given):
        return given.best(criterion), given
    raise _not_a_fit(given, "res_or_search", "a GBTMResults or a ModelSearch")


def _not_a_fit(given: Any, argument: str, wanted: str) -> SpecificationError:
    return SpecificationError(
        f"{argument}: {type(given).__name__} is not {wanted}.", code="bad_report", argument=argument,
        way_out=f"Give {wanted}.",
    )
