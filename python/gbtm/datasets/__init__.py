"""Data for examples and tests: simulated panels whose truth is known, and the data sets that R's packages ship.

Nothing is downloaded. The panels are the same rows as those of the same names in the R package.
"""

from __future__ import annotations

from .r_packages import from_r
from .shipped import offending, pathways, school, smoking, symptoms
from .two_groups import two_groups

__all__ = ["from_r", "offending", "pathways", "school", "smoking", "symptoms", "two_groups"]
