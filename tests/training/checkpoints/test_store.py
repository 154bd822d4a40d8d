"""Checkpoints: a state written and restored is the same to the last bit, and the last two valid ones are kept."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import numpy as np
import pytest
from checkpoint_files import FILES, FINGERPRINT, save, unreadable

from mimicrl import artifacts, faultpoints
from mimicrl.learning.ppo import MimicPPO
from mimicrl.training.checkpoints import store
from mimicrl.training.checkpoints.store import FORMAT


def samples_left(directory: Path) -> list[int]:
    assert sorted(path.name for path in directory.iterdir()) == [
        f"step-{samples:012d}" for samples in sorted(store.samples_saved(directory))
    ]
    return store.samples_saved(directory)


def test_the_last_two_are_kept(saved: Path) -> None:
    assert samples_left(saved) == [384, 256]
    assert sorted(path.name for path in (saved / "step-000000000384").iterdir()) == sorted(FILES)


def test_a_checkpoint_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    arrays = {"mine": np.arange(3, dtype=np.uint8), "number": np.array(2.5)}
    state = {"num_timesteps": 7, "offsets": {"metrics": 7}}
    path = store.save(tmp_path, FINGERPRINT, 7, arrays, state)
    found, problems = store.newest(tmp_path, FINGERPRINT)
    assert problems == []
    assert found is not None
    assert (found.path, found.samples, found.state) == (path, 7, state)
    assert found.arrays.keys() == arrays.keys()
    for name, array in arrays.items():
        assert (found.arrays[name].dtype, found.arrays[name].tolist()) == (array.dtype, array.tolist())


def test_an_absent_folder_has_no_checkpoint(tmp_path: Path) -> None:
    assert store.newest(tmp_path / "none", FINGERPRINT) == (None, [])


def test_all_damage_is_told(saved: Path) -> None:
    for name in ("step-000000000384", "step-000000000256"):
        (saved / name / "state.json").unlink()
    found, problems = store.newest(saved, FINGERPRINT)
    assert found is None
    assert ["384" in problems[0], "256" in problems[1]] == [True, True]


def test_other_names_are_no_checkpoints(last: Path) -> None:
    for name in ("step-000000000384.bak", "step-00000000abcd", "step-384", "step-9999999999999", ".tmp-0-step-1"):
        (last.parent / name).mkdir()
    assert store.samples_saved(last.parent) == [384, 256]
    found, problems = store.newest(last.parent, FINGERPRINT)
    assert found is not None
    assert found.path == last
    assert problems == []
    store.remove_all(last.parent)
    assert store.samples_saved(last.parent) == []
    assert len(list(last.parent.iterdir())) == 5


def test_what_is_damaged_on_the_disk_does_not_count_among_the_two_that_are_kept(
    saved: Path, learners: list[MimicPPO]
) -> None:
    (saved / "step-000000000384" / "state.json").unlink()
    save(saved, learners[0], 512)
    assert samples_left(saved) == [512, 384, 256], "else a second damage would leave none"
    save(saved, learners[0], 640)
    assert samples_left(saved) == [640, 512]


def test_one_that_cannot_be_read_stops_no_save_and_does_not_count(
    saved: Path, learners: list[MimicPPO], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        unreadable(patch, saved / "step-000000000384" / "state.json", errno.EIO)
        save(saved, learners[0], 512)
    assert samples_left(saved) == [512, 384, 256]


def test_checkpoints_beyond_the_start_are_set_aside(saved: Path, learners: list[MimicPPO]) -> None:
    content = (saved / "step-000000000384" / "tensors.safetensors").read_bytes()
    for _ in range(2):  # the second one takes the place of the first
        store.set_aside_newer(saved, 256)
        assert store.samples_saved(saved) == [256]
        assert sorted(path.name for path in saved.iterdir()) == ["aside-step-000000000384", "step-000000000256"]
        assert (saved / "aside-step-000000000384" / "tensors.safetensors").read_bytes() == content
        save(saved, learners[0], 384)


def test_starting_from_nothing_removes_also_the_one_of_no_samples(learners: list[MimicPPO], tmp_path: Path) -> None:
    save(tmp_path, learners[0], 0, 128)
    assert samples_left(tmp_path) == [128, 0]
    store.remove_all(tmp_path)
    assert samples_left(tmp_path) == []


def test_the_manifest_is_written_last_and_the_name_given_after_it(
    learners: list[MimicPPO], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, seen = tmp_path / "checkpoints", {}

    def look(name: str) -> None:
        seen[name] = sorted(path.name for path in folder.glob("*/*")), store.samples_saved(folder)

    monkeypatch.setattr(faultpoints, "reach", look)
    save(folder, learners[0], 128)
    assert seen == {
        "directory.made": ([], []),
        "checkpoint.tensors": (["tensors.safetensors"], []),
        "checkpoint.state": (["state.json", "tensors.safetensors"], []),
        **dict.fromkeys(("directory.written", "directory.synced", "directory.aside"), (sorted(FILES), [])),
        **dict.fromkeys(("directory.renamed", "checkpoint.saved", "checkpoint.pruned"), (sorted(FILES), [128])),
    }


def test_the_manifest_says_what_stands_beside_it(last: Path) -> None:
    manifest = json.loads((last / "manifest.json").read_text())
    assert (manifest["format"], manifest["fingerprint"]) == (FORMAT, FINGERPRINT)
    assert set(manifest["files"]) == set(FILES[:2])
    for name, told in manifest["files"].items():
        assert told == {"bytes": (last / name).stat().st_size, "sha256": artifacts.file_sha256(last / name)}
