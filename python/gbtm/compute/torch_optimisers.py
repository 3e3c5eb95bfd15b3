"""torch's optimisers, without the empty folder that they leave among temporary files."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile

CACHE = "TORCHINDUCTOR_CACHE_DIR"
LOADED_BY_OPTIMISERS = "torch._dynamo"  # a compiler, at their first step; it makes the folder of its cache


def ready_optimisers() -> None:
    """Load what the optimisers load at their first step, its cache being where temporary files are anyway."""
    if LOADED_BY_OPTIMISERS in sys.modules:
        return
    given = os.environ.get(CACHE)
    os.environ[CACHE] = given or tempfile.gettempdir()
    try:
        importlib.import_module(LOADED_BY_OPTIMISERS)
    finally:
        if given is None:
            os.environ.pop(CACHE, None)
