"""Which runs there are: those a study expects, in its order, and those that stand on their own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from status.study_folders import TOTAL, make_run, make_study, write

from mimicrl.config import load_study
from mimicrl.mimic.prepare import prepare_study
from mimicrl.status import places


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two studies and a run on its own."""
    folder = tmp_path / "results"
    make_study(folder / "brisk", [("walk", 2), ("walk", 1)])
    make_study(folder / "demo", [("run", 1)], total=7)
    make_run(folder / "brisk" / "walk" / "seed_1")
    make_run(folder / "mine")
    return folder


def names(folder: Path) -> list[str]:
    return [place.name for place in places.find(folder)]


def test_all_results_are_those_of_each_study_and_run(results: Path) -> None:
    found = places.find(results)
    assert [place.name for place in found] == ["brisk/walk/seed_2", "brisk/walk/seed_1", "demo/run/seed_1", "mine"]
    assert [place.total for place in found] == [TOTAL, TOTAL, 7, TOTAL]
    assert found[0].path == results / "brisk" / "walk" / "seed_2"


def test_a_study_and_a_run_are_a_part_of_that(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert names(results / "brisk") == names(results)[:2]
    assert names(results / "brisk" / "walk" / "seed_1") == ["brisk/walk/seed_1"]
    assert names(results / "mine") == ["mine"]
    monkeypatch.chdir(results / "brisk")
    assert names(Path()) == names(results)[:2]
    assert names(Path("..")) == names(results)


def test_what_a_study_expects_no_more_is_left_out(results: Path) -> None:
    make_run(results / "brisk" / "walk" / "seed_3")
    make_run(results / "brisk" / "gone" / "seed_1")
    assert len(names(results / "brisk")) == 2 and len(names(results)) == 4


def test_a_changed_study_is_read_again(results: Path) -> None:
    before = names(results / "brisk")
    make_study(results / "brisk", [("walk", 2), ("walk", 1), ("walk", 5)])
    assert names(results / "brisk") == [*before, "brisk/walk/seed_5"]


@pytest.mark.parametrize(
    "content", ["", "{", "7", "study: x", "experiments: []\nexpected_runs: [1]", "a: !!python/x y"]
)
def test_without_a_study_that_can_be_read_the_runs_are_found(results: Path, content: str) -> None:
    for seed in (10, 9):
        make_run(results / "brisk" / "walk" / f"seed_{seed}")
    (results / "brisk" / "study.yaml").write_text(content)
    found = [f"brisk/walk/seed_{seed}" for seed in (1, 9, 10)]
    assert names(results / "brisk") == found
    assert names(results) == ["demo/run/seed_1", *found, "mine"]
    (results / "brisk" / "study.yaml").unlink()
    assert names(results / "brisk") == found


def test_progress_alone_makes_a_run(tmp_path: Path) -> None:
    write(tmp_path / "seed_1" / "progress.json", {})
    assert [place.total for place in places.find(tmp_path / "seed_1")] == [None]


def test_a_real_study_is_understood(study, tmp_path: Path) -> None:
    loaded = load_study(study(seeds=[3, 1]))
    prepare_study(loaded, tmp_path / "out")
    found = places.find(tmp_path / "out")
    assert [place.name for place in found] == ["out/walk/seed_3", "out/walk/seed_1"]
    assert {place.total for place in found} == {loaded.experiments["walk"].training.total_timesteps}


def test_a_file_of_the_same_size_is_read_again(tmp_path: Path) -> None:
    make_study(tmp_path, [("walk", 1)])
    assert names(tmp_path)[0].endswith("seed_1")
    make_study(tmp_path, [("walk", 2)])
    os.utime(tmp_path / "study.yaml", ns=(1, 1))
    assert names(tmp_path)[0].endswith("seed_2")
