"""Videos are whole or absent: whatever happens to ffmpeg, the disk or OpenGL, an earlier video is untouched."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
from support import BROKEN_EGL, broken_osmesa

from mimicrl.errors import MachineError
from mimicrl.rendering import encode
from mimicrl.runs import Run

REMEDY = "free some space, or apt-get install ffmpeg and set IMAGEIO_FFMPEG_EXE=/usr/bin/ffmpeg"
SMALL = ["--width", 64, "--height", 48, "--fps", 10]


def noise(count: int, size: int = 64) -> Iterator[np.ndarray]:
    """Pictures that cannot be made small, so that ffmpeg must read and write all the time."""
    generator = np.random.default_rng(0)
    return (generator.integers(0, 256, (size, size, 3), np.uint8) for _ in range(count))


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """A video that is already there, alone in its folder."""
    path = tmp_path / "videos" / "final.mp4"
    path.parent.mkdir()
    path.write_bytes(b"an earlier video")
    return path


def assert_untouched(earlier: Path) -> None:
    assert earlier.read_bytes() == b"an earlier video"
    assert [file.name for file in earlier.parent.iterdir()] == [earlier.name]


@pytest.fixture
def ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a script in ffmpeg's place; it finds the real one as $FFMPEG."""
    monkeypatch.setenv("FFMPEG", imageio_ffmpeg.get_ffmpeg_exe())

    def put(script: str) -> None:
        (tmp_path / "ffmpeg").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "ffmpeg").chmod(0o755)
        monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "ffmpeg"))

    return put


DIES = "ffmpeg cannot write the video — {path} — got [Errno 32] Broken pipe — "
INCOMPLETE = "the video is incomplete — {path} — got %d pictures, expected 30 — "
SCRIPTS = {
    "dies at once": ("exit 1", DIES),
    "ends at once as if all was well": ("exit 0", DIES),
    "dies in the middle": ("head -c 20000 > /dev/null; exit 1", DIES),
    "is killed": ("head -c 20000 > /dev/null; kill -9 $$", DIES),
    "fails at the end": ("cat > /dev/null; exit 1", INCOMPLETE % 0),
    "writes nothing": ('case "$*" in *rawvideo*) cat > /dev/null;; *) exec "$FFMPEG" "$@";; esac', INCOMPLETE % 0),
    "leaves out the rest": ('exec "$FFMPEG" -t 0.2 "$@"', INCOMPLETE % 6),
}


@pytest.mark.fault(6)
@pytest.mark.parametrize(("script", "told"), SCRIPTS.values(), ids=SCRIPTS)
def test_an_ffmpeg_that_fails_leaves_the_earlier_video(
    earlier: Path, ffmpeg: Callable[[str], None], script: str, told: str
) -> None:
    ffmpeg(script)
    # The few small pictures fit into the pipe; the others do not.
    pictures = noise(60) if told == DIES else noise(30, 16)
    with pytest.raises(MachineError) as caught:
        encode.write(earlier, pictures, 30.0)
    assert str(caught.value) == told.format(path=earlier) + REMEDY
    assert_untouched(earlier)


@pytest.mark.fault(37)
@pytest.mark.parametrize(
    ("name", "got"),
    [
        ("none", "No such file or directory.*none"),
        ("videos", "Permission denied.*videos"),
        (None, r"No ffmpeg exe could be found\."),
    ],
)
def test_an_ffmpeg_that_cannot_be_run_is_named(
    earlier: Path, monkeypatch: pytest.MonkeyPatch, name: str | None, got: str
) -> None:
    if name is None:
        monkeypatch.delenv("IMAGEIO_FFMPEG_EXE", raising=False)
        monkeypatch.setattr("imageio_ffmpeg._utils._get_ffmpeg_exe", lambda: None)
    else:
        monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(earlier.parents[1] / name))
    with pytest.raises(MachineError, match=rf"^ffmpeg cannot write the video — .*final\.mp4 — got .*{got}"):
        encode.write(earlier, noise(3), 30.0)
    with pytest.raises(MachineError, match=got):
        encode.check_ffmpeg()
    assert_untouched(earlier)


