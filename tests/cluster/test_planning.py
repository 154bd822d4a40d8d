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
    table = re.findall(r"^job +count\n[- ]+\n((?:\w+ +\d+\n)+)", plan, re.MULTILINE)[-1]
    once = ("image", "study", "doctor", "aggregate", "report", "default")
    each = ("init", "train", "evaluate", "replay")
    expected = dict.fromkeys(once, 1) | dict.fromkeys(each, RUNS) | {"total": len(once) + len(each) * RUNS}
    assert {name: int(count) for name, count in re.findall(r"(\w+) +(\d+)", table)} == expected


def test_each_job_asks_for_what_the_page_says(plan: str) -> None:
    found: dict[str, Counter[tuple[int, int, int]]] = {}
    for block in re.split(r"\n *rule (?=\w+:\n)", plan)[1:]:
        resources = dict(re.findall(r"(\w+)=(\d+)", re.findall(r"resources: (.*)", block)[0]))
        threads = re.findall(r"threads: (\d+)", block) or ["1"]
        asked = (int(resources["mem_mb"]), int(resources["runtime"]), int(threads[0]))
        found.setdefault(block.split(":")[0], Counter())[asked] += 1
    jobs = {rule: RUNS if rule in ("train", "evaluate", "replay") else 1 for rule in ASKED}
    assert {rule: found[rule] for rule in ASKED} == {rule: {asked: jobs[rule]} for rule, asked in ASKED.items()}


def test_the_page_says_what_is_asked() -> None:
    page = (ROOT / "docs" / "cluster.md").read_text()
    for rule, (memory, minutes, _) in ASKED.items():
        assert re.search(rf"^\| `{rule}` \|.*\| {memory:,} MB \|.*\| {minutes} min \|", page, re.MULTILINE), rule
