"""A long fit that goes on where it was cut off: what passes over the data found, in a file.

The search itself is deterministic and costs little: a fit that is begun again takes the same steps, and has each pass
over the data that was made before from the file, to the same bits.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ..errors import DataError
from ..record.document import decode, encode, save_text, text_of

FORMAT = "gbtm-checkpoint"
SECONDS = 5.0  # between two writings


class FitCheckpoint:
    """The memory of a :class:`~gbtm.likelihood.block_mixture.BlockMixture`, in a file.

    Parameters
    ----------
    path : of the file; begun where there is none
    of : tells the model and its data from all others

    Raises
    ------
    DataError
        ``other_checkpoint``, ``bad_checkpoint``, ``not_written``.
    """

    def __init__(self, path: str | Path, of: str) -> None:
        self.path, self.of = Path(path), hashlib.sha256(of.encode()).hexdigest()
        self.known: dict[str, list[np.ndarray]] = {}
        self.taken = 0  # how many passes the file spared
        if self.path.exists():
            self._read()
        self._write()

    def _read(self) -> None:
        try:
            stored = decode(json.loads(text_of(self.path)))
            if stored["format"] != FORMAT:
                raise ValueError(f"of format {stored['format']!r}")
            other, known = stored["of"] != self.of, {k: [np.asarray(a) for a in v] for k, v in stored["known"].items()}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(
                f"checkpoint: {str(self.path)!r} is no checkpoint ({error}).", code="bad_checkpoint",
                argument="checkpoint", way_out="Give the name of a new file.",
            ) from None
        if other:
            raise DataError(
                f"checkpoint: {str(self.path)!r} is of another model, other settings or other data.",
                code="other_checkpoint", argument="checkpoint",
                way_out="Give another name, or remove the file to begin anew.",
            )
        self.known = known

    def __call__(
        self, what: str, flat: torch.Tensor, compute: Callable[[], tuple[torch.Tensor, ...]]
    ) -> tuple[torch.Tensor, ...]:
        """What ``compute`` makes at ``flat``, from the file where it has it."""
        at = flat.detach().cpu().numpy()
        key = f"{what} {at.shape} {hashlib.sha256(np.ascontiguousarray(at).tobytes()).hexdigest()}"
        if key in self.known:
            self.taken += 1
            return tuple(torch.from_numpy(a.copy()) for a in self.known[key])
        found = compute()
        self.known[key] = [t.detach().cpu().numpy() for t in found]
        if time.monotonic() - self._written > SECONDS:
            self._write()
        return found

    def _write(self) -> None:
        save_text(json.dumps(encode({"format": FORMAT, "of": self.of, "known": self.known})), self.path)
        self._written = time.monotonic()

    def close(self) -> None:
        """Write what is not written yet."""
        self._write()
