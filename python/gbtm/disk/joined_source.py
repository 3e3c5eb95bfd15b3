"""Several outcomes in the same Parquet files: each read by its own columns, the people of a block joined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..data.joined_panels import joined_panels
from ..data.panel import Panel
from .parquet_files import Block
from .parquet_source import ParquetSource


@dataclass(frozen=True)
class JoinedSource:
    """A :class:`.parquet_source.ParquetSource` of several outcomes, one for each, of the same blocks."""

    each: tuple[ParquetSource, ...]

    @property
    def blocks(self) -> tuple[Block, ...]:
        return self.each[0].blocks

    @property
    def given(self) -> dict[str, Any]:
        """How the first outcome is read, and with it what is known of people."""
        return self.each[0].given

    def of_blocks(self, blocks: tuple[Block, ...]) -> JoinedSource:
        """Of some of the blocks."""
        return JoinedSource(tuple(s.of_blocks(blocks) for s in self.each))

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(c for s in self.each for c in s.columns)

    def read(self, number: int) -> Panel:
        """The people of a block who have an observation of some outcome."""
        return joined_panels([s.read(number) for s in self.each], [True] * len(self.each), is_block=True)
