"""Reports and printed tables for R."""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import pandas as pd

from ..api.load import results_of
from ..api.results import GBTMResults
from ..compute.progress import Progress
from .choice import search_of
from .step_three import told_results
from .transfer import answer, fit_of, received


def grolts_report(text: str, kind: str, path: str, options: str, tell: Progress | None) -> str:
    """Write the report of a fit (``kind`` "fit") or a search ("search").

    Parameters
    ----------
    options : arguments as JSON; ``search`` is the document of one, ``checks`` says whether to make residual checks,
        ``said`` has the ``warnings`` of the final fit and the ``sentence`` on its search in R's words; ``distal`` what
        :func:`gbtm.bridge.step_three.told_results` takes

    Returns
    -------
    JSON text with the ``path`` written
    """
    from ..adequacy.residuals import residual_checks
    from ..report.write import grolts_report as report

    def work() -> dict[str, Any]:
        _quiet_pictures()
        asked = {k: v for k, v in json.loads(options).items() if v is not None}
        if "search" in asked:
            asked["search"] = search_of(json.dumps(asked["search"]))
        if "distal" in asked:
            asked["distal"] = told_results(asked["distal"])
        given, said = _object(text, kind), asked.pop("said", None)
        if kind == "search":
            asked["search"], given = given, given.best(asked["criterion"])
        if asked.pop("checks", False):
            asked["checks"] = residual_checks(given)
        return {"path": str(report(_in_words(given, said), path, progress=tell or False, **asked))}

    return answer(work)


def to_table(text: str, kind: str, format: str, path: str, options: str) -> str:
    """A table for a paper, of a fit, a search, or ("table") the columns that were received; ``path`` "" for none."""
    from ..report.exports import to_table as export

    def work() -> dict[str, Any]:
        asked = {k: v for k, v in json.loads(options).items() if v is not None}
        written = export(_object(text, kind), format, path or None, **asked)
        return {"text": written if isinstance(written, str) else None}

    return answer(work)


def _in_words(res: GBTMResults, said: dict[str, Any] | None) -> GBTMResults:
    """The fit, saying what it says in the words of R where these were sent."""
    if said is None:
        return res
    document = res.document
    told = [{**w, "message": words} for w, words in zip(document["warnings"], said["warnings"], strict=True)]
    return results_of({**document, "warnings": told, "search": {**document["search"], "sentence": said["sentence"]}})


def _object(text: str, kind: str) -> Any:
    return {"fit": fit_of, "search": search_of, "table": _table}[kind](text)


def _table(text: str) -> pd.DataFrame:
    """A data frame of R's: ``names``, ``columns`` (text, or null for numbers received), ``whole`` and ``rows``."""
    about = json.loads(text)
    columns = {}
    for at, (name, values, whole) in enumerate(zip(about["names"], about["columns"], about["whole"], strict=True)):
        found = received(f"column {at + 1}") if values is None else np.asarray(values, dtype=object)
        columns[name] = pd.array(found, dtype="Int64") if whole else found
    return pd.DataFrame(columns, index=about["rows"])


def _quiet_pictures() -> None:
    """Pictures go to files: no window system is looked for, unless pyplot is in use already."""
    if "matplotlib.pyplot" not in sys.modules:
        import matplotlib

        matplotlib.use("Agg")
