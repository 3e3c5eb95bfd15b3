"""Which software made a fit and its report."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from .._version import __version__

if TYPE_CHECKING:
    from ..api.results import GBTMResults

LIBRARIES = ("torch", "numpy", "scipy", "pandas")


def versions() -> dict[str, str]:
    """Name -> version of this package, Python and the libraries that compute."""
    installed = {"gbtm": __version__, "Python": platform.python_version()}
    for name in LIBRARIES:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            continue
    return installed


def versions_sentence(res: GBTMResults) -> str:
    """The software in one sentence."""
    here = versions()
    libraries = ", ".join(f"{name} {number}" for name, number in here.items() if name != "gbtm")
    return f"Fitted by {res.created_by}; reported by gbtm {here['gbtm']} ({libraries})."
