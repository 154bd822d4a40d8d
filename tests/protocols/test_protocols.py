"""Protocols: distinct, evenly spread starts, and a file in their folder is all that a new one takes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimicrl import protocols
from mimicrl.protocols import Standard
from mimicrl.runs import Run
from mimicrl.runs.summary import EvaluationSummary

FILE = '''
from mimicrl.protocols.standard import Standard

class ForATest(Standard):
    """Ten starts of a tenth of a second, in the second half of the cycle."""

    episodes: int = 10
    seconds: float = 0.1

    def start_phases(self, *, shifted=False):
        return 0.5 + super().start_phases(shifted=shifted) / 2
'''


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder of protocols with one file more."""
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "for_a_test.py").write_text(FILE)
    monkeypatch.setattr(protocols, "__path__", [*protocols.__path__, str(tmp_path / "more")])
    protocols.found.cache_clear()
    yield
    protocols.found.cache_clear()


@given(episodes=st.integers(2, 300))
def test_standard_starts_are_distinct_and_evenly_spread_and_shifted_ones_halfway_between(episodes: int) -> None:
    protocol = Standard(episodes=episodes)
    phases, shifted = protocol.start_phases(), protocol.start_phases(shifted=True)
    assert phases[0] == 0
    assert phases[-1] < 1
    np.testing.assert_allclose(np.diff(phases), 1 / episodes)
    np.testing.assert_allclose(shifted, (phases + np.append(phases[1:], 1.0)) / 2)
    assert not set(phases) & set(shifted)


@pytest.mark.usefixtures("added")
def test_a_policy_is_evaluated_by_a_protocol_that_one_file_adds(mimicrl: Any, trained_run: Run, tmp_path: Path) -> None:
    run = Run(shutil.copytree(trained_run.path, tmp_path / "run"))
    done = mimicrl("evaluate", run.path, "--protocol", "for_a_test", "--threads", 1)
    assert done.code == 0
    assert " of 10 episodes stable" in done.out
    table = pd.read_parquet(run.path / "evaluations" / "for_a_test-final" / "episodes.parquet")
    np.testing.assert_allclose(table["start_phase"], 0.5 + np.arange(10) / 20)
    np.testing.assert_array_less(table["duration_s"], 0.1 + 1e-9)
    summary = EvaluationSummary.read(run.summary_file("final", "for_a_test"))
    assert summary.protocol == "for_a_test"
    assert run.provenance_file("evaluate-for_a_test-final").is_file()
    assert not run.episodes_file("final").exists()


@pytest.mark.usefixtures("added")
def test_an_unknown_protocol_is_refused_with_the_known_ones(mimicrl: Any, trained_run: Run) -> None:
    done = mimicrl("evaluate", trained_run.path, "--protocol", "for_a_tset")
    assert done.code == 2
    known = ", ".join(protocols.found())
    expected = f"no such protocol — --protocol — got for_a_tset, expected {known} — did you mean for_a_test?"
    assert expected in done.err
    assert {"for_a_test", "standard"} <= protocols.found().keys()
