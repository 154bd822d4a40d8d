"""Rows that wait for a result come out in order, and nowhere else changed."""

from __future__ import annotations

from typing import Any

import pytest
from stable_baselines3.common.logger import KVWriter, Logger

from mimicrl.training.rows import OrderedLogger


class _Writer(KVWriter):
    """Keeps what it is given, as a writer would that looks at what is excluded."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, dict[str, Any], dict[str, Any]]] = []

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        assert key_values.keys() == key_excluded.keys()  # Stable-Baselines3's writers go through both side by side
        self.rows.append((step, dict(key_values), dict(key_excluded)))


@pytest.fixture
def writer() -> _Writer:
    return _Writer()


@pytest.fixture
def logger(writer: _Writer) -> OrderedLogger:
    return OrderedLogger([writer])


def log(logger: Logger, *steps: int) -> None:
    for step in steps:
        logger.record("loss", step / 2)
        logger.record("updates", step, exclude="tensorboard")
        logger.record_mean("length", float(step))
        logger.dump(step)


def test_without_a_hold_it_is_stable_baselines3s(logger: OrderedLogger, writer: _Writer) -> None:
    theirs = _Writer()
    log(logger, 1, 2)
    log(Logger(None, [theirs]), 1, 2)  # type: ignore[arg-type]
    assert writer.rows == theirs.rows and len(writer.rows) == 2


def test_rows_wait_for_the_result_of_the_first(logger: OrderedLogger, writer: _Writer) -> None:
    log(logger, 1)
    logger.hold()
    log(logger, 2, 3)
    assert [step for step, *_ in writer.rows] == [1]
    logger.release({"eval/stable": 4.0})
    log(logger, 4)
    assert [step for step, *_ in writer.rows] == [1, 2, 3, 4]
    assert ["eval/stable" in row for _, row, _ in writer.rows] == [False, True, False, False]
    assert writer.rows[1][1] == {"loss": 1.0, "updates": 2, "length": 2.0, "eval/stable": 4.0}
    assert writer.rows[1][2]["updates"] == ("tensorboard",)


def test_a_result_without_a_row_goes_into_the_next(logger: OrderedLogger, writer: _Writer) -> None:
    logger.hold()
    logger.release({"eval/stable": 4.0})
    log(logger, 1, 2)
    assert ["eval/stable" in row for _, row, _ in writer.rows] == [True, False]


def test_what_is_recorded_meanwhile_stays_for_its_own_row(logger: OrderedLogger, writer: _Writer) -> None:
    logger.hold()
    log(logger, 1)
    logger.record("loss", 7.0)
    logger.release({})
    logger.dump(2)
    assert [(step, row["loss"]) for step, row, _ in writer.rows] == [(1, 0.5), (2, 7.0)]
