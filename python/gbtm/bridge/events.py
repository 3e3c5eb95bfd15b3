"""Times to an event, for R: survival curves by group, and what lies ahead of new people."""

from __future__ import annotations

import json
from typing import Any

from .after import people_of_columns
from .several import held_people
from .transfer import answer, fit_of, frame, new_bulk


def survival(document: str, request: str) -> str:
    """Curves of a fit with a time to an event.

    Parameters
    ----------
    request : JSON with ``times`` (or null), ``at`` (values of covariates by name), ``cause`` (or null), ``level``

    Returns
    -------
    JSON text with the ``table`` of :func:`gbtm.inference.event_curves.survival`, and ``at``, all covariates
    """
    from ..inference.event_curves import survival as curves

    def work() -> dict[str, Any]:
        asked = json.loads(request)
        table = curves(fit_of(document), asked["times"], at=asked["at"] or None, cause=asked["cause"],
                       level=asked["level"])
        return {"table": frame(table, new_bulk()), "at": table.attrs["at"]}

    return answer(work)


def predict_event(document: str, request: str, ids: bytearray) -> str:
    """Probabilities of an event ahead for new people, from what :func:`receive` has.

    Parameters
    ----------
    request : JSON as for :func:`gbtm.bridge.after.classify`, with ``several``, true where
        :func:`gbtm.bridge.several.hold_people` has the people, and the arguments ``horizon``, ``landmark``,
        ``by_wave``, ``cause`` and ``level`` of :func:`gbtm.forecast.predict_event.predict_event` in ``ahead``
    ids : as for :func:`gbtm.bridge.fitting.fit`

    Returns
    -------
    JSON text with the ``table``, and ``sentences`` on who was left out
    """
    import warnings

    from ..errors import GBTMWarning
    from ..fit.scoring import left_out
    from ..forecast.predict_event import predict_event_panel

    def work() -> dict[str, Any]:
        asked, res = json.loads(request), fit_of(document)
        panel = held_people(res) if asked.get("several") else people_of_columns(asked, res, ids)
        ahead = asked["ahead"]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", GBTMWarning)
            table = predict_event_panel(res, panel, **ahead)
        told = [str(w.message).removeprefix("newdata: ") for w in caught if issubclass(w.category, GBTMWarning)]
        return {"table": frame(table, new_bulk()), "sentences": [s for s in [left_out(panel), *told] if s]}

    return answer(work)
