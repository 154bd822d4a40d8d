"""The workflow: real Snakemake calls, few and small, that plan or run exactly what a change touches."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import TINY

from mimicrl import artifacts
from mimicrl.config.loading import deep_merge
from mimicrl.motions import gait
from mimicrl.runs import RunDirectory
from mimicrl.training.logs import read_json_lines

ROOT = Path(__file__).parents[2]
STUDY = {
    "study": "tiny",
    "seeds": [1],
    "experiments": {"generated": TINY, "recorded": TINY | {"motion": {"file": "walk.npz"}}},
}
WHOLE_RUN = {"init", "train", "evaluate"}


def start(folder: Path, *words: str, **options: Any) -> subprocess.Popen[str]:
    """Start Snakemake on the study of a folder, which takes the results."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    command += ["--cores", "1", "--nocolor", *words]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, cwd=folder, env=environment, **pipes | options)


def snakemake(folder: Path, *words: str) -> tuple[int, str]:
    """Run Snakemake on ``study.yaml`` of a folder; return exit code and output."""
    with start(folder, "--configfile", "study.yaml", *words) as process:
        output, _ = process.communicate()
    return process.returncode, output


def write(folder: Path, **changes: Any) -> None:
    (folder / "study.yaml").write_text(yaml.safe_dump(deep_merge(STUDY, changes)))


def planned(output: str) -> set[tuple[str, str]]:
    """The jobs of a dry run, as (rule, run); `study` and the targets belong to no run."""
    jobs = set()
    for block in re.split(r"\n(?=(?:local)?rule )", output)[1:]:
        rule = re.match(r"(?:local)?rule (\w+):", block)
        wildcards = re.search(r"wildcards: experiment=(\S+), seed=(\d+)", block)
        assert rule
        if wildcards:
            jobs.add((rule[1], f"{wildcards[1]}/seed_{wildcards[2]}"))
    return jobs


def whole(run: str) -> set[tuple[str, str]]:
    return {(rule, run) for rule in WHOLE_RUN}


