"""Finished fits in a folder, one file each, so that a search that was killed goes on where it was.

A file's name is a hash of all that its fit depends on: data, model, seed, settings and the estimates it started from.
A file is written beside its place and moved there, so that it is whole or absent. Plain JSON; nothing is executed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .._version import __version__
from ..data.panel import Panel
from ..errors import SpecificationError
from ..record.document import write_whole

HEADER = "search.json"
FORMAT = "gbtm-search-checkpoint"
FORMAT_VERSION = 1


def digest(*values: Any) -> str:
    """SHA-256 of plain values, arrays and dataclasses, by their content."""
    sha = hashlib.sha256()
    _feed(sha, values)
    return sha.hexdigest()


def _feed(sha: Any, value: Any) -> None:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, np.ndarray):
        sha.update(f"array {value.dtype.str} {value.shape}".encode())
        sha.update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, dict):
        sha.update(f"dict {len(value)}".encode())
        for key, item in value.items():
            _feed(sha, (str(key), item))
    elif isinstance(value, (list, tuple)):
        sha.update(f"list {len(value)}".encode())
        for item in value:
            _feed(sha, item)
    else:
        text = repr(value.item() if isinstance(value, np.generic) else value).encode()
        sha.update(f"{type(value).__name__} {len(text)} ".encode() + text)


def data_digest(panel: Panel) -> str:
    """Of what a fit sees of the data: outcomes, what is known of subjects, who they are."""
    ids = pd.Index(panel.ids).map(str).tolist()
    outcomes = [dataclasses.replace(m, row=np.zeros(0)) for m in panel.outcomes]  # where a row stood says nothing
    apart = panel.unobserved
    further = () if apart is None else (apart.known, pd.Index(apart.ids).map(str).tolist())
    return digest(outcomes, panel.known, panel.history, ids, *further)


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A folder of finished fits."""

    folder: str

    @classmethod
    def open(cls, folder: str | Path, about: dict[str, Any]) -> Checkpoint:
        """The folder for a search; made where there is none, refused where it is another search's.

        Parameters
        ----------
        about : what fits depend on, by name: plain values

        Raises
        ------
        SpecificationError
            Naming what differs.
        """
        place = Path(folder)
        header = {"format": FORMAT, "format_version": FORMAT_VERSION, "engine": __version__, **about}
        header = json.loads(json.dumps(header))
        try:
            place.mkdir(parents=True, exist_ok=True)
            if (place / HEADER).exists():
                _compare(place, header)
            else:
                write_whole(json.dumps(header, indent=1), place / HEADER)
        except OSError as error:
            raise SpecificationError(
                f"checkpoint: {str(place)!r} cannot be used as a folder ({error.strerror}).", code="bad_checkpoint",
                argument="checkpoint", way_out="Give a folder that can be written to.",
            ) from None
        return cls(str(place))

    def read(self, key: str) -> str | None:
        """The text kept under a key; None where there is none, or none that is whole."""
        try:
            text = (Path(self.folder) / f"{key}.json").read_text(encoding="utf-8")
            json.loads(text)
        except (OSError, ValueError):
            return None
        return text

    def write(self, key: str, text: str) -> None:
        """Keep a text under a key."""
        write_whole(text, Path(self.folder) / f"{key}.json")


def _compare(place: Path, header: dict[str, Any]) -> None:
    try:
        stored = json.loads((place / HEADER).read_text(encoding="utf-8"))
        if not isinstance(stored, dict):
            raise ValueError
    except ValueError:
        stored = {}
    different = [name for name, value in header.items() if stored.get(name) != value]
    if different:
        raise SpecificationError(
            f"checkpoint: {str(place)!r} holds fits of another search ({', '.join(different)} differ).",
            code="other_checkpoint", argument="checkpoint",
            way_out="Give another folder, or delete this one to begin anew.",
        )
