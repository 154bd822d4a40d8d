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


def test_the_paper_can_be_planned(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "snakemake", "-n", "--directory", str(tmp_path), "--nocolor"]
    command += ["--configfile", "configs/paper.yaml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    jobs = planned(done.stdout + done.stderr)
    assert sum(rule == "train" for rule, _ in jobs) == 20


def test_a_training_gets_the_cores_its_experiment_asks_for_as_far_as_there_are_any(tmp_path: Path) -> None:
    write(tmp_path, experiments={"generated": {"training": {"cores": 3}}})
    (tmp_path / "walk.npz").touch()
    code, output = snakemake(tmp_path, "--dry-run", "--printshellcmds", "--cores", "2")
    assert code == 0, output
    given = re.findall(r"mimicrl train results/tiny/(\w+)/seed_1 .*--cores (\d)", output)
    assert sorted(given) == [("generated", "2"), ("recorded", "1")]


def test_a_finished_study_has_nothing_to_do_also_when_it_was_moved(study: Path) -> None:
    assert plan(study) == set()


def delete_a_video(study: Path, _: Walker) -> None:
    (study / "results/tiny/generated/seed_1/videos/final.mp4").unlink()


def want_no_videos(study: Path, _: Walker) -> None:
    write(study, video=False)


def add_a_seed(study: Path, _: Walker) -> None:
    write(study, seeds=[1, 2])


def change_a_value(study: Path, _: Walker) -> None:
    write(study, experiments={"generated": {"training": {"gamma": 0.95}}})


def edit_a_motion(study: Path, walker: Walker) -> None:
    gait.generate(walker, 1.3).save(study / "walk.npz")


TOUCHED: dict[Callable[[Path, Walker], None], set[tuple[str, str]]] = {
    delete_a_video: {("replay", "generated/seed_1")} | REPORT,
    want_no_videos: STUDY_CHANGED | {("doctor", "")},
    add_a_seed: whole("generated/seed_2") | whole("recorded/seed_2") | STUDY_CHANGED,
    change_a_value: whole("generated/seed_1") | STUDY_CHANGED,
    edit_a_motion: whole("recorded/seed_1") | TABLES_AND_REPORT,
}


@pytest.mark.parametrize("change", TOUCHED, ids=lambda change: change.__name__)
def test_a_change_touches_what_follows_from_it_and_nothing_else(
    study: Path, walker: Walker, change: Callable[[Path, Walker], None]
) -> None:
    change(study, walker)
    assert plan(study) == TOUCHED[change]


def test_the_bare_command_in_the_repository_plans_the_demo(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--directory", str(tmp_path), "--nocolor"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    output = done.stdout + done.stderr
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
