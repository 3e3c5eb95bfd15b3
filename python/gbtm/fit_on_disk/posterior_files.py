"""Probabilities of the groups of people on disk, written by block."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..compute.blocks import Block, OfBlock, Workplace
from ..compute.threads import workers
from ..disk.disk_panel import DiskPanel
from ..disk.new_folder import beside_new
from ..disk.optional_package import optional_package
from ..errors import DataError
from ..likelihood.block_mixture import BlockOfPeople, BlockRecipe
from ..model.layout import Layout
from .block_sums import block_posterior


def posterior_to(
    folder: str | Path, panel: DiskPanel, layout: Layout, flat: np.ndarray, *, executor: Any = None
) -> Path:
    """A Parquet file for each block in a new folder: the id, ``group`` (1..K), and ``p1`` to ``pK``.

    The folder appears when all is written, or not at all. Blocks are read once more.

    Raises
    ------
    DataError
        ``folder_exists``, ``not_written``, and ``missing_file``, ``changed_file`` of the data.
    """
    optional_package("pyarrow.parquet", "posterior_to()", "disk")
    out, beside = beside_new(
        folder, "folder", "Give the name of a new folder, or remove this one.")
    place = Workplace(executor)
    bare = Layout(layout.spec, layout.parts, layout.membership)
    token, mean = uuid.uuid4().hex, panel.survey.weight / panel.n_subjects
    blocks = [
        Block(BlockRecipe((token, i), 0, panel.source, bare, mean, with_ids=True), place)
        for i in range(panel.n_blocks)]
    try:
        beside.mkdir(parents=True)
        with workers():
            place.results(OfBlock(lambda block: _written(block, flat, beside)), blocks)
        beside.rename(out)
    except OSError as error:
        shutil.rmtree(beside, ignore_errors=True)
        raise DataError(
            f"folder: {str(folder)!r} cannot be written ({error}).", code="not_written", argument="folder",
            way_out="Check the folder and the space on the disk.",
        ) from error
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    finally:
        place.close()
    return out


def _written(block: BlockOfPeople, flat: np.ndarray, folder: Path) -> int:
    p = block_posterior(block, flat)
    p = p if block.expand is None else p[block.expand]
    name = block.recipe.source.given["id"]
    table = pd.DataFrame({name: block.ids})
    table["group"] = p.argmax(axis=1) + 1
    for k, column in enumerate(p.T):
        table[f"p{k + 1}"] = column
    # a worker that is lost while it writes leaves a file that the next one writes anew
    table.to_parquet(folder / f"block-{block.recipe.key[1] + 1:05d}.parquet", index=False, compression="zstd")
    return len(table)
