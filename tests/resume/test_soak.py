"""The short version of `make soak`: real processes, killed at random, end with the same bits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from snakemake_calls import ROOT

KILLS = 3


@pytest.mark.fault(1, 42, 54)
def test_random_kills_leave_the_bits_as_they_are(tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    command = [sys.executable, "-m", "benchmarks.soak", "--quick", "--kills", str(KILLS), "--minutes", "0"]
    done = subprocess.run([*command, "--json", str(result)], cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(result.read_text())["tables"][0]["rows"]
    assert [row["vector environment"] for row in rows] == ["batched", "subproc"]
    for row in rows:
        assert row["same bits"] == "yes"
        assert row["kills"] == KILLS
        assert row["orphaned workers"] == 0
        # No more than what lies between two checkpoints, and the rollout whose checkpoint was being written.
        _, most = map(float, row["repeated samples per kill, mean and maximum"].split(", "))
        assert most <= 128 + 64
