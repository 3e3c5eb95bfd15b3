"""Several outcomes, for R: their columns come one outcome after the other, then the model.

Each outcome is read as soon as its columns are here, so that the names of columns need not differ between outcomes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from ..api.load import results_of
from ..api.model import GBTM
from ..api.reading_several import joined_record
from ..api.results import GBTMResults
from ..compute.progress import Progress
from ..data.joined_panels import joined_panels
from ..data.panel import Panel
from ..design.time_basis import TimeBasis
from ..model.prepared import Prepared
from ..record.document import encode, from_json
from ..specification.spec import ModelSpec
from .after import learn_basis
from .fitting import Asked, fitted_answer, read_request
from .panels import panel_of_columns
from .transfer import answer, column, fit_of, keep_codes, received

_asked: list[tuple[dict[str, Any], Asked]] = []
_people: list[tuple[dict[str, Any], Panel, Any]] = []


def hold_outcome(request: str, ids: bytearray, basis: bytearray) -> str:
    """Keep one outcome for :func:`fit_several`: its columns, from what :func:`receive` has, and its model.

    Parameters
    ----------
    request : JSON as for :func:`gbtm.bridge.fitting.fit`, with ``number``, which outcome it is, counted from 0, and
        ``own_table``, whether it has a table of its own, which says nothing of people
    """

    def work() -> dict[str, Any]:
        asked = json.loads(request)
        del _asked[asked["number"]:]  # what a call that failed has left
        times, values = column("time", bytearray()), column("y", bytearray())
        _asked.append((asked, read_request(asked, ids, bytearray(), times, values, basis)))
        return {}

    return answer(work)


def fit_several(request: str, tell: Progress | None) -> str:
    """Fit the outcomes that :func:`hold_outcome` has.

    Parameters
    ----------
    request : JSON with ``options``, arguments of :meth:`GBTM.fit`, and optionally ``start_document``; of a dual model
        ``second``, with the ``reference`` group of the second outcome, from 1

    Returns
    -------
    JSON text as of :func:`gbtm.bridge.fitting.fit`; ``held`` has the width of the codes ``row0``, ``row1``, ..: which
    of the rows sent of each outcome were used, in the order of its data, counted from 1
    """

    def work() -> dict[str, Any]:
        said = json.loads(request)
        joined = joined_request(said.get("second"))
        model = GBTM.from_prepared(Prepared.of(joined.panel, joined.spec, joined.bases, formula=joined.formula,
                                               inputs=joined.inputs))
        options = said["options"]
        if said.get("start_document"):
            options["start"] = results_of(from_json(said["start_document"]))
        res = model.fit(progress=tell or False, **options)
        return {**fitted_answer(res, model.panel.ids, table=False), "held": keep_rows(model.panel)}

    return answer(work)


@dataclass(frozen=True, eq=False)
class Joined:
    """The outcomes that were held, as one model: people, model, bases, formulas in a text, how tables were read."""

    panel: Panel
    spec: ModelSpec
    bases: list[TimeBasis | None]
    formula: str
    inputs: dict[str, Any] | None


def joined_request(second: dict[str, Any] | None = None) -> Joined:
    """What :func:`hold_outcome` has, which is handed over once; ``second`` as for :func:`fit_several`."""
    held = list(_asked)
    _asked.clear()
    mine = [not asked["own_table"] for asked, _ in held]
    first = mine.index(True) if any(mine) else 0
    formulas, inputs = [asked["formula"] for asked, _ in held], [asked["inputs"] for asked, _ in held]
    known: list[dict[str, Any]] = [i for i in inputs if i is not None]
    return Joined(
        joined_panels([read.panel for _, read in held], mine), _joined_spec([read.spec for _, read in held], second),
        [None if read.bases is None else read.bases[0] for _, read in held], "; ".join(formulas),
        None if len(known) < len(held) else joined_record(known, formulas, [not is_mine for is_mine in mine], first),
    )


def keep_rows(panel: Panel) -> dict[str, int]:
    """Which of the rows sent of each outcome were used, from 1, as the codes ``row0``, ``row1``, ..; their widths."""
    return keep_codes({f"row{i}": m.row + 1 for i, m in enumerate(panel.outcomes)})


def _joined_spec(specs: list[ModelSpec], second: dict[str, Any] | None) -> ModelSpec:
    """The model of all: what belongs to the whole is said with the first outcome, whose last values drive dropout."""
    outcomes = tuple(spec.outcomes[0] for spec in specs)
    if second is None:
        return replace(specs[0], outcomes=outcomes)
    return replace(specs[0], outcomes=outcomes, second_groups=specs[1].n_groups,
                   second_reference=second["reference"] - 1)


def hold_people(request: str, ids: bytearray) -> str:
    """Keep what is known of new people of one outcome, for :func:`classify_several`; ``request`` as for
    :func:`gbtm.bridge.after.classify`, with ``number`` and ``own_table`` as for :func:`hold_outcome`, and ``known``,
    the waves of a dropout model that this outcome drives (absent where there is none, null where they are columns)."""

    def work() -> dict[str, Any]:
        asked = {**json.loads(request), "unobserved": True}
        asked["dropout"] = "known" in asked
        del _people[asked["number"]:]
        times, values = column("time", bytearray()), column("y", bytearray())
        names = asked.get("basis_names")
        basis = (times, received("basis").reshape(len(names), -1).T) if names else None
        _people.append((asked, panel_of_columns(asked, ids, bytearray(), times, values), basis))
        return {}

    return answer(work)


def held_people(res: GBTMResults) -> Panel:
    """The people that :func:`hold_people` has, which are handed over once."""
    held = list(_people)
    _people.clear()
    for outcome, (_, _, basis) in zip(res.outcomes, held, strict=True):
        if basis is not None:
            learn_basis(outcome.bases, *basis)
    return joined_panels([p for _, p, _ in held], [not asked["own_table"] for asked, _, _ in held])


def classify_several(document: str, request: str) -> str:
    """Posteriors of the people that :func:`hold_people` has, as of :func:`gbtm.bridge.after.classify`."""
    from ..fit.scoring import classify_panel, left_out

    def work() -> dict[str, Any]:
        said, res = json.loads(request), fit_of(document)
        panel = held_people(res)
        table = classify_panel(res, panel, by_wave=said["by_wave"], level=said["level"])
        return {
            "columns": {str(name): encode(table[name].tolist()) for name in table}, "dropped": left_out(panel),
            "prior": None if panel.unobserved is None else panel.unobserved.sentence(),
        }

    return answer(work)
