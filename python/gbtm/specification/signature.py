"""The signature of a function that takes the declared options."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from .description import Design, DistalOutcome
from .outcome import Outcome


def takes_options(function: Callable[..., Any], *, distal: bool = False) -> Callable[..., Any]:
    """Write the declared options into the signature that ``help()`` and the editor show in place of ``**options``."""
    shown = inspect.signature(function)
    classes = (Outcome, Design, DistalOutcome) if distal else (Outcome, Design)
    declared = [f for cls in classes for f in fields(cls) if "option" in f.metadata]
    more = [
        inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, annotation=f.type, default=f.default)
        for f in sorted(declared, key=lambda f: f.name != "groups")
    ]
    fixed = [p for p in shown.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    first = [p for p in fixed if p.kind is not inspect.Parameter.KEYWORD_ONLY]
    last = [p for p in fixed if p.kind is inspect.Parameter.KEYWORD_ONLY]
    function.__signature__ = shown.replace(parameters=[*first, *more, *last])  # type: ignore[attr-defined]
    return function
