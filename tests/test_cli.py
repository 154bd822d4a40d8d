"""The command line: exit codes, one last line that answers all questions, and tracebacks only when asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from mimicrl import artifacts, cli
from mimicrl.runs import RunDirectory

VERBS = [["init"], ["train"], ["evaluate"], ["motion"], ["motion", "list"], ["motion", "inspect"]]


def test_a_study_is_initialised_trained_and_evaluated(mimicrl: Any, study: Any, tmp_path: Path) -> None:
    out, file = tmp_path / "results" / "tiny", study()
    assert mimicrl("init", file, "--out", out) == (0, "", "")
    assert yaml.safe_load((out / "study.yaml").read_text())["expected_runs"] == [{"experiment": "walk", "seed": 1}]
    run = out / "walk" / "seed_1"
    done = mimicrl("init", file, "--experiment", "walk", "--seed", 1, "--out", run, "--set", "training.n_epochs=3")
    assert (done.code, done.err) == (0, "") and done.out.startswith(f"{run}: training state ")
    assert RunDirectory(run).config.training.n_epochs == 3
    done = mimicrl("train", run, "--threads", 1)
    assert done.code == 0 and done.out.startswith("completed after 128 samples in ")
    assert "first success not reached" in done.out
    done = mimicrl("evaluate", run, "--threads", 1, "--checkpoint", "best", "--episodes", 3)
    assert done.code == 0 and "/3, reward" in done.out
    assert (run / "episodes-best.parquet").exists()
    command = artifacts.read_json(run / "provenance" / "train.json")["command"]
    assert command == ["mimicrl", "train", str(run), "--threads", "1"]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(mimicrl: Any, verb: list[str]) -> None:
    done = mimicrl(*verb, "--help")
    assert done.code == 0 and f"mimicrl {' '.join(verb)}" in done.out


def test_help_lists_every_verb_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['mimicrl', '--help']\n"
        "from mimicrl.cli import main\n"
        "try:\n    main()\n"
        "finally:\n"
        "    heavy = ('torch', 'mujoco', 'gymnasium', 'pandas', 'stable_baselines3')\n"
        "    print('loaded:', [name for name in heavy if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "loaded: []" in done.stdout
    assert all(f" {verb} " in done.stdout for verb in ("init", "train", "evaluate", "motion"))


def test_a_directory_that_is_no_run_is_code_2(mimicrl: Any, tmp_path: Path) -> None:
    for verb in ("train", "evaluate"):
        done = mimicrl(verb, tmp_path)
        assert done.code == 2
        assert done.last.startswith(f"mimicrl {verb}: not a run directory — {tmp_path} — got no config.yaml")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["train", "run", "--fast"], "mimicrl train: No such option: --fast"),
        (["train", "run", "--resume", "perhaps"], "mimicrl train: Invalid value for '--resume': "),
        (["train", "run", "--threads", "0"], "mimicrl train: Invalid value for '--threads': "),
        (["train"], "mimicrl train: Missing argument 'RUN_DIR'"),
        (["train", "run", "more"], "mimicrl train: Got unexpected extra argument(s) (more)"),
        (["init", "study.yaml"], "mimicrl init: Missing option '--out'"),
        (["evaluate", "run", "--episodes", "1"], "mimicrl evaluate: Invalid value for '--episodes': "),
        (["trian", "run"], "mimicrl trian: No such command 'trian'"),
        (["motion", "inspect"], "mimicrl motion inspect: Missing argument 'FILE|gait'"),
        (["motion", "look"], "mimicrl motion look: No such command 'look'"),
        (["--fast"], "mimicrl: No such option: --fast"),
        (["-v", "train"], "mimicrl train: Missing argument 'RUN_DIR'"),
    ],
)
def test_wrong_use_is_code_2_and_ends_in_one_line(mimicrl: Any, words: list[str], told: str) -> None:
    done = mimicrl(*words)
    assert done.code == 2 and "Traceback" not in done.err
    assert done.last.startswith(told) and done.last.endswith(" — run mimicrl --help")


@pytest.mark.parametrize(("words", "verbs"), [([], ["init", "train", "evaluate"]), (["motion"], ["list", "inspect"])])
def test_without_a_verb_the_help_is_all_there_is_to_say(mimicrl: Any, words: list[str], verbs: list[str]) -> None:
    done = mimicrl(*words)
    assert (done.code, done.err) == (2, "")
    assert "Usage:" in done.out and all(f" {verb} " in done.out for verb in verbs)


def test_a_place_that_cannot_be_written_is_code_5(mimicrl: Any, run_directory: RunDirectory) -> None:
    (run_directory.path / "training").write_text("a plain file")
    done = mimicrl("train", run_directory.path, "--threads", 1)
    assert done == (
        5,
        "",
        f"mimicrl train: a file cannot be used — {run_directory.training_directory} — got Not a directory — "
        "check the path, its permissions and the space on the disk\n",
    )


def test_continuing_without_a_checkpoint_is_code_3(mimicrl: Any, run_directory: RunDirectory) -> None:
    done = mimicrl("train", run_directory.path, "--resume", "must", "--threads", 1)
    assert done.code == 3 and done.last.startswith("mimicrl train: there is no checkpoint to continue from — ")


def test_a_divergence_is_code_4_by_hand_and_0_when_recorded(mimicrl: Any, prepare, tmp_path: Path) -> None:
    rate = {"kind": "constant", "start": 1e3, "end": None, "samples": None}
    run = prepare(tmp_path / "run", training={"learning_rate": rate}).path
    done = mimicrl("train", run, "--threads", 1)
    assert done.code == 4 and done.last.startswith("mimicrl train: ") and "lower the learning rate" in done.last
    done = mimicrl("train", run, "--threads", 1, "--record-divergence")
    assert done.code == 0 and done.out.startswith("diverged after ")


def test_a_run_in_training_is_code_6(mimicrl: Any, run_directory: RunDirectory, study: Any) -> None:
    with run_directory.training_lock():
        done = mimicrl("train", run_directory.path)
        assert done.code == 6
        assert done.last.startswith("mimicrl train: another trainer works in this run — ")
        words = ["--experiment", "walk", "--seed", 1, "--out", run_directory.path]
        done = mimicrl("init", study(), *words)
        assert done.code == 6 and done.last.startswith("mimicrl init: another trainer works in this run — ")


@pytest.mark.parametrize("before", [["-v"], ["--verbose"], []])
def test_a_traceback_is_shown_only_when_asked_for(mimicrl: Any, tmp_path: Path, before: list[str]) -> None:
    quiet = mimicrl("train", tmp_path)
    verbose = mimicrl(*before, "train", tmp_path, *([] if before else ["-v"]))
    assert "Traceback" not in quiet.err and quiet.err.count("\n") == 1
    assert "Traceback" in verbose.err and (verbose.code, verbose.last) == (quiet.code, quiet.last)


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (ValueError("two\nlines"), 1, "unexpected ValueError — two lines — run mimicrl -v motion list … and report it"),
        (KeyboardInterrupt(), 130, "stopped by Ctrl-C"),
        (OSError("no number"), 5, "a file cannot be used — motion list — got no number — check the path, its"),
    ],
)
def test_a_defect_is_one_line_too(mimicrl: Any, monkeypatch, error: BaseException, code: int, told: str) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(
        cli.typer, "echo", lambda *words, **where: print(*words, file=sys.stderr) if where else broken()
    )
    done = mimicrl("motion", "list")
    assert done.code == code and "Traceback" not in done.err
    assert done.last.startswith(f"mimicrl motion list: {told}") and not done.err.rstrip("\n").count("\n")


def test_ctrl_c_before_anything_started_is_code_130(mimicrl: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", stopped)
    assert mimicrl("train", "run") == (130, "", "mimicrl train: stopped by Ctrl-C\n")


def test_motions_are_listed_and_inspected(mimicrl: Any) -> None:
    done = mimicrl("motion", "list")
    assert done.code == 0 and {"gait", "FILE.txt", "FILE.npz"} <= {line.split()[0] for line in done.out.splitlines()}
    done = mimicrl("motion", "inspect", "gait", "--speed", 1.0)
    assert done.code == 0 and "gait-1" in done.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["gait", "--speed", "9"], "no published gait at this speed — motion.speed_mps — got 9.0 m/s"),
        (["none.npz"], "no such motion file — none.npz"),
    ],
)
def test_motions_that_cannot_be_inspected_are_code_3(mimicrl: Any, words: list[str], told: str) -> None:
    done = mimicrl("motion", "inspect", *words)
    assert done.code == 3 and done.err.startswith(f"mimicrl motion inspect: {told}")
