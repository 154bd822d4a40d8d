"""What Stable-Baselines3 logs, as rows of numbers."""

from __future__ import annotations

from typing import Any

from stable_baselines3.common.logger import KVWriter

from mimicrl.training.reporting.json_lines import JsonLines


def row_of(key_values: dict[str, Any], step: int) -> dict[str, float]:
    """Return the numbers of what Stable-Baselines3 logs, with the samples they were logged at."""
    numbers = {
        key: float(value)
        for key, value in key_values.items()
        if isinstance(value, int | float) or (hasattr(value, "dtype") and value.ndim == 0)
    }
    return {"samples": step, **numbers}


class MetricsWriter(KVWriter):
    """Writes what Stable-Baselines3 logs as JSON lines."""

    def __init__(self, lines: JsonLines) -> None:
        self._lines = lines

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        """Write one row."""
        self._lines.append(row_of(key_values, step))

    def close(self) -> None:
        """Leave the file to its owner."""
