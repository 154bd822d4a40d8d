"""A study's own terms: part of its configuration and of nothing else; what is wrong with them is told with its line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import PLUGIN

from mimicrl.config import MDPConfig, RunConfig, load_run, load_study, plugins, resolve
from mimicrl.errors import ConfigError
from mimicrl.runs.fingerprint import fingerprint

Write = Callable[..., Path]
EFFORT = {"rewards": {"effort": {"weight": 0.01}}}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a study with a plugin, and the plugin unless it is None."""

    def make(text: str | None = PLUGIN, mdp: dict[str, Any] | None = None, names: Any = ("terms.py",)) -> Path:
        if text is not None:
            (tmp_path / "terms.py").write_text(text)
        content = {"study": "own", "plugins": names, "experiments": {"walk": {"mdp": mdp or {}}}}
        content["plugins"] = list(names) if isinstance(names, tuple) else names
        (tmp_path / "study.yaml").write_text(yaml.safe_dump(content))
        return tmp_path / "study.yaml"

    return make


def message(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_study(path)
    return str(caught.value)


def test_terms_of_a_plugin_stand_after_the_built_in_ones(write: Write) -> None:
    mdp = load_study(write(mdp=EFFORT)).experiments["walk"].mdp
    built_in = MDPConfig()
    for group, added in (("observations", "last_action"), ("rewards", "effort"), ("terminations", "sideways")):
        names = list(type(getattr(mdp, group)).model_fields)
        assert names == [*type(getattr(built_in, group)).model_fields, added]
    assert [term.name() for term in mdp.rewards.active()][-1] == "effort"


def test_other_studies_do_not_know_them(write: Write) -> None:
    load_study(write())
    (path := write(names=[], mdp=EFFORT)).write_text(path.read_text())
    assert "effort: unknown key" in message(path)


def test_a_run_knows_the_terms_by_its_own_copy(write: Write, tmp_path: Path) -> None:
    run = resolve(load_study(write(mdp=EFFORT)), "walk", 1)
    assert run.plugins == ("terms.py",)
    folder = tmp_path / "run"
    (folder / plugins.FOLDER).mkdir(parents=True)
    (folder / plugins.FOLDER / "terms.py").write_text(PLUGIN)
    (folder / "config.yaml").write_text(yaml.safe_dump(run.model_dump(mode="json")))
    again = load_run(folder / "config.yaml")
    assert again.model_dump(mode="json") == run.model_dump(mode="json")


def test_loading_says_whose_code_runs_and_runs_it_once(write: Write, capfd: pytest.CaptureFixture[str]) -> None:
    path = write(PLUGIN + "\nprint('here')\n")
    for _ in range(2):
        load_study(path)
    out, err = capfd.readouterr()
    assert out == "here\n"
    assert err.startswith(f"runs code of {path.parent / 'terms.py'} (sha256 ")
    assert err.count("\n") == 1


def test_plugins_can_be_refused(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write()
    monkeypatch.setenv(plugins.REFUSED, "1")
    assert message(path) == (
        f"plugins are refused — {path.parent / 'terms.py'} — leave out --no-plugins to run its code"
    )


BROKEN = {
    "missing": (None, "there is no such plugin — {file}"),
    "fails on import": ("import numpy\n\nnumpy.no_such\n", "a plugin failed — {file}:3 — got AttributeError: "),
    "no Python": ("def f(:\n", "a plugin failed — {file}:1 — got SyntaxError: "),
    "no term": ("import numpy\n", "a plugin defines no term — {file}"),
    "not whole": (PLUGIN.replace("def holds", "def hold"), "a plugin's term is not whole — {file}:"),
    "a reason of every task": (
        PLUGIN.replace("class Sideways", "class Time"),
        "the plugins' terms do not fit — {study} — got the name time is taken",
    ),
    "no default": (
        PLUGIN.replace("limit_m: Positive = 5.0", "limit_m: Positive"),
        "the plugins' terms do not fit — {study} — got term sideways has no default for limit_m",
    ),
    "an action without kind": (
        "from mimicrl.mdp.actions import Residual\n\n\nclass Soft(Residual):\n    '''Softer.'''\n",
        "the plugins' terms do not fit — {study} — got action Soft needs a field kind: Literal",
    ),
    "taken name": (
        PLUGIN.replace("class Effort", "class Pose"),
        "the plugins' terms do not fit — {study} — got the name pose is taken",
    ),
    "unbalanced": (
        PLUGIN.replace("PenaltyTerm", "RewardTerm").replace(
            "    def cost(self, view):",
            "    weight: Positive = 0.1\n    '''Weight.'''\n\n    def exponent(self, view):",
        ),
        "the plugins' terms do not fit — {study} — got Value error, the weights of the imitation terms must",
    ),
}


@pytest.mark.parametrize(("text", "words"), BROKEN.values(), ids=BROKEN)
def test_what_is_wrong_with_a_plugin_is_told_with_its_place(write: Write, text: str | None, words: str) -> None:
    path = write(text)
    assert message(path).startswith(words.format(file=path.parent / "terms.py", study=path))


@pytest.mark.parametrize("name", ["../terms.py", "/etc/hostname", "../{own}/terms.py", "{folder}/terms.py"])
def test_a_plugin_is_named_from_the_studys_folder_downwards(write: Write, tmp_path: Path, name: str) -> None:
    name = name.format(own=tmp_path.name, folder=tmp_path)
    assert message(write(names=(name,))).startswith("a plugin lies outside of its folder — ")


@pytest.mark.parametrize("names", ["terms.py", [1], {"a": 1}])
def test_plugins_are_a_list_of_names(write: Write, names: Any) -> None:
    assert "plugins" in message(write(names=names))


def test_the_order_of_plugins_is_part_of_the_fingerprint() -> None:
    run = RunConfig(study="s", experiment="e", seed=1)
    hashes = {"motion_sha256": "a" * 64, "walker_sha256": "b" * 64}
    one, other = {"a.py": "c" * 64, "b.py": "d" * 64}, {"b.py": "d" * 64, "a.py": "c" * 64}
    found = {fingerprint(run, **hashes, plugins_sha256=order) for order in (one, other)}
    assert len(found) == 2
