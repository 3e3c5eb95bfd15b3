"""What parameters are called: in our tables, and in traj's e(b)."""

from __future__ import annotations

from collections.abc import Sequence

from ..design.covariate_basis import CovariateBasis
from ..errors import SpecificationError
from ..families.random_normal import RANDOM
from .blocks import MEMBERSHIP, SCALES, Block
from .outcome import OutcomePart, Part

POWERS = ("interc", "linear", "quadra", "cubic", "quarti", "quinti")


def user_names(blocks: Sequence[Block], parts: Sequence[Part], membership: CovariateBasis) -> list[str]:
    """``age^2[1]``, ``zero_intercept[2]``, ``sigma``, ``theta[2]``, ``theta_male[2]``."""
    names = []
    several = sum(isinstance(part, OutcomePart) for part in parts) > 1
    for b in blocks:
        suffix = "" if b.group is None else f"[{b.group + 1}]"
        if b.outcome == MEMBERSHIP:
            names += [f"theta{suffix}", *(f"theta_{n}{suffix}" for n in membership.names[1:])]
            continue
        outcome = f"{parts[b.outcome].name}:" if several else ""
        stems = [SCALES[b.predictor].name] if b.basis is None else list(b.basis.names)
        if b.predictor == "dropout":
            width = parts[b.outcome].bases["dropout"].width
            stems = [s if j < width else f"drop_{s}" for s, j in zip(stems, b.columns, strict=True)]
        prefix = outcome + ("zero_" if b.predictor == "zero" else "")
        names += [f"{prefix}{stem}{suffix}" for stem in stems]
    return names


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
    return next((a for a, names in given.items() if stem in ("".join(n.split()) for n in names)), "time")


def traj_names(blocks: Sequence[Block], parts: Sequence[Part], membership: CovariateBasis) -> list[str]:
    """``interc1``, ``alpha0G2``, ``sigma``, ``theta2``, ``maleG2``."""
    names: list[str] = []
    for b in blocks:
        group = "" if b.group is None else str(b.group + 1)
        if b.outcome == MEMBERSHIP:
            covariates = membership.names[1:]
            names += [f"{'const' if covariates else 'theta'}{group}", *(f"{n}G{group}" for n in covariates)]
        elif b.predictor == "dropout":
            n_lags = parts[b.outcome].bases["dropout"].width
            stems = zip(b.basis.names if b.basis is not None else (), b.columns, strict=True)
            names += [f"{n}G{group}" + ("" if j < n_lags else "_dcov") for n, j in stems]
        elif b.predictor == "mean":
            names += _traj_curve(parts[b.outcome], b, group)
        elif b.predictor == "zero":
            names += [f"alpha{j}" + (f"G{group}" if group else "") for j in range(b.width)]
        else:
            stem = SCALES[b.predictor].name
            names.append(f"{stem[:2]}SigmaG{group}" if b.predictor in RANDOM else stem + group)
    return names


def _traj_curve(part: Part, b: Block, group: str) -> list[str]:
    assert isinstance(part, OutcomePart)
    polynomial, width = part.orders("mean") is not None, part.bases["mean"].width
    names = []
    for j in b.columns:
        if j >= width and part.covariates is not None:
            names.append(f"{part.covariates.names[j - width]}G{group}")
        else:
            names.append(f"{POWERS[j] if polynomial else f'basis{j + 1}_'}{group}")
    return names
