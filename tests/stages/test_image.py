"""`image`, where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mimicrl.runs import container
from mimicrl.runs.records import ImageRecord


def test_the_host_is_recorded_as_no_image(mimicrl: Any, tmp_path: Path) -> None:
    assert mimicrl("image", "--out", tmp_path / "image.json").code == 0
    assert ImageRecord.read(tmp_path / "image.json") == container.HOST


def test_a_missing_image_is_told(mimicrl: Any, tmp_path: Path) -> None:
    done = mimicrl("image", tmp_path / "x.sif", "--out", tmp_path / "image.json")
    assert done.code == 3
    assert not (tmp_path / "image.json").exists()
    expected = f"mimicrl image: there is no image of the container — {tmp_path / 'x.sif'} — build it: make container"
    assert done.last == expected
