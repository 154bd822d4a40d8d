"""What Snakemake plans: exactly what a change touches."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml
from snakemake_calls import (
    REPORT,
    ROOT,
    STUDY_CHANGED,
    TABLES_AND_REPORT,
    WHOLE_RUN,
    plan,
    planned,
    snakemake,
    whole,
    write,
)
from support import read_video

from mimicrl import artifacts
from mimicrl.motions import gait
from mimicrl.walkers import Walker


def test_a_study_leaves_the_declared_files(finished: Path) -> None:
    results = finished / "results" / "tiny"
    assert len(yaml.safe_load((results / "study.yaml").read_text())["expected_runs"]) == 2
    for name in ("generated", "recorded"):
        run = results / name / "seed_1"
        assert artifacts.read_json(run / "outcome.json")["status"] == "completed"
        assert {log.stem for log in (run / "logs").iterdir()} == WHOLE_RUN
        assert {record.stem for record in (run / "provenance").iterdir()} == WHOLE_RUN
        for name in ("episodes.parquet", "gait_cycle.parquet", "policies/final/policy.safetensors"):
            assert (run / name).exists()
        assert len(read_video(run / "videos" / "final.mp4")[1]) > 1
        assert "128 samples in " in (run / "logs/train.log").read_text()
    runs = pd.read_parquet(results / "tables" / "runs.parquet")
    assert list(zip(runs["experiment"], runs["status"], strict=True)) == [
        ("generated", "completed"),
        ("recorded", "completed"),
    ]
    assert (results / "report.html").read_text().count("<video") == 2


def test_the_end_tells_the_headline_and_where_everything_is(finished: Path) -> None:
    lines = (finished / "output.txt").read_text().splitlines()
    told = lines[lines.index("report   results/tiny/report.html") - 2 :]
    assert re.match("generated: 1 of 1 seeds; [0-4] of 4 episodes stable; ", told[0])
    assert told[1].startswith("recorded: 1 of 1 seeds; ")
    assert told[3:5] == ["tables   results/tiny/tables/", "videos   results/tiny/*/seed_*/videos/"]


def test_the_workflows_own_report_needs_no_network(study: Path) -> None:
    code, output = snakemake(study, "--report", "snakemake.html")
    assert code == 0, output
    page = (study / "snakemake.html").read_text()
    assert "report.html" in page
    assert "final.mp4" in page
    assert re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=[\"']https?://", page) == []


def planned_in_the_repository(folder: Path, *words: str) -> str:
    """Return what Snakemake says it would do, called in the repository with the results in another folder."""
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--directory", str(folder), "--nocolor", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def test_the_paper_can_be_planned(tmp_path: Path) -> None:
    jobs = planned(planned_in_the_repository(tmp_path, "--configfile", "configs/paper.yaml"))
    assert sum(rule == "train" for rule, _ in jobs) == 20


def test_a_training_gets_the_cores_its_experiment_asks_for_as_far_as_there_are_any(tmp_path: Path) -> None:
    write(tmp_path, experiments={"generated": {"training": {"cores": 3}}})
    (tmp_path / "walk.npz").touch()
    code, output = snakemake(tmp_path, "--dry-run", "--printshellcmds", "--cores", "2")
    assert code == 0, output
    given = re.findall(r"mimicrl train results/tiny/(\w+)/seed_1 .*--cores (\d)", output)
    assert sorted(given) == [("generated", "2"), ("recorded", "1")]


TOUCHED: dict[str, tuple[Callable[[Path, Walker], object], set[tuple[str, str]]]] = {
    "nothing, but the study was moved": (lambda study, walker: None, set()),
    "a video is deleted": (
        lambda study, walker: (study / "results/tiny/generated/seed_1/videos/final.mp4").unlink(),
        {("replay", "generated/seed_1")} | REPORT,
    ),
    "no videos are wanted": (lambda study, walker: write(study, video=False), STUDY_CHANGED | {("doctor", "")}),
    "a seed is added": (
        lambda study, walker: write(study, seeds=[1, 2]),
        whole("generated/seed_2") | whole("recorded/seed_2") | STUDY_CHANGED,
    ),
    "a value is changed": (
        lambda study, walker: write(study, experiments={"generated": {"training": {"gamma": 0.95}}}),
        whole("generated/seed_1") | STUDY_CHANGED,
    ),
    "a motion is edited": (
        lambda study, walker: gait.generate(walker, 1.3).save(study / "walk.npz"),
        whole("recorded/seed_1") | TABLES_AND_REPORT,
    ),
}


@pytest.mark.parametrize("change", TOUCHED)
def test_a_change_touches_what_follows_from_it_and_nothing_else(study: Path, walker: Walker, change: str) -> None:
    make, expected = TOUCHED[change]
    make(study, walker)
    assert plan(study) == expected


def test_the_bare_command_in_the_repository_plans_the_demo(tmp_path: Path) -> None:
    output = planned_in_the_repository(tmp_path)
    assert planned(output) == whole("walk/seed_1") | whole("walk/seed_2") | STUDY_CHANGED | {
        ("doctor", ""),
        ("image", ""),
    }
    total = re.search(r"^total\s+(\d+)$", output, re.MULTILINE)
    assert total
    assert int(total[1]) == 14, "four jobs a run, five of the study, and the target"
    assert "results/demo/study.yaml" in output
    assert list(tmp_path.glob("results/*")) == []


def test_rules_are_shell_commands_only() -> None:
    files = [ROOT / "Snakefile", ROOT / "workflow" / "Snakefile", *(ROOT / "workflow" / "rules").glob("*.smk")]
    text = {file.name: file.read_text() for file in files}
    found = [name for name, content in text.items() if re.search(r"^\s+(run|script|notebook|wrapper):", content, re.M)]
    assert found == [], "these would run outside the container"
    rules = re.findall(r"^rule (\w+):\n((?:    .*\n|\n)+)", "\n".join(text.values()), re.M)
    stages = {name: body for name, body in rules if name not in ("all", "default")}
    assert set(stages) >= {"study", *WHOLE_RUN}
    for name, body in stages.items():
        assert re.search(r'^        "(?:trap \'\' TERM; )?mimicrl ', body, re.M), name
        assert "log:" in body, name
