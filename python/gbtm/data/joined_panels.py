"""Panels of several outcomes made into one: the people of all of them, joined by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ..errors import DataError, SpecificationError
from .dropped import Dropped, Unobserved
from .measures import History
from .panel import Panel
from .subjects import Subjects

COUNTS = ("observations_read", "missing_outcome", "missing_time", "missing_id", "missing_covariate", "missing_exposure")


def joined_panels(panels: Sequence[Panel], from_first: Sequence[bool], *, is_block: bool = False) -> Panel:
    """One panel of M outcomes, of M panels of one.

    A person is in it who has an observation of some outcome. ``from_first`` says which panels were read from the table
    that has what is known of people (membership covariates, weights, ..): people of another table whom that one does
    not have are dropped where anything is to be known of them. Outcomes of a block of a table need not share people.

    Raises
    ------
    SpecificationError
        ``same_outcome``, for two outcomes of one name.
    DataError
        ``no_common_id``, for a table that shares no person with the outcomes before it.
    """
    names = [p.outcomes[0].name for p in panels]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise SpecificationError(
            f"outcomes: two are called '{twice[0]}'.", code="same_outcome", argument="outcomes",
            way_out="Give the column of one of them another name: their parameters would have the same names.",
        )
    ids = _all_ids(panels, names, is_block=is_block)
    found = _all_known([p for p, is_first in zip(panels, from_first, strict=True) if is_first], ids)
    if found is not None:
        ids = ids[found[0]]
    outcomes = []
    for p in panels:
        place = ids.get_indexer(p.ids)
        m = p.outcomes[0]
        at = place[m.subject]
        rows = np.flatnonzero(at >= 0)
        rows = rows[np.argsort(at[rows], kind="stable")]
        outcomes.append(m.take(rows, at))
    return replace(
        panels[0], ids=ids, outcomes=tuple(outcomes),
        known=None if found is None else found[1], dropped=_dropped(panels, ids),
        doubts=tuple(d for p in panels for d in p.doubts),
        unobserved=_unobserved(panels, ids), history=_history(panels[0], ids),
    )


def _history(panel: Panel, ids: pd.Index) -> History | None:
    """What dropout goes by, that of the first outcome, of the people (N,) of all outcomes."""
    if panel.history is None:
        return None
    return replace(panel.history.take(ids.get_indexer(panel.ids)), n_subjects=len(ids))


def _unobserved(panels: Sequence[Panel], ids: pd.Index) -> Unobserved | None:
    """The people without an observation of any outcome, after those of ``ids``."""
    some = [p.unobserved for p in panels if p.unobserved is not None]
    if not some:
        return None
    # tables of one outcome alone do not have the covariates
    most = max(some, key=lambda u: len(u.known.risk_names) + len(u.known.risk2_names))
    seen, rows = set(ids), {}
    names = most.known.risk_names, most.known.risk2_names
    for u in some:
        if (u.known.risk_names, u.known.risk2_names) == names:
            rows.update({i: (u.known, at) for at, i in enumerate(u.ids) if i not in seen and i not in rows})
    if not rows:
        return None
    known = replace(
        most.known.take(np.zeros(len(rows), dtype=int)), risk=np.stack([k.risk[at] for k, at in rows.values()]),
        risk2=None if most.known.risk2 is None else np.stack([k.second_risk[at] for k, at in rows.values()]))
    place = len(ids) + np.arange(len(rows))
    return Unobserved(pd.Index(list(rows), name=ids.name), known, place, np.arange(len(ids)))


def _all_ids(panels: Sequence[Panel], names: Sequence[str], *, is_block: bool) -> pd.Index:
    """Ids of all people (N,), in the order in which the tables have them."""
    ids = panels[0].ids
    for p, name in zip(panels[1:], names[1:], strict=True):
        new = p.ids.difference(ids, sort=False)
        if len(ids) and len(p.ids) and len(new) == len(p.ids) and not is_block:
            raise DataError(
                f"{name}: none of its {len(new)} people, {new[0]!r} for one, is among those of "
                f"{', '.join(names[: names.index(name)])}, {ids[0]!r} for one.",
                code="no_common_id", argument="id", way_out="Give the ids of all tables in the same form.",
            )
        ids = ids.append(new)
    return ids.rename(panels[0].ids.name)


def _all_known(panels: Sequence[Panel], ids: pd.Index) -> tuple[np.ndarray, Subjects] | None:
    """Which of the ids (N,) something is known of, and what; None where the tables hold nothing of people."""
    if all(p.known is None for p in panels):
        return None
    # what is known for dropout alone was read with the outcome that drives it
    some = [(p.ids, Subjects.nothing(p.n_subjects) if p.known is None else p.known) for p in panels]
    if not _says_anything(some[0][1]):
        return None
    read = pd.Index(np.concatenate([i.to_numpy() for i, _ in some]))
    first = ~read.duplicated()
    values = {
        name: np.concatenate([_values(k, name, like) for _, k in some])[first]
        for name, like in some[0][1].arrays.items()
    }
    place = read[first].get_indexer(ids)
    here = np.flatnonzero(place >= 0)
    return here, replace(some[0][1], **{n: v[place[here]] for n, v in values.items()})


def _values(known: Subjects, name: str, like: np.ndarray) -> np.ndarray:
    """(N,) or (N, r) of what is known; who has no wave of the outcome that dropout goes by is missing from none, and of
    an event that was read with the first outcome alone nothing is known."""
    values = getattr(known, name)
    if values is None and name == "event":
        return np.full((known.n_subjects, like.shape[1]), np.nan)
    return np.zeros(known.n_subjects, dtype=bool) if values is None and name == "missing_at_random" else values


def _says_anything(known: Subjects) -> bool:
    return bool(known.risk_names) or bool(set(known.arrays) - {"risk"})


def _dropped(panels: Sequence[Panel], ids: pd.Index) -> Dropped:
    """What was left out, added up; a person counts who is left out altogether."""
    here = set(ids)
    parts = [p.dropped for p in panels]
    everybody = pd.unique(np.array([s for d in parts for s in (*d.subjects, *d.incomplete_subjects)], dtype=object))
    incomplete = {s for d in parts for s in d.incomplete_subjects}
    gone = [s for s in everybody if s not in here]
    unknown = [s for p in panels for s in p.ids if s not in here]
    declared = tuple(dict.fromkeys(d for part in parts for d in part.declared))
    return Dropped(
        **{c: sum(getattr(d, c) for d in parts) for c in COUNTS},
        subjects_read=len(here) + len(gone) + len(dict.fromkeys(unknown)),
        subjects=tuple(s for s in gone if s not in incomplete),
        incomplete_subjects=tuple(dict.fromkeys([*(s for s in gone if s in incomplete), *unknown])), declared=declared,
    )
