"""People in files, read as those that were fitted were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..disk.disk_panel import DiskPanel, disk_panel
from ..disk.parquet_files import blocks_of, files_of
from ..disk.parquet_source import schema_of
from .new_data import OF_READING, stored_terms

if TYPE_CHECKING:
    from .fit import Fit

NOT_OF_FILES = ("dropout", "dcov", "obsmar")


def files_like(res: Fit, data: Any, **reading: Any) -> DiskPanel:
    """The people of Parquet files, by the columns, levels, means and knots of the fit.

    Parameters
    ----------
    reading : ``block``, ``memory``, ``repartition`` of :meth:`gbtm.Panel.from_parquet`

    Raises
    ------
    DataError, SpecificationError
        As :meth:`gbtm.Panel.from_parquet`; ``new_level`` for a level that did not occur in the fit.
    """
    inputs = res.inputs or {}
    given = {k: v for k, v in inputs.items() if k not in OF_READING and not k.endswith("_design")}
    given = {k: v for k, v in given.items() if k not in NOT_OF_FILES and v is not None and v != {}}
    schema = schema_of(blocks_of(files_of(data)[:1], None, 1))
    for name in ("risk", "tcov"):
        if name in given and not isinstance(given[name], dict):
            given[name] = stored_terms(res, name, schema)
    return disk_panel(data, **given, **reading)