@pytest.fixture(scope="module")
def finished(walker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study that was run to its end."""
    folder = tmp_path_factory.mktemp("finished")
    write(folder)
    gait.generate(walker, 1.2).save(folder / "walk.npz")
    code, output = snakemake(folder)
    assert code == 0, output
    return folder


@pytest.fixture
def study(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished study, in another folder."""
    shutil.copytree(finished, tmp_path / "study")
    return tmp_path / "study"


def test_a_study_leaves_the_declared_files(finished: Path) -> None:
    results = finished / "results" / "tiny"
    assert len(yaml.safe_load((results / "study.yaml").read_text())["expected_runs"]) == 2
    for name in ("generated", "recorded"):
        run = results / name / "seed_1"
        assert artifacts.read_json(run / "outcome.json")["status"] == "completed"
        assert {log.name for log in (run / "logs").iterdir()} == {"init.log", "train.log", "evaluate.log"}
        assert (run / "episodes.parquet").exists() and (run / "gait_cycle.parquet").exists()
        assert (run / "policies/final/policy.safetensors").exists()
        assert "completed after 128 samples" in (run / "logs/train.log").read_text()


def test_a_finished_study_has_nothing_to_do_also_when_it_was_moved(study: Path) -> None:
    code, output = snakemake(study)
    assert code == 0 and "Nothing to be done" in output


def test_a_new_seed_is_the_only_new_run(study: Path) -> None:
    write(study, seeds=[1, 2])
    code, output = snakemake(study, "--dry-run")
    assert code == 0
    assert planned(output) == whole("generated/seed_2") | whole("recorded/seed_2")


def test_a_changed_value_touches_the_runs_of_its_experiment(study: Path) -> None:
    write(study, experiments={"generated": {"training": {"gamma": 0.95}}})
    code, output = snakemake(study, "--dry-run")
    assert code == 0 and planned(output) == whole("generated/seed_1")


def test_an_edited_motion_retrains_exactly_its_experiment(study: Path, walker) -> None:
    gait.generate(walker, 1.3).save(study / "walk.npz")
    code, output = snakemake(study, "--dry-run")
    assert code == 0 and planned(output) == whole("recorded/seed_1")


def test_a_killed_training_continues_from_its_checkpoint(tmp_path: Path) -> None:
    experiment = deep_merge(TINY, {"training": {"total_timesteps": 4096}, "evaluation": {"interval": 10**6}})
    study = {"study": "tiny", "seeds": [1], "experiments": {"walk": experiment}}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    run = RunDirectory(tmp_path / "results" / "tiny" / "walk" / "seed_1")
    outcome = str(run.outcome_file.relative_to(tmp_path))
    with start(tmp_path, outcome, "--configfile", "study.yaml") as process:
        while process.poll() is None and not list(run.path.glob("training/*/checkpoints/step-*")):
            time.sleep(0.01)
        lock = (run.training_directory / "lock").read_text()
        trainer = re.search(r"process (\d+),", lock)
        assert trainer
        os.kill(int(trainer[1]), signal.SIGKILL)
        output, _ = process.communicate()
    assert process.returncode == 0, output
    assert "Error in rule train" in output and "Trying to restart job" in output
    attempts = read_json_lines(run.training_directory / "attempts.jsonl")
    assert [(row["why"], row["to"]) for row in attempts] == [("completed", 4096)]
    assert 0 < attempts[0]["from"] < 4096
    assert artifacts.read_json(run.progress_file)["state"] == "completed"


def test_the_bare_command_in_the_repository_plans_the_demo(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--directory", str(tmp_path), "--nocolor"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    output = done.stdout + done.stderr
    assert planned(output) == whole("walk/seed_1") | whole("walk/seed_2")
    total = re.search(r"^total\s+(\d+)$", output, re.MULTILINE)
    assert total and int(total[1]) == 8, "three jobs a run, the study, and the target"
    assert "results/demo/study.yaml" in output
    assert list(tmp_path.glob("results/*")) == []


WRONG = {
    "two values": (
        {"experiments": {"generated": {"training": {"gama": 0.9}}, "recorded": {"training": {"minibatch": 100}}}},
        ["2 errors in the configuration", "gama: unknown key — did you mean gamma?", "minibatch must divide"],
    ),
    "a missing file": (
        {"experiments": {"recorded": {"motion": {"file": "none.npz"}}}},
        ["a motion or walker file does not exist", "experiments.recorded: none.npz"],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_study_is_refused_before_any_job(tmp_path: Path, case: str) -> None:
    changes, told = WRONG[case]
    write(tmp_path, **changes)
    (tmp_path / "walk.npz").write_bytes(b"")
    code, output = snakemake(tmp_path)
    assert code == 1 and "Traceback" not in output
    for text in told:
        assert text in output
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("words", [["--configfile", "study.yaml", "other.yaml"], ["--config", "study=mine"]])
def test_a_study_of_several_files_is_refused(tmp_path: Path, words: list[str]) -> None:
    write(tmp_path)
    (tmp_path / "walk.npz").write_bytes(b"")
    (tmp_path / "other.yaml").write_text("seeds: [3]\n")
    with start(tmp_path, *words) as process:
        output, _ = process.communicate()
    assert process.returncode == 1 and "Traceback" not in output
    assert "A study is exactly one YAML file: give one --configfile and no --config" in output
    assert not (tmp_path / "results").exists()


def test_rules_are_shell_commands_only() -> None:
    files = [ROOT / "Snakefile", ROOT / "workflow" / "Snakefile", *(ROOT / "workflow" / "rules").glob("*.smk")]
    text = {file.name: file.read_text() for file in files}
    found = [name for name, content in text.items() if re.search(r"^\s+(run|script|notebook|wrapper):", content, re.M)]
    assert found == [], "these would run outside the container"
    rules = re.findall(r"^rule (\w+):\n((?:    .*\n|\n)+)", "\n".join(text.values()), re.M)
    stages = {name: body for name, body in rules if name not in ("all", "default")}
    assert set(stages) >= {"study", *WHOLE_RUN}
    for name, body in stages.items():
        assert '"mimicrl ' in body and "log:" in body, name
