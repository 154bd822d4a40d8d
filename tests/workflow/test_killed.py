"""Real Snakemake, killed in four ways while it trains: `make resume` goes on, with one trainer, to the same bits."""

from __future__ import annotations

import itertools
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import yaml
from resume.trainers import attempts, weights
from snakemake_calls import ROOT, plan
from stage_calls import train
from support import TINY

from mimicrl import faultpoints
from mimicrl.config.loading import deep_merge
from mimicrl.errors import RunLocked
from mimicrl.runs import Run, lock
from mimicrl.training.reporting.json_lines import read_json_lines

RUN = Path("results/tiny/walk/seed_1")
OUTCOME = str(RUN / "outcome.json")
PROFILE = ["--workflow-profile", str(ROOT / "workflow" / "profiles" / "default")]
# A rollout is of 128 samples, and so is the interval of checkpoints: the trainer is held before its second one.
FOR_EVER_S = 300.0
STALL = "train.rollout:stall:3"
SAVED, HELD_AT, BUDGET = 128, 256, 512


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of one run of which only the training is left to do."""
    folder = tmp_path_factory.mktemp("prepared")
    experiment = deep_merge(TINY, {"training": {"total_timesteps": BUDGET}, "evaluation": {"eval_freq": 256}})
    content = {"study": "tiny", "seeds": [1], "video": False, "experiments": {"walk": experiment}}
    (folder / "study.yaml").write_text(yaml.safe_dump(content))
    words = [str(RUN / "config.yaml"), "results/tiny/doctor.json"]
    code, output = run_snakemake(folder, [*words, "--cores", "1", "--configfile", str(folder / "study.yaml")])
    assert code == 0, output
    return folder


@pytest.fixture(scope="module")
def undisturbed(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The weights that the run ends with when nothing happens to it."""
    run = Run(tmp_path_factory.mktemp("undisturbed") / "run")
    shutil.copytree(prepared / RUN, run.path)
    train(run, cores=1)
    return weights(run)


