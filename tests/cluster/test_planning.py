"""What the slurm profile asks of a cluster; a dry run needs neither Slurm nor the image."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter

import images
import pytest
import yaml
from cluster.loopback import PROFILE
from snakemake_calls import ROOT
from support import TINY

EXPERIMENTS, SEEDS = 12, 5
RUNS = EXPERIMENTS * SEEDS
# What docs/cluster.md has beside what was measured.
ASKED = {
    "doctor": (1000, 10, 1),
    "train": (1500, 240, 1),
    "evaluate": (1000, 30, 1),
    "replay": (1000, 30, 1),
    "aggregate": (1000, 10, 1),
    "report": (2000, 30, 1),
}


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The dry run of a large study on the slurm profile."""
    if shutil.which("apptainer") is None:
        images.unavailable("apptainer is not installed, see containers/README.md")
    folder = tmp_path_factory.mktemp("large")
    (folder / "image.sif").touch()
    experiments = {f"speed-{i}": TINY | {"motion": {"speed_mps": 0.85 + 0.09 * i}} for i in range(EXPERIMENTS)}
    study = {"study": "large", "seeds": list(range(SEEDS)), "image": "image.sif", "container": "required"}
    (folder / "study.yaml").write_text(yaml.safe_dump(study | {"experiments": experiments}))
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--dry-run", "--nocolor"]
    command += ["--configfile", "study.yaml", *PROFILE]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_large_study_is_planned_job_by_job(plan: str) -> None:
    jobs = Counter(re.findall(r"^(?:local)?rule (\w+):", plan, re.MULTILINE))
    once = ("image", "study", "doctor", "aggregate", "report", "default")
    assert jobs == Counter(dict.fromkeys(once, 1) | dict.fromkeys(("init", "train", "evaluate", "replay"), RUNS))


def test_each_job_asks_for_what_the_page_says(plan: str) -> None:
    found: dict[str, set[tuple[int, int, int]]] = {}
    for rule, block in re.findall(r"^rule (\w+):\n((?:    .*\n)+)", plan, re.MULTILINE):
        resources = dict(re.findall(r"(\w+)=(\d+)", re.findall(r"resources: (.*)", block)[0]))
        threads = re.findall(r"threads: (\d+)", block) or ["1"]
        found.setdefault(rule, set()).add((int(resources["mem_mb"]), int(resources["runtime"]), int(threads[0])))
    assert found == {rule: {asked} for rule, asked in ASKED.items()}


def test_the_page_says_what_is_asked() -> None:
    page = (ROOT / "docs" / "cluster.md").read_text()
    for rule, (memory, minutes, _) in ASKED.items():
        assert re.search(rf"^\| `{rule}` \|.*\| {memory:,} MB \|.*\| {minutes} min \|", page, re.MULTILINE), rule


def test_what_is_short_and_small_runs_where_snakemake_does(plan: str) -> None:
    assert set(re.findall(r"^localrule (\w+):", plan, re.MULTILINE)) == {"image", "study", "init", "default"}
