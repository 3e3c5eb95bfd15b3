"""What parameters are called: in our tables, and in traj's e(b)."""

from __future__ import annotations

from collections.abc import Sequence

from ..design.covariate_basis import CovariateBasis
from ..errors import SpecificationError
from ..families.levels import names_in_parameters
from ..families.precision import PRECISION
from ..families.random_normal import RANDOM
from .blocks import MEMBERSHIP, SCALES, Block
from .event import EventPart
from .outcome import OutcomePart, Part
from .transitions import Transitions

POWERS = ("interc", "linear", "quadra", "cubic", "quarti", "quinti")
SECOND_POWERS = ("intr", "linr", "quad", "cubc", "quar", "quin")


def user_names(
    blocks: Sequence[Block], parts: Sequence[Part], membership: CovariateBasis, transitions: Transitions | None = None
) -> list[str]:
    """``age^2[1]``, ``zero_intercept[2]``, ``sigma``, ``theta[2]``, ``theta_male[2]``; of the second set of groups
    given the first ``theta2[2|1]``, ``theta2_male[2]``; of the curve of a category ``age:employed[1]``."""
    names = []
    several = sum(isinstance(part, OutcomePart) for part in parts) > 1
    for b in blocks:
        suffix = "" if b.group is None else f"[{b.group + 1}]"
        if b.predictor == "theta2" and transitions is not None and b.group is not None:
            names += [f"theta2[{b.group + 1}|{j + 1}]" for j in range(transitions.n_from)]
            names += [f"theta2_{n}{suffix}" for n in transitions.basis.names]
            continue
        if b.outcome == MEMBERSHIP:
            names += [f"theta{suffix}", *(f"theta_{n}{suffix}" for n in membership.names[1:])]
            continue
        outcome = f"{parts[b.outcome].name}: " if several and isinstance(parts[b.outcome], OutcomePart) else ""
        stems = [SCALES[b.predictor].name] if b.basis is None else list(b.basis.names)
        if (level := level_of(parts[b.outcome], b.predictor)) is not None:
            stems = [f"{s}:{level}" for s in stems]
        if b.predictor == "dropout":
            width = parts[b.outcome].bases["dropout"].width
            stems = [s if j < width else f"drop_{s}" for s, j in zip(stems, b.columns, strict=True)]
        prefix = outcome + {"zero": "zero_", PRECISION: "phi_"}.get(b.predictor, "")
        names += [f"{prefix}{stem}{suffix}" for stem in stems]
    return names


def level_of(part: Part, predictor: str) -> str | None:
    """The category whose curve a predictor is, as names of parameters have it; None where there is but one curve."""
    if not isinstance(part, OutcomePart) or part.spec.traits.has_mean or predictor not in part.family.curve_predictors:
        return None
    names = names_in_parameters(part.spec.codes, part.spec.levels)
    return names[1 + part.family.curve_predictors.index(predictor)]


def refuse_alike(names: Sequence[str], parts: Sequence[Part], risk: Sequence[str]) -> None:
    """Refuse two parameters of one name, or of names that differ in blanks alone: nobody could ask for either.

    Raises
    ------
    SpecificationError
        ``name_clash``, for a column that is called as a parameter of the model, or as another column.
    """
    seen: dict[str, str] = {}
    for name in names:
        bare = "".join(name.split())
        if bare in seen:
            argument = _whose(bare, parts, risk)
            raise SpecificationError(
                f"{argument}: two parameters would be called '{seen[bare]}'"
                + (f" and '{name}', which differ in blanks alone." if name != seen[bare] else "."),
                code="name_clash", argument=argument,
                way_out="Rename the column: one of that name is among the covariates already, or it is the name of a "
                "parameter of the model (intercept, sigma, theta, ..).",
            )
        seen[bare] = name


def _whose(bare: str, parts: Sequence[Part], risk: Sequence[str]) -> str:
    """The argument that gave a parameter its name, which stands here without blanks."""
    stem = bare.rpartition("[")[0] or bare
    given = {"risk": [f"theta_{n}" for n in risk]}
    for part in parts:
        outcome = isinstance(part, OutcomePart)
        columns = () if part.covariates is None else part.covariates.names
        given["tcov" if outcome else "dcov"] = [n if outcome else f"drop_{n}" for n in columns]
        if isinstance(part, OutcomePart) and part.spec.common:
            given["tcov"] = [n for n in columns if n not in part.spec.common]
            given["common"] = list(part.spec.common)
        if isinstance(part, EventPart):
            given["event"] = [n for basis in part.bases.values() for n in basis.names]
    return next((a for a, names in given.items() if stem in ("".join(n.split()) for n in names)), "time")


