"""Constraints as they are written, read as rows of numbers on the internal parameters."""

from __future__ import annotations

from typing import NoReturn, Protocol

import numpy as np

from ..compute.expressions import Relation, evaluate, read_relations
from ..errors import SpecificationError
from ..families.hazards import EVENT_LOG_HAZARDS
from ..families.random_normal import CORRELATIONS as OF_EFFECTS
from ..families.random_normal import RANDOM
from ..specification.constraint_text import spelled_out, without_units
from ..specification.spec import ModelSpec
from .blocks import MEMBERSHIP, SCALES, Block
from .correlation_sets import CorrelationSet
from .outcome import OutcomePart, Part

ARGUMENT = "constraints"
CORRELATIONS = ("atanh_rho", *OF_EFFECTS.values())

Row = tuple[np.ndarray, float, str]  # what is multiplied with internal parameters (p,), what comes of it, in words


class Parameters(Protocol):
    """What has to be known of the parameters: a :class:`~gbtm.model.layout.Layout`."""

    spec: ModelSpec
    parts: tuple[Part, ...]
    blocks: list[Block]
    size: int
    theta: slice

    @property
    def names(self) -> list[str]: ...

    @property
    def outcomes(self) -> list[OutcomePart]: ...

    @property
    def correlation_sets(self) -> list[CorrelationSet]: ...

    def units_of(self, b: Block) -> float: ...

    def report(self, flat: np.ndarray) -> np.ndarray: ...

    def report_jacobian(self, flat: np.ndarray) -> np.ndarray: ...


def read_rows(layout: Parameters) -> tuple[list[Row], list[Row]]:
    """Equalities ``row x = value``, and bounds ``row x >= value``."""
    equal: list[Row] = []
    bounds: list[Row] = []
    outcomes = [part.name for part in layout.outcomes]
    for given in layout.spec.constraints:
        short, same_units = without_units(given)
        text = spelled_out(short, layout.names, outcomes if len(outcomes) > 1 else [])
        if not text:
            refuse(f"'{given}': no two outcomes have that parameter for the same group.", "bad_constraint",
                   "Outcomes share a sigma, psi, phi or rho that each of them has, common to the groups or group by "
                   "group.")
        for relation in read_relations(text, layout.names, ARGUMENT):
            row, value = _reported(relation)
            _check_outcomes(layout, row, relation.text, same_units)
            inside, at = _internal(layout, row, value, relation)
            if relation.sign == "=":
                equal.append((inside, at, relation.text))
            else:
                flip = -1.0 if relation.sign == "<" else 1.0
                bounds.append((flip * inside, flip * at, relation.text))
    return equal, bounds


def refuse(message: str, code: str, way_out: str) -> NoReturn:
    raise SpecificationError(f"{ARGUMENT}: {message}", code=code, argument=ARGUMENT, way_out=way_out)


def _reported(relation: Relation) -> tuple[np.ndarray, float]:
    """``left sign right`` as ``row b sign value`` of the reported parameters b."""
    at = np.zeros(relation.n_parameters)
    side = evaluate(relation.left, at) - evaluate(relation.right, at)
    if side.degree > 1 or not np.isfinite(side.slope).all() or not np.isfinite(side.value):
        refuse(f"'{relation.text}' is not linear in the parameters.", "not_linear",
               "Constraints are sums of parameters times numbers.")
    return side.slope, -float(side.value) + 0.0


def _block_of(layout: Parameters, at: int) -> Block:
    return next(b for b in layout.blocks if b.entries.start <= at < b.entries.stop)


def _internal(layout: Parameters, row: np.ndarray, value: float, relation: Relation) -> tuple[np.ndarray, float]:
    """``row b = value`` of reported parameters as one of internal ones, of the same sign where it is a bound."""
    there = np.flatnonzero(row)
    if not there.size:
        always = {"=": value == 0, ">": value <= 0, "<": value >= 0}[relation.sign]
        refuse(f"'{relation.text}' holds {'for any parameters' if always else 'for none'}.",
               "redundant" if always else "contradictory", "Leave it out.")
    blocks = [_block_of(layout, int(i)) for i in there]
    scales = [b for b in blocks if b.is_scale and not SCALES[b.predictor].as_is]
    if not scales:
        zero = np.zeros(layout.size)
        inside = row @ layout.report_jacobian(zero)
        return inside, value - float(row @ np.where(row != 0, layout.report(zero), 0.0))
    several = {int(i) for r in layout.correlation_sets for i in r.places[np.array([a > 0 for a, _ in r.pairs])]}
    if several & set(there):
        refuse(f"'{relation.text}': the correlation of two random effects that have a third before them depends on "
               "several parameters that are estimated, in which that is not linear.", "not_linear",
               "Constrain the correlations with the random intercept, or leave rcorr out.")
    if len(scales) < len(blocks) or len(there) > 2:
        _not_linear_inside(relation)
    if len(there) == 1:
        return _one_scale(layout, int(there[0]), float(row[there[0]]), value, blocks[0], relation)
    return _two_scales(layout, there, row, value, blocks, relation)


