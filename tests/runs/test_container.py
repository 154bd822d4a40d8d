"""What a step knows of the container it runs in, and what a container must be shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mimicrl import artifacts
from mimicrl.errors import ConfigError
from mimicrl.runs import container
from mimicrl.runs.records import ImageRecord

LABELS = {"mimicrl.version": "0.1.0", "mimicrl.commit": "abc", "mimicrl.changed": "false", "build-date": "today"}
Inside = Any


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inside:
    """Makes this process one in a container: ``inside(labels, record=…)``; returns the image's file."""
    image = tmp_path / "x.sif"
    image.write_bytes(b"an image")

    def enter(labels: Any = LABELS, record: Any = None) -> Path:
        (tmp_path / "labels.json").write_text(json.dumps(labels))
        monkeypatch.setattr(container, "_LABELS", tmp_path / "labels.json")
        monkeypatch.setenv("APPTAINER_CONTAINER", str(image))
        monkeypatch.delenv(container.RECORD, raising=False)
        if record is not None:
            (tmp_path / "image.json").write_text(json.dumps(record))
            monkeypatch.setenv(container.RECORD, str(tmp_path / "image.json"))
        return image

    return enter


def test_on_the_host_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(container.RECORD, "image.json")
    assert container.current() == container.HOST
    assert container.code(container.current()) is None


def test_a_step_of_a_study_takes_the_digest_that_was_made_once(inside: Inside) -> None:
    record = {"image": "/x.sif", "sha256": "cd" * 32, "version": "0.1.0", "commit": "abc", "labels": LABELS}
    inside(record=record)
    assert container.current() == ImageRecord(**record)


@pytest.mark.parametrize(
    "record", [None, [], {}, {"sha256": "none"}, {"sha256": "cd" * 32, "labels": LABELS | {"build-date": "yesterday"}}]
)
def test_a_record_of_another_image_does_not_count(inside: Inside, record: Any) -> None:
    image = inside(record=record)
    found = container.current()
    assert (found.image, found.sha256) == (str(image), artifacts.file_sha256(image))
    assert (found.version, found.commit, found.labels) == ("0.1.0", "abc", LABELS)


def test_an_image_that_cannot_be_seen_from_within_is_unknown(inside: Inside) -> None:
    inside(labels={}).unlink()
    found = container.current()
    assert (found.sha256, found.version, found.commit) == ("unknown", "unknown", "unknown")


@pytest.mark.parametrize(("changed", "dirty"), [("false", False), ("true", True), ("unknown", True)])
def test_the_code_of_an_image_is_told_like_that_of_a_checkout(inside: Inside, changed: str, dirty: bool) -> None:
    inside(labels=LABELS | {"mimicrl.changed": changed})
    assert container.code(container.current()) == ("abc", dirty)


def test_the_record_of_a_study_follows_its_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record, image = tmp_path / "image.json", tmp_path / "x.sif"
    container.refresh(record, image)
    assert not record.exists(), "the rule makes it"
    image.write_bytes(b"image")
    monkeypatch.setattr(container, "inspect", lambda _: {"built": "today"})
    container.HOST.write(record)
    container.refresh(record, image)
    made = ImageRecord.read(record)
    assert made == container.describe(image)
    assert made.labels == {"built": "today"}
    before = record.stat().st_ino
    container.refresh(record, image)
    assert record.stat().st_ino == before
    container.refresh(record, None)
    assert ImageRecord.read(record) == container.HOST


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A working directory with a link out of it, beside other folders."""
    for name in ("here", "there", "data"):
        (tmp_path / name).mkdir()
    for name in ("here/study.yaml", "there/walk.npz", "there/a,b", "there/a:b", "data/walk.npz"):
        (tmp_path / name).touch()
    (tmp_path / "there" / "link.npz").symlink_to(tmp_path / "data" / "walk.npz")
    (tmp_path / "here" / "results").symlink_to(tmp_path / "data")
    return tmp_path / "here"


@pytest.mark.parametrize(
    ("name", "mounted"),
    [
        ("study.yaml", []),
        ("../there/none.npz", []),
        ("../there/walk.npz", ["{}/there/walk.npz:{}/there/walk.npz"]),
        ("../there/link.npz", ["{}/data/walk.npz:{}/there/link.npz", "{}/data/walk.npz:{}/data/walk.npz"]),
        ("results", ["{}/data:{}/data"]),
    ],
)
def test_what_lies_outside_the_working_directory_is_mounted(here: Path, name: str, mounted: list[str]) -> None:
    expected = [bind.format(here.parent, here.parent) for bind in mounted]
    assert container.binds([Path(name), here / name], here) == expected


@pytest.mark.parametrize("name", ["a,b", "a:b"])
def test_a_name_that_apptainer_would_take_apart_is_refused(here: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=rf"^a container cannot be shown this — .*{name} — take , and : out of"):
        container.binds([Path("..") / "there" / name], here)


def test_the_environment_of_a_container_says_what_a_job_needs(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"APPTAINER_BIND": "/data", "SLURM_JOB_ID": "17", "SECRET": "x"}.items():
        monkeypatch.setenv(name, value)
    for name in ("APPTAINER_CONFIGDIR", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    expected = {
        "APPTAINER_BIND": f"/data,{here.parent}:{here.parent}",
        "APPTAINER_CONFIGDIR": str(here / ".snakemake" / "apptainer"),
        "APPTAINERENV_MIMICRL_IMAGE": "image.json",
        "APPTAINERENV_SLURM_JOB_ID": "17",
    }
    assert container.environment([here.parent], here, "image.json") == expected
    # A job on another machine inherits what was set, and sets it again. The user may choose the folder and the card.
    monkeypatch.setenv("APPTAINER_BIND", expected["APPTAINER_BIND"])
    monkeypatch.setenv("APPTAINER_CONFIGDIR", "/scratch")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    expected |= {"APPTAINER_CONFIGDIR": "/scratch", "APPTAINERENV_CUDA_VISIBLE_DEVICES": "1"}
    assert container.environment([here.parent], here, "image.json") == expected
