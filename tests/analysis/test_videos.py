"""An experiment shows its median walker, from its first step on, in a page that does not grow too large."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimicrl.analysis import videos as filmed_runs
from mimicrl.analysis.study import StudyResults, load
from mimicrl.errors import ArtifactError, MachineError

RUNS = {1: "completed", 2: "completed", 3: "completed", 4: "diverged", 5: "diverged", 6: "not trained"}
REWARDS = {"walk/seed_1": 0.5, "walk/seed_2": 0.9, "walk/seed_3": 0.8, "walk/seed_4": 0.95, "walk/seed_5": 0.2}


# --- which one ---


@pytest.mark.parametrize(
    ("filmed", "shown", "rivals"),
    [
        ((1, 2, 3), 3, 3),
        ((1, 2), 1, 2),
        ((2, 4), 2, 1),
        ((4, 5), 5, 2),
        ((4, 6), 4, 1),
    ],
)
def test_it_is_the_median_walker_and_a_diverged_one_only_for_want_of_others(
    make_study: Callable[..., Path], film: Callable[..., Path], filmed: tuple[int, ...], shown: int, rivals: int
) -> None:
    results = load(make_study({"walk": RUNS}))
    videos = {seed: film(results.directory / f"walk/seed_{seed}/videos/final.mp4") for seed in filmed}
    clip = filmed_runs.choose(results.runs, REWARDS)
    assert clip is not None
    assert (clip.run.seed, clip.rivals) == (shown, rivals)
    assert clip.data == filmed_runs.cut(videos[shown], filmed_runs.SECONDS)
    assert [run.seed for run in clip.others] == [seed for seed in filmed if seed not in (shown, 6)]
    reversed_ = filmed_runs.choose(results.runs[::-1], REWARDS)
    assert reversed_ is not None and reversed_.run is clip.run


def test_of_equal_rewards_it_is_the_lower_seed(make_study: Callable[..., Path], film: Callable[..., Path]) -> None:
    results = load(make_study({"walk": {1: "completed", 2: "completed"}}))
    for run in results.runs:
        film(run.path / "videos/final.mp4")
    clip = filmed_runs.choose(results.runs[::-1], {run.name: 0.9 for run in results.runs})
    assert clip is not None and clip.run.seed == 1


def test_without_a_video_there_is_no_clip(results: StudyResults) -> None:
    assert filmed_runs.choose(results.experiments["walk"], REWARDS) is None


# --- its beginning ---


def test_a_cut_video_has_the_first_seconds_and_can_play_while_it_loads(
    film: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = film(tmp_path / "a:b c.mp4", seconds=13)
    data = filmed_runs.cut(video, 10)
    monkeypatch.chdir(tmp_path)
    assert filmed_runs.cut(Path(video.name), 10) == data
    assert data.index(b"moov") < data.index(b"mdat")
    (tmp_path / "cut.mp4").write_bytes(data)
    frames, seconds = imageio_ffmpeg.count_frames_and_secs(str(tmp_path / "cut.mp4"))
    assert seconds == pytest.approx(10, abs=0.3)
    assert frames == pytest.approx(300, abs=9)


def test_what_is_no_video_is_told(tmp_path: Path) -> None:
    video = tmp_path / "walk" / "seed_1" / "videos" / "final.mp4"
    video.parent.mkdir(parents=True)
    video.write_bytes(b"nothing")
    with pytest.raises(ArtifactError) as caught:
        filmed_runs.cut(video, 10)
    message = rf"a video cannot be read — {video} — got \S.* — mimicrl replay {tmp_path}/walk/seed_1"
    assert re.fullmatch(message, str(caught.value))


def test_a_machine_without_ffmpeg_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> str:
        raise RuntimeError("No ffmpeg exe could be found.")

    monkeypatch.setattr(filmed_runs.imageio_ffmpeg, "get_ffmpeg_exe", nowhere)
    with pytest.raises(MachineError, match=r"there is no ffmpeg — got No ffmpeg exe could be found. — pip install"):
        filmed_runs.cut(tmp_path / "x.mp4", 10)


# --- inside the page ---


def test_an_address_holds_the_whole_video() -> None:
    data = bytes(range(256))
    kind, content = filmed_runs.data_uri(data).split(",")
    assert (kind, base64.b64decode(content)) == ("data:video/mp4;base64", data)


@given(st.dictionaries(st.text(), st.binary(max_size=2000), max_size=8), st.integers(-1000, 20_000))
def test_the_smallest_that_fit_are_shown_and_no_more_would_fit(videos: dict[str, bytes], room: int) -> None:
    shown = filmed_runs.fitting(videos, room)
    sizes = {name: len(filmed_runs.data_uri(data)) for name, data in videos.items()}
    assert sum(sizes[name] for name in shown) <= max(room, 0)
    linked = videos.keys() - set(shown)
    assert max((sizes[name] for name in shown), default=0) <= min((sizes[name] for name in linked), default=10**9)
    around = 200 * (len(shown) + 1)
    assert all(sum(sizes[name] for name in shown) + sizes[other] + around > room for other in linked)
