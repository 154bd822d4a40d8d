"""The short version of `make soak`: real processes, killed at random, end with the same bits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from snakemake_calls import ROOT

KILLS = 5


@pytest.mark.fault(1, 42, 54)
def test_random_kills_leave_the_bits_as_they_are(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks.soak", "--quick", "--kills", str(KILLS), "--minutes", "0"]
    done = subprocess.run([*command, "--json", str(figures)], cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    soaks = json.loads(figures.read_text())["soaks"]
    assert [told["vec_env"] for told in soaks] == ["batched", "subproc"]
    for told in soaks:
        assert told["same"] and told["kills"] == KILLS and told["orphans"] == 0
        # No more than what lies between two checkpoints, and the rollout whose checkpoint was being written.
        assert max(told["repeated"], default=0) <= 128 + 64
