"""People in files, read as those that were fitted were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from ..disk.disk_panel import DiskPanel, joined_disk_panel
from ..disk.parquet_files import blocks_of, files_of
from ..disk.parquet_source import schema_of
from ..fit.new_data import OF_READING, stored_terms

if TYPE_CHECKING:
    from ..fit.fit import Fit

OF_VARIANCE = ("weights", "cluster", "stratum")


def files_like(res: Fit, data: Any, *, with_design: bool = False, **reading: Any) -> DiskPanel:
    """The people of Parquet files, by the columns, levels, means and knots of the fit.

    In a model of dropout the waves are those of the fit, and whoever was not seen at its last ones has left.

    Parameters
    ----------
    with_design : weights, clusters and strata are read too
    reading : ``block``, ``memory``, ``repartition`` of :meth:`gbtm.Panel.from_parquet`

    Raises
    ------
    DataError, SpecificationError
        As :meth:`gbtm.Panel.from_parquet`; ``new_level`` for a level that did not occur in the fit.
    """
    schema = schema_of(blocks_of(files_of(data)[:1], None, 1))
    each = [_given(res.of_outcome(name), schema) for name in res.outcome_names]
    if with_design:
        known = [((res.of_outcome(name).inputs or {}).get("design") or {}) for name in res.outcome_names]
        each = [given | {k: own[k] for k in OF_VARIANCE if own.get(k) is not None}
                for given, own in zip(each, known, strict=True)]
    return joined_disk_panel(data, each, **reading)


def _given(res: Fit, schema: pd.DataFrame) -> dict[str, Any]:
    """How an outcome is read, and with it what is known of people."""
    inputs = res.inputs or {}
    given = {k: v for k, v in inputs.items() if k not in OF_READING and not k.endswith("_design")}
    given = {k: v for k, v in given.items() if v is not None and v != {} and v is not False}
    if res.dropout is not None:
        design = inputs.get("design") or {}
        given |= {k: v for k, v in (("waves", res.dropout.waves), ("obsmar", design.get("obsmar"))) if v is not None}
    for name in ("risk", "tcov", "dcov"):
        if name in given and not isinstance(given[name], dict):
            given[name] = stored_terms(res, name, schema)
    return given
