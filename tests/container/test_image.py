"""The image itself: what it says of itself, what it leaves alone, and its two ways to draw."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import images
import numpy as np
import pytest
from snakemake_calls import ROOT
from support import Done, read_video

from mimicrl import __version__, artifacts
from mimicrl.runs import container, provenance

LOOK_AROUND = """
import json, os, pathlib, socket
def writable(folder):
    try:
        pathlib.Path(folder, "trial").write_text("")
    except OSError:
        return False
    return True
places = ["/", "/opt", "/opt/mimicrl", "/opt/venv", "/usr", "/tmp"]
print(json.dumps({
    "writable": [place for place in places if writable(place)],
    "network": [name for _, name in socket.if_nameindex()],
    "home": os.listdir(os.environ["HOME"]),
    "environment": {name: os.environ.get(name) for name in ("MUJOCO_GL", "OMP_NUM_THREADS", "XDG_CACHE_HOME")},
}))
"""


def test_the_labels_say_what_it_was_made_from(image: Path) -> None:
    labels = container.inspect(image)
    assert labels["mimicrl.version"] == __version__
    assert labels["mimicrl.code_sha256"] == provenance.code_sha256()
    assert labels["mimicrl.lock_sha256"] == artifacts.file_sha256(ROOT / "containers" / "requirements.lock")
    told = container.describe(image)
    assert told.sha256 == artifacts.file_sha256(image)
    assert told.labels == labels


def test_an_image_of_the_same_sources_is_not_built_again(image: Path) -> None:
    before = image.stat()
    assert images.image() == image
    assert image.stat().st_ino == before.st_ino


def test_inside_nothing_but_the_given_folder_can_be_written_and_there_is_no_network(
    image: Path, tmp_path: Path
) -> None:
    options = [*images.ISOLATED, "--home", str(tmp_path)]
    code, output = images.execute(["python", "-c", LOOK_AROUND], *options, folder=tmp_path)
    assert code == 0, output
    found = json.loads(output.splitlines()[-1])
    assert found["writable"] == ["/tmp"]
    assert found["network"] == ["lo"]
    assert found["home"] == []
    assert found["environment"]["MUJOCO_GL"] == "egl"
    assert found["environment"]["OMP_NUM_THREADS"] == "1"
    assert found["environment"]["XDG_CACHE_HOME"].startswith("/tmp/")


def test_run_is_the_command_line(image: Path) -> None:
    command = ["timeout", "60", "apptainer", "--quiet", "run", "--userns", str(image), "train", "/nowhere"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "mimicrl train: " in done.stderr


def test_both_ways_to_draw_give_the_same_video(image: Path, finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished / "results" / "smoke" / "walk" / "seed_1", tmp_path / "run")
    pictures = {}
    for backend in ("egl", "osmesa"):
        options = [*images.ISOLATED, "--env", f"MUJOCO_GL={backend}", "--home", str(tmp_path)]
        code, output = images.execute(["mimicrl", "replay", "run"], *options, folder=tmp_path)
        assert code == 0, output
        record = artifacts.read_json(tmp_path / "run" / "provenance" / "replay.json")
        assert record["result"]["backend"] == backend
        assert record["result"]["agrees_with_table"]
        assert record["container"]["version"] == __version__
        pictures[backend] = read_video(tmp_path / "run" / "videos" / "final.mp4")[1].astype(float)
    assert pictures["egl"].std() > 10.0
    assert np.abs(pictures["egl"] - pictures["osmesa"]).mean() < 1.0


@pytest.mark.parametrize("content", [None, b"no image"])
def test_what_is_no_image_is_told(
    image: Path, tmp_path: Path, mimicrl: Callable[..., Done], content: bytes | None
) -> None:
    file = tmp_path / "x.sif"
    if content is not None:
        file.write_bytes(content)
    done = mimicrl("image", file)
    assert done.code == 3
    told = "there is no image of the container" if content is None else "this is no image of a container"
    assert done.last.startswith(f"mimicrl image: {told} — {file}")
    assert done.last.endswith("build it: make container")