@pytest.mark.fault(3)
def test_a_killed_ffmpeg_is_noticed(earlier: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Popen(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)

    def pictures() -> Iterator[np.ndarray]:
        for number, picture in enumerate(noise(60)):
            if number == 20:
                started[0].kill()
                started[0].wait()
            yield picture

    monkeypatch.setattr(subprocess, "Popen", Popen)
    with pytest.raises(MachineError, match=r"^ffmpeg cannot write the video — .*final\.mp4 — got \[Errno 32\] Broken"):
        encode.write(earlier, pictures(), 30.0)
    assert_untouched(earlier)


def command(*words: object, environment: dict[str, str] | None = None, **options: Any) -> tuple[int, str, str]:
    """Run a command line in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "mimicrl", *map(str, words)],
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        **options,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.fault(6)
@pytest.mark.parametrize(
    ("ending", "told"),
    [
        ("mp4", f"(ffmpeg cannot write the video|the video is incomplete) — .*walk.mp4 — got .* — {REMEDY}"),
        ("gif", "the disk is full — .*walk.gif — got File too large — free some space and run again"),
    ],
)
def test_a_full_disk_is_code_5_and_one_line(tmp_path: Path, ending: str, told: str) -> None:
    path = tmp_path / "videos" / f"walk.{ending}"
    path.parent.mkdir()
    path.write_bytes(b"an earlier video")
    words = ["motion", "play", "gait", "--out", path, "--format", ending, "--seconds", 1]
    code, out, err = command(*words, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)))
    assert (code, out) == (5, "")
    assert re.fullmatch(f"mimicrl motion play: {told}", err.splitlines()[-1])
    assert "Traceback" not in err
    assert_untouched(path)


@pytest.mark.fault(6)
def test_a_replay_that_fails_leaves_video_and_provenance(
    mimicrl: Any, copied_run: Run, ffmpeg: Callable[[str], None]
) -> None:
    run = copied_run
    assert mimicrl("replay", run.path, *SMALL).code == 0
    files = (run.video_file("final.mp4"), run.path / "provenance" / "replay.json")
    before = [file.read_bytes() for file in files]
    ffmpeg("cat > /dev/null; exit 1")
    done = mimicrl("replay", run.path, *SMALL, "--episode", 1)
    assert done.code == 5
    assert done.last.startswith("mimicrl replay: the video is incomplete — ")
    assert [file.read_bytes() for file in files] == before
    assert [file.name for file in files[0].parent.iterdir()] == ["final.mp4"]


# Verbs that need no OpenGL first, then those that do; one process for all, as mujoco is slow to import.
VERBS = """
import sys
from mimicrl.cli import main
for words in sys.stdin.read().splitlines():
    sys.argv = ["mimicrl", *words.split()]
    try:
        main()
    except SystemExit as stopped:
        print("code", stopped.code or 0)
"""


def test_without_opengl_all_works_but_drawing(study: Any, tmp_path: Path) -> None:
    words = [
        f"init {study()} --experiment walk --seed 1 --out run",
        "train run --cores 1",
        "evaluate run --threads 1",
        "doctor --no-video",
        "doctor",
        "replay run",
        "motion play gait --out gait.mp4",
    ]
    environment = os.environ | BROKEN_EGL | broken_osmesa(tmp_path) | {"MUJOCO_GL": "osmesa"}
    options: dict[str, Any] = {"capture_output": True, "text": True, "cwd": tmp_path, "env": environment}
    done = subprocess.run([sys.executable, "-c", VERBS], input="\n".join(words), **options)
    assert [line for line in done.stdout.splitlines() if line.startswith("code")] == ["code 0"] * 4 + ["code 5"] * 3
    assert "OpenGL     not asked for" in done.stdout
    for line, verb in zip(done.stderr.splitlines()[-3:], ("doctor", "replay", "motion play"), strict=True):
        assert line.startswith(f"mimicrl {verb}: cannot draw without OpenGL — MUJOCO_GL=osmesa — got osmesa: ")
    assert (tmp_path / "run" / "episodes.parquet").is_file()
    assert not (tmp_path / "run" / "videos").exists()
    assert not (tmp_path / "gait.mp4").exists()
