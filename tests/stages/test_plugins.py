"""A study's own terms go all the way: log, episodes, tables, report; and wrong ones are refused before any training."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support import PLUGIN

MDP: dict[str, Any] = {
    "rewards": {"effort": {"weight": 0.01}},
    "observations": {"last_action": {"enabled": True}},
    "terminations": {"sideways": {"limit_m": 0.001}},
}


@pytest.fixture
def own(study: Any, tmp_path: Path) -> Any:
    """Writes a study with a plugin."""

    def write(plugin: str = PLUGIN) -> Path:
        (tmp_path / "terms.py").write_text(plugin)
        file = study(mdp=MDP)
        file.write_text(file.read_text() + "plugins: [terms.py]\n")
        return file

    return write


def test_terms_of_a_plugin_appear_wherever_the_built_in_ones_do(mimicrl: Any, own: Any, tmp_path: Path) -> None:
    file, folder = own(), tmp_path / "results"
    run = folder / "walk" / "seed_1"
    words = [
        ("init", file, "--out", folder),
        ("init", file, "--experiment", "walk", "--seed", 1, "--out", run),
        ("train", run),
        ("evaluate", run),
        ("aggregate", folder),
    ]
    for line in words:
        assert mimicrl(*line).code == 0, line
    metrics: Any = pd.read_parquet(run / "metrics.parquet")
    assert max(metrics["reward/effort"].dropna()) < 0
    assert max(metrics["rollout/ended_by_sideways"]) > 0
    assert "eval/reward_effort" in metrics
    episodes: Any = pd.read_parquet(run / "episodes.parquet")
    assert max(episodes["reward_effort"]) < 0
    assert set(episodes["reason"]) == {"sideways"}
    assert pd.read_parquet(folder / "tables" / "runs.parquet")["reward_effort"].tolist()[0] < 0
    assert "reward_effort_mean" in pd.read_parquet(folder / "tables" / "experiments.parquet")
    # The report knows the terms by the files alone.
    reported = mimicrl("--no-plugins", "report", folder)
    assert reported.code == 0, reported.err
    assert "Reward for effort" in (folder / "report.html").read_text()
    refused = mimicrl("--no-plugins", "evaluate", run)
    assert refused.code == 2
    assert refused.last.startswith("mimicrl evaluate: plugins are refused — ")


WRONG = {
    "another shape": ("return view.action", "return view.action[:, :3]", "term last_action returns another shape"),
    "not a number": ("return np.einsum", "return np.nan * np.einsum", "term effort returns what is not finite"),
    "no array": (
        'return np.einsum("ij,ij->i", view.action, view.action)',
        "return 1.0",
        "term effort returns no array",
    ),
    "no mirror image": ("walker.mirror_index, walker.mirror_sign", "[0], [1]", "term last_action has no whole mirror"),
    "an exception": ("return view.action", "return view.no_such", "a plugin failed"),
}


@pytest.mark.parametrize(("good", "bad", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_term_is_refused_with_its_line_before_any_training(
    mimicrl: Any, own: Any, tmp_path: Path, good: str, bad: str, words: str
) -> None:
    file = own(PLUGIN.replace(good, bad))
    done = mimicrl("init", file, "--experiment", "walk", "--seed", 1, "--out", tmp_path / "run")
    assert done.code == 2
    assert re.match(rf"mimicrl init: {words}[a-z ]* — {tmp_path / 'terms.py'}:[0-9]+ — ", done.last)
    assert not (tmp_path / "run" / "run.json").exists()


def test_an_exception_in_training_is_the_plugins(mimicrl: Any, own: Any, tmp_path: Path) -> None:
    late = "if view.state.phase.shape[0] != 3:\n            raise RuntimeError('later')\n        return view.action"
    file = own(PLUGIN.replace("return view.action\n", f"{late}\n"))
    run = tmp_path / "run"
    assert mimicrl("init", file, "--experiment", "walk", "--seed", 1, "--out", run).code == 0
    done = mimicrl("train", run)
    assert done.code == 2
    assert done.last.startswith(f"mimicrl train: a plugin failed — {run / 'plugins' / 'terms.py'}:")
    assert "RuntimeError: later" in done.last
