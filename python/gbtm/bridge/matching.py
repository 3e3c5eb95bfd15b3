"""What R asks of people of like trajectories: the rows before an event, the table for matching, and its balance.

Tables cross as columns; what comes back says which of R's rows and people are meant, so that ids keep their type.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from ..data.untreated_history import untreated_history as history_of
from ..distal.balance import balance as balance_of
from ..distal.matching_frame import matching_frame as frame_of
from ..errors import GBTMWarning
from ..record.document import encode
from .transfer import answer, fit_of, frame, new_bulk, sent_table


def matching_frame(document: str, request: str) -> str:
    """A row a person for matching; see :func:`gbtm.distal.matching_frame.matching_frame`.

    Parameters
    ----------
    request : JSON with the ``columns`` of the table of people as :func:`gbtm.bridge.transfer.sent_table` takes them,
        the ``treatment`` and the ``id``

    Returns
    -------
    JSON text: ``table`` without ids; ``people``, which of the fit's each row is, from 1; ``sentences`` to warn of
    """

    def work() -> dict[str, Any]:
        asked, res, bulk = json.loads(request), fit_of(document), new_bulk()
        people = sent_table(asked["columns"])
        made, said = _heard(lambda: frame_of(res, people, asked["treatment"], id=asked["id"]))
        position = np.asarray(res.ids.get_indexer(made.index) + 1, dtype=float)
        return {"people": encode(position, bulk), "table": frame(made.reset_index(drop=True), bulk), "sentences": said}

    return answer(work)


def balance(request: str) -> str:
    """Balance of covariates, also of variances and distributions before weighting; see
    :func:`gbtm.distal.balance.balance`.

    Parameters
    ----------
    request : JSON with the ``columns`` as :func:`gbtm.bridge.transfer.sent_table` takes them, and the names of the
        ``treatment``, the ``covariates``, the ``weights`` (or null) and ``by`` (or null)

    Returns
    -------
    JSON text: ``table`` and ``sentences`` to warn of
    """

    def work() -> dict[str, Any]:
        asked, bulk = json.loads(request), new_bulk()
        people, columns = sent_table(asked["columns"]), asked["covariates"]
        table, said = _heard(lambda: balance_of(people, asked["treatment"], columns, weights=asked["weights"],
                                                by=asked["by"]))
        plain, _ = _heard(lambda: balance_of(people, asked["treatment"], columns, by=asked["by"]))
        for name in ("variance ratio", "ks"):
            table[f"{name} before"] = plain[name]
        return {"table": frame(table.reset_index(), bulk), "sentences": said}

    return answer(work)


def untreated_history(request: str) -> str:
    """Which rows of a long table come before an event; see
    :func:`gbtm.data.untreated_history.untreated_history`.

    Parameters
    ----------
    request : JSON with the ``columns`` as :func:`gbtm.bridge.transfer.sent_table` takes them, and the names of the
        ``event``, the ``time`` and the ``id``; ``start`` or null

    Returns
    -------
    JSON text: ``rows``, from 1, and ``sentences`` to warn of
    """

    def work() -> dict[str, Any]:
        asked, bulk = json.loads(request), new_bulk()
        data = sent_table(asked["columns"])
        kept, said = _heard(lambda: history_of(data, asked["event"], time=asked["time"], id=asked["id"],
                                               start=asked["start"]))
        return {"rows": encode(np.asarray(kept.index + 1, dtype=float), bulk), "sentences": said}

    return answer(work)


def _heard(work: Callable[[], pd.DataFrame]) -> tuple[pd.DataFrame, list[str]]:
    """What was made, and what was said meanwhile."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", GBTMWarning)
        made = work()
    return made, [str(w.message) for w in caught if issubclass(w.category, GBTMWarning)]
