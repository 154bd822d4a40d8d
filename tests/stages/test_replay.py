"""Replay: the video shows an episode of the evaluation's table, to the last bit, or says that it does not."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from stage_calls import evaluate, replay
from support import read_video

from mimicrl import artifacts
from mimicrl.errors import ArtifactError, ConfigError
from mimicrl.evaluation.replay import Replay, median_episode
from mimicrl.rendering.film import VideoOptions
from mimicrl.runs import Run
from mimicrl.stages import replay as replaying
from mimicrl.stages.replay import roll_again

SMALL = VideoOptions(width=64, height=48, fps=10.0)


@pytest.fixture(scope="module")
def evaluated(trained_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The trained run with the tables of its evaluation; only to be read."""
    path = tmp_path_factory.mktemp("evaluated") / "run"
    shutil.copytree(trained_run.path, path)
    evaluate(Run(path))
    return Run(path)


@pytest.fixture
def run(evaluated: Run, tmp_path: Path) -> Run:
    """A copy of the evaluated run."""
    shutil.copytree(evaluated.path, tmp_path / "run")
    return Run(tmp_path / "run")


def distances(run: Run, checkpoint: Any = "final") -> np.ndarray:
    return pd.read_parquet(run.episodes_file(checkpoint))["distance_m"].to_numpy()


@pytest.mark.parametrize("threads", [1, 2])
def test_every_episode_walks_as_far_as_its_row_in_the_table_says(evaluated: Run, threads: int) -> None:
    table: Any = pd.read_parquet(evaluated.episodes_file("final"))
    for episode, row in table.iterrows():
        shown = roll_again(evaluated, episode=episode, threads=threads)  # type: ignore[arg-type]
        assert shown.agrees_with_table is True
        for column in ("distance_m", "duration_s", "start_phase", "reason", "episode"):
            assert getattr(shown, column) == row[column], column
        assert shown.animation.qpos[-1, 0] == row["distance_m"]
        for time_s, qpos in zip(shown.animation.times_s, shown.animation.qpos, strict=True):
            words = shown.animation.caption(float(time_s))[1]
            assert f"   {time_s + 0.02:.1f} s   {qpos[0]:.1f} m" in words, "the caption counts along"


def test_the_video_is_of_the_episode_of_median_distance(run: Run, told: list[tuple[str, ...]]) -> None:
    artifacts.write_bytes(run.video_file(".tmp-01234567-final.mp4"), b"what a killed replay left")
    path = replay(run, settings=SMALL)
    assert path == run.path / "videos" / "final.mp4"
    assert [file.name for file in path.parent.iterdir()] == ["final.mp4"]
    about, frames = read_video(path)
    assert (about["fps"], frames.shape) == (10.0, (5, 48, 64, 3))
    assert len({frame.tobytes() for frame in frames}) == 5, "the walker moves"
    result = artifacts.read_json(run.path / "provenance" / "replay.json")["result"]
    chosen = np.sort(distances(run))[1]
    assert result["distance_m"] == chosen == distances(run)[result["episode"]]
    assert told[-1][0] == "tiny / walk, seed 1, final policy"
    assert f"   0.5 s   {chosen:.1f} m" in told[-1][1]
    assert f"{chosen / result['duration_s']:.2f} m/s (reference 1.25)" in told[-1][1]
    assert len(told) == 5


def test_the_provenance_says_what_the_video_shows(run: Run) -> None:
    replay(run, "best", episode=2, settings=SMALL, threads=2)
    assert {file.name for file in (run.path / "videos").iterdir()} == {"best-episode-2.mp4"}
    assert not (run.path / "provenance" / "replay.json").exists()
    record = artifacts.read_json(run.path / "provenance" / "replay-best-episode-2.mp4.json")
    result = record["result"]
    shown = roll_again(run, "best", episode=2)
    assert (record["verb"], record["threads"]) == ("replay", {"physics": 2})
    assert result.pop("backend") in ("egl", "osmesa")
    assert result.pop("renderer")
    assert result == {"checkpoint": "best", **shown.facts(), "pictures": 5, **dataclasses.asdict(SMALL)}
    assert result["agrees_with_table"] is None, "there is no table of the best policy's evaluation"
    assert result["weights_sha256"] == artifacts.file_sha256(run.weights_file("best"))


@pytest.mark.parametrize("kind", ["gif", "png"])
def test_other_formats_have_their_own_ending(run: Run, kind: Any) -> None:
    path = replay(run, settings=VideoOptions(width=64, height=48, fps=10.0, kind=kind))
    assert path == run.path / "videos" / f"final.{kind}"
    with Image.open(path) as picture:
        assert picture.size == ((64, 48) if kind == "gif" else (8 * 64, 48))


