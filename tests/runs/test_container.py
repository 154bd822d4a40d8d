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


def test_what_lies_in_the_working_directory_is_seen_anyway(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "study.yaml").touch()
    assert container.binds([Path("study.yaml"), tmp_path / "results", Path("nowhere")], tmp_path) == []


def test_what_lies_elsewhere_is_shown_where_it_is(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    file = there / "walk.npz"
    file.touch()
    assert container.binds([file, Path("../there/walk.npz"), Path("../there/none.npz")], here) == [f"{file}:{file}"]


def test_of_a_link_both_ends_are_shown(tmp_path: Path) -> None:
    here, there, data = (tmp_path / name for name in ("here", "there", "data"))
    for folder in (here, there, data):
        folder.mkdir()
    (data / "walk.npz").touch()
    (there / "link.npz").symlink_to(data / "walk.npz")
    (here / "results").symlink_to(data)
    real = data / "walk.npz"
    assert container.binds([there / "link.npz"], here) == [f"{real}:{there / 'link.npz'}", f"{real}:{real}"]
    assert container.binds([Path("results")], here) == [f"{data}:{data}"]


def test_what_the_user_binds_stays_and_nothing_is_bound_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.setenv("APPTAINER_BIND", "/data")
    monkeypatch.delenv("APPTAINER_CONFIGDIR", raising=False)
    monkeypatch.setattr(container, "_PASSED", ())
    for _ in range(2):  # a job on another machine inherits what was set, and sets it again
        found = container.environment([tmp_path], tmp_path / "here", "image.json")
        assert found == {
            "APPTAINER_BIND": f"/data,{tmp_path}:{tmp_path}",
            "APPTAINER_CONFIGDIR": str(tmp_path / "here" / ".snakemake" / "apptainer"),
            "APPTAINERENV_MIMICRL_IMAGE": "image.json",
        }
        monkeypatch.setenv("APPTAINER_BIND", found["APPTAINER_BIND"])


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


def test_a_cluster_tells_its_job_inside_too_and_a_folder_that_the_user_chose_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    monkeypatch.setenv("SECRET", "x")
    monkeypatch.setenv("APPTAINER_CONFIGDIR", "/scratch")
    found = container.environment([], tmp_path, "image.json")
    assert found["APPTAINERENV_SLURM_JOB_ID"] == "17"
    assert found["APPTAINERENV_CUDA_VISIBLE_DEVICES"] == "1"
    assert found["APPTAINER_CONFIGDIR"] == "/scratch"
    assert "APPTAINERENV_SECRET" not in found


@pytest.mark.parametrize("name", ["a,b", "a:b"])
def test_a_name_that_apptainer_would_take_apart_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / name).touch()
    with pytest.raises(ConfigError) as told:
        container.binds([tmp_path / name], tmp_path / "here")
    assert str(told.value) == (f"a container cannot be shown this — {tmp_path / name} — take , and : out of the name")
