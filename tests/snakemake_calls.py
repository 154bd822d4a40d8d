"""Real Snakemake calls on tiny studies."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from support import TINY

from mimicrl.config.loading import deep_merge

ROOT = Path(__file__).parents[1]
STUDY = {
    "study": "tiny",
    "seeds": [1],
    "experiments": {"generated": TINY, "recorded": TINY | {"motion": {"file": "walk.npz"}}},
}
WHOLE_RUN = {"init", "train", "evaluate", "replay"}
REPORT = {("report", "")}
TABLES_AND_REPORT = {("aggregate", "")} | REPORT
STUDY_CHANGED = {("study", "")} | TABLES_AND_REPORT


def start(folder: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    """Start Snakemake on the study of a folder, which takes the results."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    command += ["--cores", "1", "--nocolor", *words]
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | environment
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def snakemake(folder: Path, *words: str, **environment: str) -> tuple[int, str]:
    """Run Snakemake on ``study.yaml`` of a folder; return exit code and output."""
    with start(folder, "--configfile", "study.yaml", *words, **environment) as process:
        output, _ = process.communicate()
    return process.returncode, output


def plan(folder: Path, *words: str) -> set[tuple[str, str]]:
    """Return the jobs that Snakemake would run, as `planned` does."""
    code, output = snakemake(folder, "--dry-run", *words)
    assert code == 0, output
    return planned(output)


def refused(folder: Path, *words: str) -> str:
    """Check that Snakemake refuses a study before any job and without a traceback; return what it says."""
    with start(folder, *words) as process:
        output, _ = process.communicate()
    assert process.returncode == 1
    assert "Traceback" not in output
    assert not (folder / "results").exists()
    return output


def write(folder: Path, **changes: Any) -> None:
    (folder / "study.yaml").write_text(yaml.safe_dump(deep_merge(STUDY, changes)))


def planned(output: str) -> set[tuple[str, str]]:
    """The jobs of a dry run, as (rule, run); the study's own belong to the run ""."""
    jobs = set()
    for block in re.split(r"\n\s*(?=(?:local)?rule \w+:)", output)[1:]:
        rule = re.match(r"(?:local)?rule (\w+):", block)
        wildcards = re.search(r"wildcards: experiment=(\S+), seed=(\d+)", block)
        assert rule
        if rule[1] not in ("all", "default"):
            jobs.add((rule[1], f"{wildcards[1]}/seed_{wildcards[2]}" if wildcards else ""))
    return jobs


def whole(run: str) -> set[tuple[str, str]]:
    return {(rule, run) for rule in WHOLE_RUN}