def test_a_video_put_elsewhere_leaves_the_run_as_it_is(run: Run, tmp_path: Path) -> None:
    before = sorted(run.path.rglob("*"))
    neighbour = tmp_path / "elsewhere" / ".tmp-00000000-of-someone-else"
    neighbour.mkdir(parents=True)
    out = tmp_path / "elsewhere" / "film.mp4"
    assert replay(run, settings=SMALL, out=out) == out
    assert sorted(run.path.rglob("*")) == before
    assert sorted(file.name for file in out.parent.iterdir()) == [neighbour.name, "film.mp4"]


def test_a_table_that_differs_in_the_last_bit_is_told(run: Run, told: list[tuple[str, ...]]) -> None:
    table: Any = pd.read_parquet(run.episodes_file("final"))
    table.loc[1, "distance_m"] = np.nextafter(table.loc[1, "distance_m"], 9.0)
    table.to_parquet(run.episodes_file("final"))
    replay(run, episode=1, settings=SMALL)
    assert all(title.endswith("final policy, unlike the table (another CPU?)") for title, _ in told)
    assert (
        artifacts.read_json(run.path / "provenance" / "replay-final-episode-1.mp4.json")["result"]["agrees_with_table"]
        is False
    )
    assert roll_again(run, episode=2).agrees_with_table is True


def test_without_table_and_ghost_the_configuration_says_how_many_episodes(run: Run) -> None:
    wanted = roll_again(run, episode=3)
    assert wanted.animation.ghost_qpos is not None
    assert wanted.animation.ghost_qpos.shape == wanted.animation.qpos.shape
    run.episodes_file("final").unlink()
    shown = roll_again(run, episode=3, ghost=False)
    assert shown.animation.ghost_qpos is None
    assert shown.agrees_with_table is None
    assert (shown.distance_m, shown.start_phase) == (wanted.distance_m, 0.75)


@pytest.mark.parametrize(
    "damage", [lambda path: path.write_bytes(b"PAR1"), lambda path: pd.DataFrame().to_parquet(path)]
)
def test_a_damaged_table_is_reported(run: Run, damage: Callable[[Path], None]) -> None:
    damage(run.episodes_file("final"))
    with pytest.raises(ArtifactError, match=r"^a table of the run .*episodes\.parquet — .* — make it again"):
        roll_again(run)


def test_what_cannot_be_shown_is_refused(prepare: Callable[..., Run], run: Run, tmp_path: Path) -> None:
    for episode in (-1, 4, 100):
        with pytest.raises(ConfigError, match=rf"^there is no such episode — .* got {episode}, expected 0 to 3$"):
            replay(run, episode=episode, settings=SMALL)
    other = prepare(tmp_path / "other", evaluation={"episodes": 5})
    with pytest.raises(
        ConfigError, match=r"evaluated from different starts — .*other — got 5 episodes, expected 4, as"
    ):
        replay([run, other], grid=True, out=tmp_path / "grid.mp4", settings=SMALL)
    assert not run.videos_directory.exists()


def test_a_grid_shows_runs_side_by_side_from_the_same_start(
    run: Run, evaluated: Run, tmp_path: Path, told: list[tuple[str, ...]]
) -> None:
    out = tmp_path / "grid.mp4"
    before = sorted(run.path.rglob("*"))
    assert replay([run, evaluated], grid=True, out=out, settings=SMALL) == out
    frames = read_video(out)[1]
    assert frames.shape == (5, 48, 128, 3)
    assert len({frame.tobytes() for frame in frames}) == 5
    left, right = frames[:, :, :64].astype(int), frames[:, :, 64:].astype(int)
    assert np.abs(left - right).mean() < 3, "the same run twice"
    assert told[0::2] == told[1::2]
    assert sorted(run.path.rglob("*")) == before
    replay([run, run, run], "init", grid=True, out=out, settings=SMALL)
    assert read_video(out)[1].shape == (5, 96, 128, 3)


def test_all_runs_of_a_grid_show_the_first_ones_episode(
    run: Run, evaluated: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rolled: list[tuple[Run, int]] = []
    other = (roll_again(run).episode + 1) % 4

    def spy(which: Run, *words: Any, **options: Any) -> Replay:
        shown = roll_again(which, *words, **options)
        rolled.append((which, shown.episode))
        # As if the medians of the runs were different episodes.
        return dataclasses.replace(shown, episode=other) if options["episode"] is None else shown

    monkeypatch.setattr(replaying, "roll_again", spy)
    replay([run, evaluated], grid=True, out=tmp_path / "grid.mp4", settings=SMALL)
    assert rolled[1] == (evaluated, other)


@given(hnp.arrays(float, st.integers(1, 40), elements=st.floats(-3, 30)))
def test_the_median_episode_has_the_median_distance(distance_m: np.ndarray) -> None:
    assert distance_m[median_episode(distance_m)] == np.quantile(distance_m, 0.5, method="lower")
