"""Videos play everywhere, show what was drawn, and equal pictures are equal files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import read_video

from mimicrl.errors import ConfigError, MachineError
from mimicrl.rendering import encode


def pictures(count: int, height: int = 48, width: int = 64) -> Iterator[np.ndarray]:
    """A bright bar on a dark ground, wandering down."""
    for number in range(count):
        picture = np.full((height, width, 3), 30, np.uint8)
        picture[(4 * number) % height :][:8] = (220, 200, 120)
        yield picture


def boxes(path: Path) -> list[str]:
    """The names of an mp4's outermost boxes, in order (ISO/IEC 14496-12, 4.2)."""
    data, place, found = path.read_bytes(), 0, []
    while place < len(data):
        found.append(data[place + 4 : place + 8].decode())
        place += int.from_bytes(data[place : place + 4], "big")
    assert place == len(data)
    return found


def assert_shows(frame: np.ndarray, drawn: np.ndarray) -> None:
    """Up to what compression loses."""
    assert np.abs(frame.astype(int) - drawn).mean() < 8


@pytest.mark.parametrize(
    ("height", "width", "fps", "count"), [(48, 64, 30.0, 30), (33, 97, 12.5, 5), (16, 16, 60.0, 1), (50, 34, 24.0, 47)]
)
def test_an_mp4_is_h264_that_starts_to_play_while_it_loads(
    tmp_path: Path, height: int, width: int, fps: float, count: int
) -> None:
    path = tmp_path / "new" / "folder" / "film.mp4"
    assert encode.write(path, pictures(count, height, width), fps) == count
    about, frames = read_video(path)
    assert about["codec"] == "h264"
    assert about["pix_fmt"].startswith("yuv420p(")
    assert about["fps"] == fps
    assert frames.shape == (count, height + height % 2, width + width % 2, 3)
    order = boxes(path)
    assert order[0] == "ftyp"
    assert order.index("moov") < order.index("mdat")
    assert [file.name for file in path.parent.iterdir()] == ["film.mp4"]


def test_a_video_shows_the_pictures_in_their_order(tmp_path: Path) -> None:
    encode.write(tmp_path / "film.mp4", pictures(10), 30.0)
    for shown, drawn in zip(read_video(tmp_path / "film.mp4")[1], pictures(10), strict=True):
        assert_shows(shown, drawn)


@pytest.mark.parametrize("kind", ["mp4", "gif", "png"])
def test_equal_pictures_are_equal_files(tmp_path: Path, kind: encode.Format) -> None:
    for folder in ("one", "other"):
        encode.write(tmp_path / folder / f"{folder}.{kind}", pictures(20), 30.0, kind)
    one, other = (tmp_path / folder / f"{folder}.{kind}" for folder in ("one", "other"))
    assert one.read_bytes() == other.read_bytes()
    assert b"Lavf" not in one.read_bytes(), "the version of what wrote it is left out"
    encode.write(one, pictures(19), 30.0, kind)
    assert one.read_bytes() != other.read_bytes()


@pytest.mark.parametrize("fps", [10.0, 24.0, 30.0, 50.0])
def test_a_gif_repeats_for_ever_at_the_right_speed(tmp_path: Path, fps: float) -> None:
    path = tmp_path / "film.GIF"
    assert encode.write(path, pictures(10, 33, 47), fps, "gif") == 10
    with Image.open(path) as film:
        assert (film.format, film.size, film.n_frames, film.info["loop"]) == ("GIF", (47, 33), 10, 0)  # type: ignore[attr-defined]
        length_ms = 0
        for number, drawn in enumerate(pictures(10, 33, 47)):
            film.seek(number)
            length_ms += film.info["duration"]
            assert_shows(np.asarray(film.convert("RGB")), drawn)
    assert length_ms == pytest.approx(10_000 / fps, abs=10)


@pytest.mark.parametrize("count", [1, 5])
def test_a_strip_has_the_pictures_side_by_side(tmp_path: Path, count: int) -> None:
    assert encode.write(tmp_path / "film.png", pictures(count), 30.0, "png") == count
    drawn = list(pictures(count))
    with Image.open(tmp_path / "film.png") as strip:
        assert strip.format == "PNG"
        np.testing.assert_array_equal(np.asarray(strip), np.concatenate(drawn, axis=1))


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [
        ("a.gif", "mp4", "the video's ending is not that of its format — {path} — got .gif, expected .mp4 — change"),
        ("a", "mp4", "the video's ending is not that of its format — {path} — got none, expected .mp4 — change"),
        ("a.b", "png", "the video's ending is not that of its format — {path} — got .b, expected .png — change"),
        ("a.gif", "gif", "a GIF cannot be that fast — --fps — got 60, expected at most 50"),
    ],
)
def test_what_cannot_be_in_a_format_is_refused(tmp_path: Path, name: str, kind: encode.Format, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        encode.write(tmp_path / name, pictures(2), 60.0, kind)
    assert str(caught.value).startswith(told.format(path=tmp_path / name))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["mp4", "gif", "png"])
@pytest.mark.parametrize("error", [ValueError("a defect"), MachineError("no OpenGL"), KeyboardInterrupt()], ids=repr)
def test_pictures_that_end_in_an_error_leave_the_earlier_video(
    tmp_path: Path, kind: encode.Format, error: BaseException
) -> None:
    def broken() -> Iterator[np.ndarray]:
        yield from pictures(5)
        raise error

    path = tmp_path / f"film.{kind}"
    path.write_bytes(b"earlier")
    with pytest.raises(type(error)) as caught:
        encode.write(path, broken(), 30.0, kind)
    assert caught.value is error
    assert path.read_bytes() == b"earlier"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_the_ffmpeg_that_is_there_writes_a_video_and_has_a_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert encode.check_ffmpeg().split(".")[0].strip("nN-").isdigit()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("films", "rows", "columns"), [(1, 1, 1), (2, 1, 2), (3, 2, 2), (4, 2, 2), (5, 2, 3)])
def test_films_stand_side_by_side_in_a_grid_and_one_that_has_ended_keeps_its_last_picture(
    films: int, rows: int, columns: int
) -> None:
    def tile(number: int) -> Iterator[np.ndarray]:
        return (np.full((4, 6, 3), 10 * number + time, np.uint8) for time in range(number + 1))

    frames = list(encode.side_by_side([tile(number) for number in range(films)]))
    assert len(frames) == films
    for time, frame in enumerate(frames):
        values = [10 * number + min(time, number) for number in range(films)] + [255] * (rows * columns - films)
        expected = np.array(values, np.uint8).reshape(rows, columns)
        np.testing.assert_array_equal(frame, np.kron(expected, np.ones((4, 6), np.uint8))[..., None].repeat(3, axis=2))


def test_a_place_that_cannot_be_written_is_told_as_such(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(MachineError, match=r"^cannot write a file — /proc/film\.mp4 — .* — check the path"):
        encode.write(Path("/proc/film.mp4"), pictures(3), 30.0)
    assert capfd.readouterr().err == ""