def command(folder: Path, words: list[str]) -> list[str]:
    words = [*words, "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    return [sys.executable, "-m", "snakemake", *words]


def run_snakemake(folder: Path, words: list[str]) -> tuple[int, str]:
    done = subprocess.run(command(folder, words), cwd=ROOT, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def make_resume(folder: Path) -> tuple[int, str]:
    """Do what `make resume` does, for the study of another folder; only the training is asked for."""
    recipe = subprocess.run(
        ["make", "--dry-run", "resume", f"STUDY={folder / 'study.yaml'}"], cwd=ROOT, capture_output=True, text=True
    )
    lines = [shlex.split(line) for line in recipe.stdout.splitlines() if line.startswith("snakemake ")]
    assert len(lines) == 2, recipe.stdout + recipe.stderr
    code, output = 0, ""
    for words in lines:
        if code == 0:
            code, more = run_snakemake(folder, [OUTCOME, *words[1:]])
            output += more
    return code, output


class Killed:
    """Snakemake in a session of its own, with a trainer that is held in the middle."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.run, self.go = folder, Run(folder / RUN), folder / "go"
        environment = os.environ | {faultpoints.VARIABLE: STALL, faultpoints.GO: str(self.go), "OMP_NUM_THREADS": "1"}
        words = [OUTCOME, "--cores", "1", *PROFILE, "--configfile", str(folder / "study.yaml")]
        self._output = (folder / "output").open("w")
        self.process = subprocess.Popen(
            command(folder, words),
            cwd=ROOT,
            env=environment,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # What a shell starts behind it ignores Ctrl-C, and so would all that the tests start.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )
        log = self.run.path / "logs" / "train.log"
        self._wait_for(lambda: self.process.poll() is not None or (log.exists() and "stall at" in log.read_text()))
        assert self.process.poll() is None, self.output
        owner = re.search(r"process (\d+),", self.run.lock_file.read_text())
        assert owner
        self.trainer = int(owner[1])

    @property
    def output(self) -> str:
        return (self.folder / "output").read_text()

    def await_end(self) -> int:
        """Let the trainer go on; wait for it and for Snakemake."""
        self.go.touch()
        code = self.process.wait(FOR_EVER_S)
        self._wait_for(self._nobody_trains)
        return code

    def _nobody_trains(self) -> bool:
        try:
            with lock.hold(self.run.lock_file, "mimicrl train"):
                return True
        except RunLocked:
            return False

    def _wait_for(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + FOR_EVER_S
        while not condition():
            assert time.monotonic() < end, f"it never came:\n{self.output}"
            time.sleep(0.01)

    def attempts(self) -> list[tuple[int, int, str]]:
        for one, other in itertools.pairwise(read_json_lines(self.run.training.attempts_file)):
            assert one["ended"] <= other["started"], "two trainers at once"
        return attempts(self.run)


@pytest.fixture
def killed(prepared: Path, tmp_path: Path) -> Iterator[Killed]:
    shutil.copytree(prepared, tmp_path / "study")
    held = Killed(tmp_path / "study")
    yield held
    held.go.touch()  # also when a test fails, no trainer waits for ever


Kill = Callable[[Killed], None]
WAYS: dict[str, tuple[Kill, list[tuple[int, int, str]]]] = {
    "SIGKILL to the trainer": (
        lambda killed: os.kill(killed.trainer, signal.SIGKILL),
        [(0, SAVED, "killed"), (SAVED, BUDGET, "completed")],
    ),
    "SIGKILL to all": (
        lambda killed: os.killpg(killed.process.pid, signal.SIGKILL),
        [(0, SAVED, "killed"), (SAVED, BUDGET, "completed")],
    ),
    "Ctrl-C": (
        lambda killed: os.killpg(killed.process.pid, signal.SIGINT),
        [(0, HELD_AT, "stopped by SIGINT"), (HELD_AT, BUDGET, "completed")],
    ),
}


@pytest.mark.fault(43)
@pytest.mark.parametrize("way", WAYS)
def test_the_next_call_goes_on_where_training_was(killed: Killed, undisturbed: bytes, way: str) -> None:
    kill, expected = WAYS[way]
    kill(killed)
    code = killed.await_end()
    alone = way == "SIGKILL to the trainer"  # which is tried again at once
    assert (code == 0) == alone, killed.output
    code, output = make_resume(killed.folder)
    assert code == 0, output
    assert ("Nothing to be done" in output) == alone
    assert killed.attempts() == expected
    assert weights(killed.run) == undisturbed


@pytest.mark.fault(44)
def test_without_snakemake_the_trainer_goes_on_and_no_second_one_joins(killed: Killed, undisturbed: bytes) -> None:
    killed.process.kill()
    killed.process.wait()
    code, output = make_resume(killed.folder)
    assert code == 1
    refused = f"mimicrl train: another process works in this run — {RUN} — got mimicrl train on host "
    assert output.count(refused) >= 3, "each try is told"
    assert f", process {killed.trainer}, since " in output
    assert "wait for it or stop it" in output
    assert killed.attempts() == []
    assert not killed.run.outcome_file.exists()
    killed.await_end()
    assert weights(killed.run) == undisturbed, "what the trainer that was left alone wrote"
    code, output = make_resume(killed.folder)
    assert code == 0, output
    assert "Nothing to be done" in output
    assert killed.attempts() == [(0, BUDGET, "completed")]


def test_an_edited_line_of_a_rule_is_no_reason_to_train_again(study: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "workflow", tmp_path / "edited" / "workflow")
    shutil.copy(ROOT / "Snakefile", tmp_path / "edited")
    rule = tmp_path / "edited" / "workflow" / "rules" / "train.smk"
    rule.write_text(rule.read_text().replace("; mimicrl train ", "; mimicrl  train "))
    assert rule.read_text() != (ROOT / "workflow" / "rules" / "train.smk").read_text()
    edited = ["--snakefile", str(tmp_path / "edited" / "Snakefile")]
    assert ("train", "generated/seed_1") in plan(study, *edited), "what Snakemake does when it is not told"
    assert plan(study, *edited, *PROFILE) == set()
