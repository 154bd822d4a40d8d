"""The command line: exit codes, one last line that answers all questions, and tracebacks only when asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mimicrl import stages
from mimicrl.cli import app as cli_app
from mimicrl.rendering import opengl

VERBS = [
    *([verb.__name__] for _, verb in stages.verbs()),
    *(["motion"], ["motion", "list"], ["motion", "inspect"], ["motion", "play"]),
]
NAMES = [words[0] for words in VERBS if len(words) == 1]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(mimicrl: Any, verb: list[str]) -> None:
    done = mimicrl(*verb, "--help")
    assert done.code == 0
    assert f"mimicrl {' '.join(verb)}" in done.out


def test_help_shows_units(mimicrl: Any) -> None:
    assert "[m/s]" in mimicrl("motion", "inspect", "--help").out
    assert "[pixel]" in mimicrl("replay", "--help").out


def test_help_lists_every_verb_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['mimicrl', '--help']\n"
        "from mimicrl.cli import main\n"
        "try:\n    main()\n"
        "finally:\n"
        "    heavy = ('torch', 'mujoco', 'gymnasium', 'pandas', 'stable_baselines3', 'matplotlib', 'OpenGL', 'PIL')\n"
        "    print('loaded:', [name for name in heavy if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "loaded: []" in done.stdout
    assert all(f" {verb} " in done.stdout for verb in NAMES)


@pytest.mark.parametrize(("wanted", "is_then"), [(None, "1"), ("2", "2")])
def test_products_have_one_thread_unless_the_user_wants_otherwise(wanted: str | None, is_then: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    environment |= {"OPENBLAS_NUM_THREADS": wanted} if wanted else {}
    code = (
        "import os, sys; sys.argv = ['mimicrl', 'train']\n"
        "from mimicrl.cli import main\n"
        "assert 'numpy' not in sys.modules, 'which reads it once'\n"
        "try:\n    main()\n"
        "finally:\n    print(os.environ['OPENBLAS_NUM_THREADS'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stdout == f"{is_then}\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["train", "run", "--fast"], "mimicrl train: No such option: --fast"),
        (["train", "run", "--resume", "perhaps"], "mimicrl train: Invalid value for '--resume': "),
        (["train"], "mimicrl train: Missing argument 'RUN_DIR'"),
        (["train", "run", "more"], "mimicrl train: Got unexpected extra argument(s) (more)"),
        (["init", "study.yaml"], "mimicrl init: Missing option '--out'"),
        (["evaluate", "run", "--episodes", "1"], "mimicrl evaluate: Invalid value for '--episodes': "),
        (["replay", "run", "--episode", "-1"], "mimicrl replay: Invalid value for '--episode': "),
        (["trian", "run"], "mimicrl trian: No such command 'trian'"),
        (["motion", "inspect"], "mimicrl motion inspect: Missing argument 'FILE|gait'"),
        (["motion", "look"], "mimicrl motion look: No such command 'look'"),
        (["--fast"], "mimicrl: No such option: --fast"),
        (["-v", "train"], "mimicrl train: Missing argument 'RUN_DIR'"),
    ],
)
def test_wrong_use_is_code_2_and_ends_in_one_line(mimicrl: Any, words: list[str], told: str) -> None:
    done = mimicrl(*words)
    assert done.code == 2
    assert "Traceback" not in done.err
    assert done.last.startswith(told)
    assert done.last.endswith(" — run mimicrl --help")


@pytest.mark.parametrize(("words", "verbs"), [([], NAMES), (["motion"], ["list", "inspect", "play"])])
def test_without_a_verb_the_help_is_all_there_is_to_say(mimicrl: Any, words: list[str], verbs: list[str]) -> None:
    done = mimicrl(*words)
    assert (done.code, done.err) == (2, "")
    assert "Usage:" in done.out
    assert all(f" {verb} " in done.out for verb in verbs)


@pytest.mark.parametrize("before", [["-v"], ["--verbose"], []])
def test_a_traceback_is_shown_only_when_asked_for(mimicrl: Any, tmp_path: Path, before: list[str]) -> None:
    quiet = mimicrl("train", tmp_path)
    verbose = mimicrl(*before, "train", tmp_path, *([] if before else ["-v"]))
    assert "Traceback" not in quiet.err
    assert quiet.err.count("\n") == 1
    assert "Traceback" in verbose.err
    assert (verbose.code, verbose.last) == (quiet.code, quiet.last)


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
        cli_app.typer, "echo", lambda *words, **where: print(*words, file=sys.stderr) if where else broken()
    )
    done = mimicrl("motion", "list")
    assert done.code == code
    assert "Traceback" not in done.err
    assert done.last.startswith(f"mimicrl motion list: {told}")
    assert not done.err.rstrip("\n").count("\n")


def test_ctrl_c_before_anything_started_is_code_130(mimicrl: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli_app, "app", stopped)
    assert mimicrl("train", "run") == (130, "", "mimicrl train: stopped by Ctrl-C\n")


def test_mujoco_does_not_see_what_opengl_is_asked_for(mimicrl: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUJOCO_GL", "osmesa")
    assert mimicrl("motion", "list").code == 0
    assert (os.environ["MUJOCO_GL"], opengl.wanted()) == ("disable", "osmesa")
