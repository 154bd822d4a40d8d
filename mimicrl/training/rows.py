"""Rows of metrics that wait for an evaluation under way, so that every file has them in the order of their samples."""

from __future__ import annotations

from typing import Any

from stable_baselines3.common.logger import KVWriter, Logger


class OrderedLogger(Logger):
    """Stable-Baselines3's logger, which can keep rows until a result that belongs to the first of them is known.

    Args:
        writers: Take the rows.
    """

    def __init__(self, writers: list[KVWriter]) -> None:
        super().__init__(None, writers)  # type: ignore[arg-type]  # a list of any writers
        self._holds = False
        self._held: list[tuple[dict[str, Any], dict[str, Any], int]] = []

    def hold(self) -> None:
        """Keep the next row, and all after it, until `release`."""
        self._holds = True

    def release(self, values: dict[str, float]) -> None:
        """Write the rows that were kept.

        Args:
            values: Belong to the first of them, or where there is none to the next.
        """
        self._holds, held = False, self._held
        self._held = []
        for number, (row, excluded, step) in enumerate(held):
            self._write(row | values if number == 0 else row, excluded, step)
        if not held:
            for name, value in values.items():
                self.record(name, value)

    def dump(self, step: int = 0) -> None:
        """Write the row of now, or keep it."""
        row, excluded = dict(self.name_to_value), dict(self.name_to_excluded)
        for of_now in (self.name_to_value, self.name_to_count, self.name_to_excluded):
            of_now.clear()
        if self._holds:
            self._held.append((row, excluded, step))
        else:
            self._write(row, excluded, step)

    def _write(self, row: dict[str, Any], excluded: dict[str, Any], step: int) -> None:
        for writer in self.output_formats:
            writer.write(row, excluded | {name: ("",) for name in row if name not in excluded}, step)
