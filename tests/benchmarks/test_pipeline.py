from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import pipeline

DRY_RUN = """
rule init:
    input: a file
Shell command: mimicrl init study.yaml --out results/a 2>&1 | tee -i results/a/logs/init.log
Group job study (jobs in lexicogr. order):
    rule report:
        input: a file
    Shell command: mimicrl report results 2>&1 | tee -i results/logs/report.log
rule default:
Shell command: None
Job stats:
"""


def test_a_dry_run_names_the_commands_of_its_jobs_in_order() -> None:
    assert pipeline.shell_commands(DRY_RUN) == [
        "mimicrl init study.yaml --out results/a 2>&1 | tee -i results/a/logs/init.log",
        "mimicrl report results 2>&1 | tee -i results/logs/report.log",
    ]


def test_commands_run_by_hand_as_jobs_would(tmp_path: Path) -> None:
    pipeline.by_hand(["echo $OMP_NUM_THREADS 2>&1 | tee -i logs/a.log", "which mimicrl | tee -i logs/b.log"], tmp_path)
    assert (tmp_path / "logs" / "a.log").read_text() == "1\n"
    assert (tmp_path / "logs" / "b.log").read_text().endswith("bin/mimicrl\n")
    with pytest.raises(SystemExit, match="no_such_verb"):
        pipeline.by_hand(["no_such_verb 2>&1 | tee -i logs/c.log"], tmp_path)


def test_the_peak_of_memory_is_read_from_the_status_of_a_process() -> None:
    assert pipeline.peak_mb("VmPeak:\t  999 kB\nVmHWM:\t  1000 kB\nVmRSS:\t  10 kB\n") == 1.024
    assert pipeline.peak_mb(Path("/proc/self/status").read_text()) > 10.0
    with pytest.raises(ValueError, match="no VmHWM"):
        pipeline.peak_mb("Name:\tpython\n")


def test_the_short_version_tells_of_starts_memory_and_snakemake(quick) -> None:
    told = quick("pipeline")
    starts, memory, study = told.tables
    assert [row["start"] for row in starts["rows"]] == [
        "Python alone",
        "import mimicrl",
        "mimicrl --help",
        "mimicrl train, to its first step",
    ]
    assert all(row["wall s"]["low"] > 0 for row in starts["rows"])
    row = memory["rows"][0]
    assert row["evaluations"] == 2 and row["peak MB"] > 10
    ways = {row["way"]: row["wall s"]["median"] for row in study["rows"]}
    jobs = int(study["title"].removeprefix("A study of ").removesuffix(" jobs, one core"))
    assert jobs >= pipeline.QUICK.seeds
    assert ways["added to a job"] == pytest.approx((ways["Snakemake"] - ways["by hand"]) / jobs)
    assert np.isfinite(told.figures()).all() and min(ways["Snakemake"], ways["by hand"], ways["dry run"]) > 0
