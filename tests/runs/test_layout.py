"""Where everything lies: every path has one place, inside of its folder, also with wildcards."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from mimicrl.errors import ConfigError
from mimicrl.runs import Run, Study, layout
from mimicrl.runs.layout import TrainingState

ARGUMENTS: dict[str, Any] = {
    "checkpoint": "best",
    "protocol": "standard",
    "name": "x.csv",
    "kind": "svg",
    "stage": "train",
    "experiment": "a",
    "seed": 7,
    "fingerprint": "0123456789ab",
}

PLACES = ("Path", "Run", "TrainingState")


def paths(place: Study | TrainingState | Run) -> list[Path]:
    """All that a layout names one by one, but what needs the configuration."""
    found = []
    for kind in type(place).__mro__:
        for name, member in vars(kind).items():
            if isinstance(member, layout._Below):
                found.append(getattr(place, name))
            elif inspect.isfunction(member) and member.__annotations__.get("return") in PLACES:
                words = list(inspect.signature(member).parameters)[1:]
                found.append(member(place, *(ARGUMENTS[word] for word in words)))
    return [getattr(path, "path", path) for path in found]


@pytest.mark.parametrize("place", [Study(Path("s")), Run(Path("s")), TrainingState(Path("s"))])
def test_no_two_things_lie_in_one_place(place: Any) -> None:
    found = paths(place)
    assert len(found) > 5
    assert len({*found}) == len(found)
    assert all(path.is_relative_to("s") for path in found)


def test_wildcards_stay_where_they_are() -> None:
    pattern = Study(Path("results/{study}")).run("{experiment}", "{seed}")
    one = Study(Path("results/demo")).run("walk", 3)
    for path, filled in zip(paths(pattern), paths(one), strict=True):
        assert str(path).format(study="demo", experiment="walk", seed=3) == str(filled)


@pytest.mark.parametrize(
    ("checkpoint", "protocol", "folder"),
    [
        ("final", "standard", ""),
        ("best", "standard", "evaluations/standard-best"),
        ("final", "quick", "evaluations/quick-final"),
    ],
)
def test_only_the_final_policys_standard_evaluation_lies_in_the_run_itself(
    tmp_path: Path, checkpoint: Any, protocol: str, folder: str
) -> None:
    run = Run(tmp_path)
    assert run.episodes_file(checkpoint, protocol) == tmp_path / folder / "episodes.parquet"
    assert run.gait_cycle_file(checkpoint, protocol) == tmp_path / folder / "gait_cycle.parquet"
    assert run.summary_file(checkpoint, protocol) == tmp_path / folder / "summary.json"
    assert run.policy_directory(checkpoint) == tmp_path / "policies" / checkpoint


def test_opening_what_is_no_run_says_how_to_make_one(tmp_path: Path) -> None:
    message = (
        rf"^not a run directory — {tmp_path} — got no config.yaml, run.json, motion.npz, "
        rf"walker/walker.xml, walker/walker.yaml — mimicrl init STUDY.yaml --experiment NAME --seed K --out {tmp_path}$"
    )
    with pytest.raises(ConfigError, match=message):
        Run.open(tmp_path)
