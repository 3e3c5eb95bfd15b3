"""A training that goes on where it was cut off: its state after each epoch, in a file of tensors and numbers alone."""

from __future__ import annotations

import os
import pickle
import uuid
from pathlib import Path
from typing import Any

import torch

from ..errors import DataError

FORMAT = "gbtm-training-1"


class TrainingCheckpoint:
    """The file of a training.

    Parameters
    ----------
    path : of the file; begun where there is none
    of : tells the model, its data and the settings from all others
    """

    def __init__(self, path: str | Path, of: str) -> None:
        self.path, self.of = Path(path), of

    def read(self) -> dict[str, Any] | None:
        """The state that was written last, or None where there is no file. Nothing in the file is executed.

        Raises
        ------
        DataError
            ``bad_checkpoint``, ``other_checkpoint``.
        """
        if not self.path.exists():
            return None
        try:
            state = torch.load(self.path, weights_only=True)
            is_ours = state["format"] == FORMAT
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, KeyError, TypeError, ValueError):
            is_ours = False
        if not is_ours:
            raise DataError(
                f"checkpoint: {str(self.path)!r} is no checkpoint of a training.", code="bad_checkpoint",
                argument="checkpoint", way_out="Give the name of a new file.",
            )
        if state["of"] != self.of:
            raise DataError(
                f"checkpoint: {str(self.path)!r} is of another model, other data or other settings.",
                code="other_checkpoint", argument="checkpoint",
                way_out="Give another name, or remove the file to begin anew.",
            )
        return dict(state)

    def write(self, state: dict[str, Any]) -> None:
        """Replace the file by this state; it is whole or as it was before.

        Raises
        ------
        DataError
            ``not_written``.
        """
        beside = self.path.with_name(f"{self.path.name}.{uuid.uuid4().hex}.tmp")
        try:
            torch.save({"format": FORMAT, "of": self.of, **state}, beside)
            os.replace(beside, self.path)
        except (OSError, RuntimeError) as error:
            beside.unlink(missing_ok=True)
            raise DataError(
                f"checkpoint: {str(self.path)!r} cannot be written ({error}).", code="not_written",
                argument="checkpoint", way_out="Check the folder and the space on the disk.",
            ) from error
