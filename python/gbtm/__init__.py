"""Group-based trajectory models.

    import gbtm
    model = gbtm.GBTM.from_formula("offenses ~ age", data=df, id="id", groups=3, order=2, family="zip")
    res = model.fit()
    print(res.summary())

Names are loaded when first used: ``import gbtm`` does not load torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from . import datasets
    from .document import load
    from .errors import CommandError, DataError, GBTMError, GBTMWarning, SpecificationError
    from .model import GBTM
    from .panel import Panel
    from .post.command import traj
    from .post.proc_traj import proc_traj
    from .results import GBTMResults

_HOME = {
    "GBTM": "model", "GBTMResults": "results", "Panel": "panel", "load": "document", "traj": "post.command",
    "proc_traj": "post.proc_traj",
    "GBTMError": "errors", "DataError": "errors", "SpecificationError": "errors", "CommandError": "errors",
    "GBTMWarning": "errors",
}

__all__ = [
    "GBTM", "CommandError", "DataError", "GBTMError", "GBTMResults", "GBTMWarning", "Panel", "SpecificationError",
    "__version__", "datasets", "load", "proc_traj", "traj",
]


def __getattr__(name: str) -> Any:
    if name == "datasets":
        return importlib.import_module(".datasets", __name__)
    if name in _HOME:
        return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module 'gbtm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
