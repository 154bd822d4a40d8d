"""The verbs for motion clips: listed, inspected, drawn and played, and code 3 where they cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest

from mimicrl.motions import MotionClip

SMALL = ["--width", 64, "--height", 48]


def test_motions_are_listed(mimicrl: Any) -> None:
    done = mimicrl("motion", "list")
    assert done.code == 0
    assert {"gait", "FILE.txt", "FILE.npz"} <= {line.split()[0] for line in done.out.splitlines()}


@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG\r"), ("svg", b"<?xml"), ("pdf", b"%PDF-")])
def test_an_inspected_motion_is_drawn_beside_published_gait(
    mimicrl: Any, tmp_path: Path, ending: str, start: bytes
) -> None:
    figure = tmp_path / "new" / f"gait.{ending}"
    done = mimicrl("motion", "inspect", "gait", "--speed", 1.0, "--figure", figure)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("gait-1: ")
    assert figure.read_bytes().startswith(start)


@pytest.mark.parametrize(("name", "got"), [("gait.bmp", ".bmp"), ("gait", "none")])
def test_a_figure_of_an_unknown_format_is_code_2(mimicrl: Any, tmp_path: Path, name: str, got: str) -> None:
    done = mimicrl("motion", "inspect", "gait", "--figure", tmp_path / name)
    assert done.code == 2
    assert done.last.startswith(
        f"mimicrl motion inspect: figures have no such format — {tmp_path / name} — got {got}, "
    )
    assert not list(tmp_path.iterdir())


def test_a_motion_file_is_played_as_a_video(mimicrl: Any, clip: MotionClip, tmp_path: Path) -> None:
    clip.save(tmp_path / "walk.npz")
    out = tmp_path / "new" / "walk.mp4"
    done = mimicrl("motion", "play", tmp_path / "walk.npz", "--out", out, "--seconds", 0.5, "--fps", 20, *SMALL)
    assert done == (0, f"{out}\n", "")
    assert imageio_ffmpeg.count_frames_and_secs(str(out))[0] == 10
    about = next(imageio_ffmpeg.read_frames(str(out)))
    assert (about["size"], about["fps"], about["codec"]) == ((64, 48), 20.0, "h264")


def test_the_generated_walk_is_played_at_any_speed_and_in_another_format(mimicrl: Any, tmp_path: Path) -> None:
    films = {}
    for speed in (0.9, 1.9):
        out = tmp_path / f"{speed}.gif"
        words = ["--out", out, "--format", "gif", "--speed", speed, "--seconds", 0.5, "--fps", 10, *SMALL]
        assert mimicrl("motion", "play", "gait", *words).code == 0
        films[speed] = out.read_bytes()
    assert films[0.9] != films[1.9]
    assert films[0.9].startswith(b"GIF8")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["gait", "--speed", "9"], "no published gait at this speed — motion.speed_mps — got 9.0 m/s"),
        (["none.npz"], "no such motion file — none.npz"),
    ],
)
@pytest.mark.parametrize("verb", [["inspect"], ["play", "--out", "walk.mp4"]])
def test_motions_that_cannot_be_used_are_code_3(mimicrl: Any, verb: list[str], words: list[str], told: str) -> None:
    done = mimicrl("motion", *verb, *words)
    assert done.code == 3
    assert done.err.startswith(f"mimicrl motion {verb[0]}: {told}")
