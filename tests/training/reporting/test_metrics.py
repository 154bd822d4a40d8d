"""What Stable-Baselines3 logs becomes a row of numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from stable_baselines3.common.logger import Logger

from mimicrl.training.reporting.json_lines import JsonLines, read_json_lines
from mimicrl.training.reporting.metrics import MetricsWriter


def test_the_logger_writes_numbers_and_leaves_the_rest(tmp_path: Path) -> None:
    lines = JsonLines(tmp_path / "metrics.jsonl")
    logger = Logger(None, [MetricsWriter(lines)])
    for key, value in {"int": 2, "float": 0.5, "numpy": np.float32(0.25), "array": np.zeros(2), "text": "x"}.items():
        logger.record(key, value)
    logger.dump(64)
    logger.close()
    assert not lines._file.closed, "the file belongs to its owner"
    lines.close()
    assert read_json_lines(lines.path) == [{"samples": 64, "int": 2.0, "float": 0.5, "numpy": 0.25}]
