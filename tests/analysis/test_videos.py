"""An experiment shows the video of its median walker, from its first step on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimicrl.analysis.load import load_results
from mimicrl.analysis.report import videos
from mimicrl.errors import ArtifactError, MachineError

RUNS = {1: "completed", 2: "completed", 3: "completed", 4: "diverged", 5: "diverged", 6: "not trained", 7: "completed"}
REWARDS = {1: 0.5, 2: 0.9, 3: 0.8, 4: 0.95, 5: 0.2, 7: 0.9}


@pytest.mark.parametrize(
    ("filmed", "shown", "candidates"),
    [((1, 2, 3), 3, 3), ((1, 2), 1, 2), ((2, 4), 2, 1), ((4, 5), 5, 2), ((4, 6), 4, 1), ((2, 7), 2, 2), ((), None, 0)],
)
def test_it_is_the_median_walker_and_a_diverged_one_only_for_want_of_others(
    make_study: Callable[..., Path], filmed: tuple[int, ...], shown: int | None, candidates: int
) -> None:
    figures = {("walk", seed): {"reward": reward} for seed, reward in REWARDS.items()}
    directory = make_study({"walk": RUNS}, figures=figures)
    for seed in filmed:
        video = directory / f"walk/seed_{seed}/videos/final.mp4"
        video.parent.mkdir(parents=True)
        video.touch()
    runs = load_results(directory).runs
    for choice in (videos.choose(runs), videos.choose(runs[::-1])):
        assert (choice and choice.run.seed) == shown
        if choice:
            assert choice.candidates == candidates
            assert {run.seed for run in choice.others} == set(filmed) - {shown, 6}


def test_its_beginning_is_short_and_can_play_while_it_loads(
    film: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = film(tmp_path / "a:b c.mp4", seconds=13)
    data = videos.beginning(video, 10)
    monkeypatch.chdir(tmp_path)
    assert videos.beginning(Path(video.name), 10) == data
    assert data.index(b"moov") < data.index(b"mdat")
    (tmp_path / "cut.mp4").write_bytes(data)
    frames, seconds = imageio_ffmpeg.count_frames_and_secs(str(tmp_path / "cut.mp4"))
    assert seconds == pytest.approx(10, abs=0.3)
    assert frames == pytest.approx(300, abs=9)


def test_a_file_that_is_no_video_is_named(tmp_path: Path) -> None:
    video = tmp_path / "seed_1" / "videos" / "final.mp4"
    video.parent.mkdir(parents=True)
    video.write_bytes(b"nothing")
    message = rf"^a video cannot be read — {video} — got \S.* — mimicrl replay {tmp_path}/seed_1$"
    with pytest.raises(ArtifactError, match=message):
        videos.beginning(video, 10)


def test_a_machine_without_ffmpeg_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> str:
        raise RuntimeError("No ffmpeg exe could be found.")

    monkeypatch.setattr(videos.imageio_ffmpeg, "get_ffmpeg_exe", nowhere)
    with pytest.raises(MachineError, match=r"there is no ffmpeg — got No ffmpeg exe could be found. — pip install"):
        videos.beginning(tmp_path / "x.mp4", 10)


@given(st.dictionaries(st.text(), st.text(max_size=2000), max_size=8), st.integers(-1000, 20_000))
def test_the_smallest_that_fit_are_shown_and_no_more_would_fit(addresses: dict[str, str], room: int) -> None:
    shown = videos.that_fit(addresses, room)
    assert shown.items() <= addresses.items()
    used = sum(map(len, shown.values()))
    assert used <= max(room, 0)
    linked = [len(address) for name, address in addresses.items() if name not in shown]
    assert max(map(len, shown.values()), default=0) <= min(linked, default=10**9)
    for size in linked:
        assert used + size + 200 * (len(shown) + 1) > room
