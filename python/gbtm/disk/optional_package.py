"""Packages that only some of the functions need."""

from __future__ import annotations

import importlib
from typing import Any

from ..errors import SpecificationError


def optional_package(module: str, why: str, extra: str) -> Any:
    """The module of an optional package, ``"pyarrow.parquet"``.

    Parameters
    ----------
    why : what needs it, as the subject of a sentence
    extra : which of the optional dependencies of gbtm bring it

    Raises
    ------
    SpecificationError
        ``missing_package``.
    """
    package = module.split(".")[0]
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise SpecificationError(
            f"{package}: {why} needs this package, which is not installed ({error}).", code="missing_package",
            argument=package, way_out=f"pip install {package}, or pip install 'gbtm[{extra}]'.",
        ) from None
