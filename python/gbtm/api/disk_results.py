"""What the user holds after the fit of people whose data stay on disk."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from ..arguments import checked
from ..disk.disk_panel import DiskPanel
from ..errors import SpecificationError
from ..fit.disk_fit import DiskFit
from .results import GBTMResults


@checked
class DiskResults(DiskFit, GBTMResults):
    """A fitted model of people on disk.

    Tables, curves, tests and pictures of groups are those of :class:`~gbtm.api.results.GBTMResults`, from sums over the
    people. What asks for each person (``posterior``, ``assignment``, residuals, ..) is refused; :meth:`posterior_to`
    writes the probabilities by block.
    """

    source: DiskPanel | None = None  # where the people are; a fit that was read from a file does not know

    @cached_property
    def adequacy(self) -> pd.DataFrame:
        """As :attr:`gbtm.GBTMResults.adequacy`."""
        from ..adequacy.groups import adequacy_of_sums

        return adequacy_of_sums(self, self.sums)

    def posterior_to(self, folder: str | Path, *, panel: Any = None, executor: Any = None) -> Path:
        """Write the probability of each group for each person; see :func:`gbtm.fit.posterior_files.posterior_to`.

        Parameters
        ----------
        folder : a new one
        panel : Parquet files, ``"register/*.parquet"``, with the columns of those that were fitted, or what
            :meth:`gbtm.Panel.from_parquet` makes of them; default the people that were fitted, whom a fit that was read
            from a file does not know. Other people are scored by the fit
        executor : as for :meth:`gbtm.GBTM.fit`

        Returns
        -------
        Path of the folder, with a Parquet file for each block: the id, ``group`` (1..K), and ``p1`` to ``pK``
        """
        from ..fit.files_like import files_like
        from ..fit.posterior_files import posterior_to
        from ..record.rebuild import layout_of

        panel = self.source if panel is None else panel
        if panel is None:
            raise SpecificationError(
                "panel: a fit that was read from a file does not know where the people are.", code="no_panel",
                argument="panel", way_out="Give panel='register/*.parquet', the files of the fit or of other people.",
            )
        if not isinstance(panel, DiskPanel):
            panel = files_like(self, panel)
        return posterior_to(folder, panel, layout_of(self), self.internal.params, executor=executor)
