"""What the user holds after the fit of people whose data stay on disk."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from ..arguments import checked
from ..disk.disk_panel import DiskPanel
from ..errors import SpecificationError
from ..fit_on_disk.disk_fit import DiskFit
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
        """Write the probability of each group for each person; :func:`~gbtm.fit_on_disk.posterior_files.posterior_to`.

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
        from ..fit_on_disk.posterior_files import posterior_to
        from ..record.rebuild import layout_of

        people = self._people(panel, "posterior_to(folder, ", " or of other people")
        return posterior_to(folder, people, layout_of(self), self.internal.params, executor=executor)

    def cov_params(self, cov_type: str | None = None, *, panel: Any = None, executor: Any = None) -> pd.DataFrame:
        """As :meth:`gbtm.GBTMResults.cov_params`; another ``cov_type`` as in :meth:`with_cov_type`."""
        other = self if cov_type is None else self.with_cov_type(cov_type, panel=panel, executor=executor)
        return super(DiskResults, other).cov_params()

    def with_cov_type(self, cov_type: str | None, *, panel: Any = None, executor: Any = None) -> DiskResults:
        """The same estimates with other standard errors; the people are read once more.

        Parameters
        ----------
        cov_type : as for :meth:`gbtm.GBTM.fit`
        panel : the files of the fit, ``"register/*.parquet"``, or what :meth:`gbtm.Panel.from_parquet` makes of them;
            default those of the fit, which a fit that was read from a file does not know
        executor : as for :meth:`gbtm.GBTM.fit`

        Raises
        ------
        SpecificationError
            ``no_panel``, ``not_on_disk`` for corrections for leverage, and as for :meth:`gbtm.GBTM.fit`.
        DataError
            ``other_people``, and what cannot be read, as :meth:`gbtm.Panel.from_parquet`.
        """
        from ..fit_on_disk.disk_covariance import with_covariance_of
        from ..specification.covariance_kinds import kind_named

        if cov_type is not None and kind_named(cov_type).name == self.cov_type:
            return self
        people = self._people(panel, f"with_cov_type({cov_type!r}, ", "", with_design=True)
        other = self.like(with_covariance_of(self, cov_type, people, executor=executor))
        other.source = people
        return other

    def _people(self, panel: Any, call: str, whose: str, **reading: Any) -> DiskPanel:
        """The people that are meant: those given, or those of the fit."""
        from ..fit_on_disk.files_like import files_like

        panel = self.source if panel is None else panel
        if panel is None:
            raise SpecificationError(
                "panel: a fit that was read from a file does not know where the people are.", code="no_panel",
                argument="panel", way_out=f"Say where: {call}panel='register/*.parquet'), the files of the fit{whose}.",
            )
        return panel if isinstance(panel, DiskPanel) else files_like(self, panel, **reading)