def _not_linear_inside(relation: Relation) -> NoReturn:
    refuse(
        f"'{relation.text}': a scale parameter is estimated by its logarithm (rho by its atanh), in which that is not "
        "linear.", "not_linear", "Give it a value, as in 'sigma[1] = 2', or make it a multiple of another of its kind, "
        "'sigma[1] = 2 * sigma[2]'.",
    )


def _one_scale(
    layout: Parameters, at: int, times: float, value: float, block: Block, relation: Relation
) -> tuple[np.ndarray, float]:
    reported = value / times / layout.units_of(block)
    if block.predictor in RANDOM and (relation.sign != "=" or not reported > 0):
        refuse(f"'{relation.text}': the sd of a random effect can have a positive value, or be another's.",
               "bad_constraint", "rorder=-1 in a group leaves the effect out of it.")
    with np.errstate(all="ignore"):
        inside = float(np.asarray(SCALES[block.predictor].unreport(np.array([reported]))).ravel()[0])
    if not np.isfinite(inside):
        wanted = "between -1 and 1" if block.predictor in CORRELATIONS else "positive"
        refuse(f"'{relation.text}': {layout.names[at]} is {wanted} whatever the estimates.",
               "bad_constraint", "Leave it out, or give a value that it can have.")
    row = np.zeros(layout.size)
    row[at] = np.sign(times)
    return row, float(np.sign(times)) * inside


def _two_scales(
    layout: Parameters, there: np.ndarray, row: np.ndarray, value: float, blocks: list[Block], relation: Relation
) -> tuple[np.ndarray, float]:
    a, b = int(there[0]), int(there[1])
    ratio = -row[b] / row[a] * layout.units_of(blocks[1]) / layout.units_of(blocks[0])  # internal a over internal b
    one_kind = blocks[0].predictor == blocks[1].predictor
    if not one_kind or value != 0 or not ratio > 0:
        _not_linear_inside(relation)
    kind = blocks[0].predictor
    if (kind in (*CORRELATIONS, *EVENT_LOG_HAZARDS) and ratio != 1) or (kind in RANDOM and relation.sign != "="):
        _not_linear_inside(relation)
    inside = np.zeros(layout.size)
    sign = np.sign(row[a])
    if blocks[0].predictor in RANDOM:
        inside[[a, b]] = sign, -sign * ratio
        return inside, 0.0
    inside[[a, b]] = sign, -sign
    return inside, float(sign * np.log(ratio)) if blocks[0].predictor not in CORRELATIONS else 0.0


def _check_outcomes(layout: Parameters, row: np.ndarray, text: str, same_units: bool) -> None:
    """What ties parameters of two outcomes means something only where these are on one scale."""
    owners = sorted({_block_of(layout, int(i)).outcome for i in np.flatnonzero(row)} - {MEMBERSHIP})
    parts = [layout.parts[m] for m in owners]
    if len(parts) < 2:
        return
    outcomes = [p for p in parts if isinstance(p, OutcomePart)]
    if len(outcomes) < len(parts):
        refuse(f"'{text}' ties dropout or the event to an outcome, whose parameters have other meanings.",
               "other_units", "Constrain each by itself.")
    names, specs = ", ".join(p.name for p in outcomes), [p.spec for p in outcomes]
    if len({s.family for s in specs}) > 1:
        refuse(f"'{text}': {names} are of different families, {', '.join(s.family for s in specs)}, whose parameters "
               "are on different scales.", "other_units", "Constrain outcomes of one family.")
    if not specs[0].traits.has_sigma:
        return
    bounds = {(s.lower, s.upper) for s in specs}
    if len(bounds) > 1:
        refuse(f"'{text}': {names} have different bounds, so that they are not on one scale.", "other_units",
               "Constrain outcomes that are measured on the same scale.")
    if None in bounds.pop() and not same_units:
        refuse(
            f"'{text}': nothing shows that {names} are in the same units, and in others it means nothing.",
            "other_units", f"If they are, write '{text}, same units'. Censored outcomes with the same min and max are "
            "taken to be.",
        )
