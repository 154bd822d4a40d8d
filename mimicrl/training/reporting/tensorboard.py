"""TensorBoard files that go on, after a resume, where the checkpoint was."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from stable_baselines3.common.logger import TensorBoardOutputFormat

from mimicrl import artifacts


class TensorBoardWriter(TensorBoardOutputFormat):
    """Stable-Baselines3's writer on files that are cut back to what a checkpoint knows.

    Args:
        folder: Folder of the files.
        lengths: Length of each file [byte] to cut back to, by name; files that are not named are removed.

    Raises:
        MachineError: The disk is full; also of every method.
    """

    def __init__(self, folder: Path, lengths: dict[str, int]) -> None:
        self._folder = folder
        with artifacts.machine_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for file in self._files():
                if file.name in lengths:
                    os.truncate(file, min(lengths[file.name], file.stat().st_size))
                else:
                    file.unlink()
            super().__init__(str(folder))

    def lengths(self) -> dict[str, int]:
        """Return the length of each file [byte], after writing all that is on its way."""
        with artifacts.machine_errors(self._folder):
            self.writer.flush()
            return {file.name: file.stat().st_size for file in self._files()}

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        """Write one row."""
        with artifacts.machine_errors(self._folder):
            super().write(key_values, key_excluded, step)

    def close(self) -> None:
        """Close the file."""
        with artifacts.machine_errors(self._folder):
            super().close()

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("events.*"))
