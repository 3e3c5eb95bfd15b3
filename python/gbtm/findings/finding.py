"""One warning about a fit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One warning.

    ``group`` counts from 1; None when it concerns the whole fit. ``parameters`` are those left without a standard
    error that it accounts for.
    """

    code: str
    group: int | None
    message: str
    parameters: tuple[str, ...] = ()