def traj_names(
    blocks: Sequence[Block], parts: Sequence[Part], membership: CovariateBasis, transitions: Transitions | None = None
) -> list[str]:
    """``interc1``, ``alpha0G2``, ``sigma``, ``theta2``, ``maleG2``; of several outcomes ``intercG1M1``, ``sigmaM2``,
    ``mthetaG2``; of a dual model's second outcome ``m2intr1``, ``m2theta2G1`` (group 2 given group 1), ``ZG1`` (the
    slope of group 2: traj numbers it from 1)."""
    names: list[str] = []
    several = transitions is None and sum(isinstance(part, OutcomePart) for part in parts) > 1
    for b in blocks:
        number = "" if b.group is None else str(b.group + 1)
        group = f"G{number}" if several and number else number
        if b.predictor == "theta2" and transitions is not None and b.group is not None:
            stem = "const" if transitions.basis.names else "theta"
            names += [f"m2{stem}{number}G{j + 1}" for j in range(transitions.n_from)]
            names += [f"{n}G{b.group}" for n in transitions.basis.names]
            continue
        if b.outcome == MEMBERSHIP:
            covariates = membership.names[1:]
            stem = "const" if covariates else "mtheta" if several else "theta"
            names += [f"{stem}{group}", *(f"{n}G{number}" for n in covariates)]
            continue
        part = parts[b.outcome]
        if b.predictor == "dropout":
            n_lags = part.bases["dropout"].width
            stems = zip(b.basis.names if b.basis is not None else (), b.columns, strict=True)
            own = [f"{n}G{number}" + ("" if j < n_lags else "_dcov") for n, j in stems]
        elif b.predictor in part.family.curve_predictors:
            own = _traj_curve(part, b, number, group)
            level = level_of(part, b.predictor)
            own = own if level is None else [f"{level}_{n}" for n in own]
        elif b.predictor == PRECISION:
            own = [f"phi{j}G{number}" for j in range(b.width)]
        elif b.basis is not None and b.predictor != "zero":
            own = list(b.basis.names)
        elif b.predictor == "zero":
            own = [f"alpha{j}" + (f"G{number}" if number else "") for j in range(b.width)]
        else:
            stem = SCALES[b.predictor].name
            own = [f"{stem[:2]}SigmaG{number}" if b.predictor in RANDOM else stem + group]
        if transitions is not None and b.outcome == 1:
            own = [_of_second(n) for n in own]
        names += [f"{n}M{b.outcome + 1}" if several and isinstance(part, OutcomePart) else n for n in own]
    return names


def _of_second(name: str) -> str:
    """traj's name in a dual model's second outcome: ``m2intr1`` for ``interc1``, ``m2linr1`` for ``linear1``."""
    for power, short in zip(POWERS, SECOND_POWERS, strict=True):
        if name.startswith(power):
            return f"m2{short}{name[len(power):]}"
    return f"m2{name}"


def _traj_curve(part: Part, b: Block, number: str, group: str) -> list[str]:
    """Names of a curve's coefficients in group ``number``, which powers of time have as ``group``."""
    assert isinstance(part, OutcomePart)
    polynomial, width = part.orders("mean") is not None, part.bases["mean"].width
    names = []
    for j in b.columns:
        if j >= width and part.covariates is not None:
            names.append(part.covariates.names[j - width] + (f"G{number}" if number else ""))
        else:
            names.append(f"{POWERS[j] if polynomial else f'basis{j + 1}_'}{group}")
    return names


def joint_order(blocks: Sequence[Block], n_from: int) -> list[int]:
    """Places of a dual model's parameters in the order of traj's e(b): the first outcome with its membership, the
    second, its membership given the first's groups, group by group of the first, and at last its slopes."""
    dropout = [b for b in blocks if b.predictor == "dropout"]
    first = [b for b in blocks if b.outcome == 0] + dropout + [b for b in blocks if b.predictor == "theta"]
    second = [b for b in blocks if b.outcome == 1 and b not in dropout]
    given = [b for b in blocks if b.predictor == "theta2"]
    places = [i for b in [*first, *second] for i in range(b.start, b.start + b.width)]
    places += [b.start + j for j in range(n_from) for b in given]
    return [*places, *(b.start + j for b in given for j in range(n_from, b.width))]
