"""Constants that both languages use, read from ``shared_constants.json``, which R reads too.

What they mean is said where they are used, and, for R, in ``R/constants.R``. A constant that one language alone uses
stands in that language; a test holds the file and its use against each other.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType
from typing import Any

SHARED: MappingProxyType[str, Any] = MappingProxyType(
    json.loads(Path(__file__).with_name("shared_constants.json").read_text(encoding="utf-8"))
)
