"""Videos in the report: one of an experiment is inside the page, as far as there is room, the others are linked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from analysis.pages import Page, part

from mimicrl import artifacts
from mimicrl.analysis import videos
from mimicrl.analysis.report import page
from mimicrl.analysis.study import load


@pytest.mark.parametrize(
    ("filmed", "shown", "words"),
    [
        ((1, 2, 3), 3, "Seed 3, the median by imitation reward of the 3 with a video."),
        ((4,), 4, "Seed 4, the only one with a video."),
        ((1,), 1, "Seed 1, the only one with a video."),
        ((1, 4), 1, "Seed 1, the only completed one with a video."),
        ((1, 2, 4), 1, "Seed 1, the median by imitation reward of the 2 completed ones with a video."),
    ],
)
def test_a_video_is_inside_the_page_and_it_and_the_others_are_linked(
    make_study: Callable[..., Path], film: Callable[..., Path], filmed: tuple[int, ...], shown: int, words: str
) -> None:
    runs = {1: "completed", 2: "completed", 3: "completed", 4: "diverged"}
    rewards = {("walk", seed): {"reward": reward} for seed, reward in zip(runs, (0.5, 0.9, 0.8, 0.7), strict=True)}
    directory = make_study({"walk": runs}, figures=rewards)
    for seed in filmed:
        film(directory / f"walk/seed_{seed}/videos/final.mp4")
    text = part(page(load(directory), {}), "section", "videos")
    assert words in Page(text).text
    assert ("diverged" in Page(text).text) == (shown == 4)
    (video,) = Page(text).all("video")
    assert video["aria-label"] == f"walk, seed {shown}"
    assert video["src"] == videos.data_uri(
        videos.cut(directory / f"walk/seed_{shown}/videos/final.mp4", videos.SECONDS)
    )
    assert set(Page(text).values("href")) == {f"walk/seed_{seed}/videos/final.mp4" for seed in filmed}


@pytest.mark.parametrize(("agrees", "told"), [(True, False), (None, False), (False, True)])
def test_a_video_tells_its_episode_and_whether_it_is_the_table_s(
    make_study: Callable[..., Path], film: Callable[..., Path], agrees: bool | None, told: bool
) -> None:
    directory = make_study({"walk": {1: "completed"}})
    film(directory / "walk/seed_1/videos/final.mp4")
    result = {"episode": 12, "distance_m": 23.81, "duration_s": 20.0, "agrees_with_table": agrees}
    artifacts.write_json(directory / "walk/seed_1/provenance/replay.json", {"result": result})
    words = Page(part(page(load(directory), {}), "section", "videos")).text
    assert "Episode 12: 23.8 m in 20.0 s." in words
    assert ("This replay differs from the evaluated episode. Here" in words) == told


def test_a_page_that_grows_too_large_links_its_largest_videos(
    make_study: Callable[..., Path], film: Callable[..., Path]
) -> None:
    directory = make_study({name: {1: "completed"} for name in ("small", "middle", "large")})
    for name, size in (("small", "64x48"), ("middle", "320x240"), ("large", "640x480")):
        film(directory / name / "seed_1/videos/final.mp4", seconds=2, size=size)
    results = load(directory)
    whole, none = len(page(results, {}).encode()), len(page(results, {}, 0).encode())
    shown = []
    for limit in (*range(none, whole, (whole - none) // 6), whole + 1000):
        text = page(results, {}, limit)
        assert len(text.encode()) <= limit
        shown.append([video["aria-label"].split(",")[0] for video in Page(text).all("video")])
        assert Page(text).text.count("Too large for this page") == 3 - len(shown[-1])
    assert shown[0] == []
    assert shown[-1] == ["small", "middle", "large"]
    assert shown == sorted(shown, key=len)
    assert all(names == shown[-1][: len(names)] for names in shown)
