"""`status`: one row per run, those that matter first; watching ends with the last run."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_folders import begin, end, finish, make_run, make_study, report, training

from mimicrl.runs import Run, Study, state
from mimicrl.runs.state import RunState, Word
from mimicrl.stages.status import table


@pytest.fixture
def demo(tmp_path: Path) -> Study:
    """A study of four runs: the first trains, the second failed, the third was completed, the fourth waits."""
    study = make_study(tmp_path / "results" / "demo", [("walk", seed) for seed in range(1, 5)])
    one, two, three, _ = (study.run("walk", seed) for seed in range(1, 5))
    for run in (one, two, three):
        make_run(run.path)
    begin(one, slurm_job="42", started="2099-01-01T00:00:00+00:00")
    report(one, updated="2099-01-01T00:00:00+00:00", eta_s=211.2)
    rows = [{"samples": 1, "stable_episodes": 4 + k, "episodes": 20, "reward": 0.9341} for k in range(2)]
    training(one).evaluations_file.write_text("".join(f"{json.dumps(row)}\n" for row in rows) + '{"stable": 10, "e')
    end(two, "the disk\nis full", end=5)
    end(three, "completed", end=1024)
    finish(three)
    return study


def test_all_that_is_known_has_its_column(demo: Study) -> None:
    totals, header, *lines = table(state.read_all(demo.path)).splitlines()
    assert totals == "4 runs: 1 completed, 1 failed, 1 running, 1 waiting"
    assert header.split() == (
        ["run", "state", "samples", "of", "%", "steps/s", "ETA", "stable", "reward", "attempts", "where", "note"]
    )
    assert [" ".join(line.split()) for line in lines] == [
        "demo/walk/seed_1 running 250 1,000 25 50 0:03:31 5/20 0.934 1 here, job 42",
        "demo/walk/seed_2 failed 5 1,000 0 - - - - 1 here the disk is full",
        "demo/walk/seed_3 completed 1,024 1,000 100 64 - - - 1 here",
        "demo/walk/seed_4 waiting 0 1,000 0 - - - - 0 -",
    ]


@given(st.lists(st.sampled_from(get_args(Word)), max_size=40))
def test_every_run_has_its_line(words: list[Word]) -> None:
    rows = [RunState(Run(Path(f"run{place}!")), word) for place, word in enumerate(words)]
    lines = table(rows).splitlines()
    assert [line.split("!")[0] for line in lines[2:]] == [f"run{place}" for place in range(len(words))]


def test_the_verb_takes_all_results_a_study_or_a_run(
    mimicrl: Any, demo: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(demo.path.parents[1])
    whole = mimicrl("status")
    assert whole == (0, f"{table(state.read_all(demo.path))}\n", "")
    assert mimicrl("status", demo.path) == whole
    assert mimicrl("status", demo.run("walk", 3).path).out.startswith("1 run: 1 completed\n")
    done = mimicrl("status", "nothing")
    assert done.code == 2
    assert done.last == "mimicrl status: there is no such directory — nothing — name the folder of results"


def test_watching_ends_with_the_last_run(mimicrl: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path / "seed_1")
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            finish(run)

    monkeypatch.setattr(time, "sleep", sleep)
    done = mimicrl("status", tmp_path, "--watch")
    assert done.out.startswith("1 run: 1 completed\n")
    assert mimicrl("status", tmp_path, "--watch") == done
    assert len(naps) == 3, "where all runs are over there is nothing to wait for"


def test_the_verb_imports_nothing_heavy(demo: Study) -> None:
    code = (
        f"import sys; sys.argv = ['mimicrl', 'status', {str(demo.path)!r}]\n"
        "from mimicrl.cli import main\n"
        "try:\n    main()\n"
        "finally:\n"
        "    heavy = ('torch', 'mujoco', 'gymnasium', 'scipy', 'pandas', 'stable_baselines3', 'matplotlib')\n"
        "    print('loaded:', [name for name in heavy if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("4 runs")
    assert done.stdout.endswith("loaded: []\n")
