"""Fits read from files, and the kind of results that a fit document makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..arguments import checked
from ..record.document import from_json, text_of
from .disk_results import DiskResults
from .dual_results import DualResults
from .results import GBTMResults


@checked
def load(path: str | Path, *, trust_formula: bool = False) -> GBTMResults:
    """Read a fit written by ``res.save()`` or by R's ``write_gbtm()``.

    Parameters
    ----------
    trust_formula : run expressions of the file that are code, such as ``"{x.clip(0, 5)}"`` in ``risk``, where new
        people are classified. Without it nothing in the file is ever run: columns, arithmetic and known functions
        (``"scale(age)"``, ``"bs(t, df=4)"``) are computed from what the file says of them

    Raises
    ------
    DataError
        ``no_file`` when there is none, ``bad_document`` when it is not a fit document, or of a newer format.
    """
    return results_of(from_json(text_of(path), str(path)), trust_formula=trust_formula)


def results_of(document: dict[str, Any], *, trust_formula: bool = False) -> GBTMResults:
    """The results object of a fit document: of a dual model it has transitions, of people on disk sums over them."""
    if document.get("on_disk") is not None:
        return DiskResults(document, trust_formula=trust_formula)
    made = DualResults if document.get("dual") is not None else GBTMResults
    return made(document, trust_formula=trust_formula)
