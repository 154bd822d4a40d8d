"""Checkpoints: a state written and restored is the same to the last bit, and damage of any file is noticed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from mimicrl import artifacts, faultpoints
from mimicrl.errors import ArtifactError
from mimicrl.training import checkpoint
from mimicrl.training.checkpoint import FORMAT
from mimicrl.training.ppo import MimicPPO

FINGERPRINT = "0123456789ab"
FILES = ("tensors.safetensors", "state.json", "manifest.json")


def samples_left(directory: Path) -> list[int]:
    assert sorted(path.name for path in directory.iterdir()) == [
        f"step-{samples:012d}" for samples in sorted(checkpoint.samples_saved(directory))
    ]
    return checkpoint.samples_saved(directory)


def save(directory: Path, model: MimicPPO, *samples: int) -> None:
    before = model.num_timesteps
    for model.num_timesteps in samples:
        checkpoint.save(directory, FINGERPRINT, model, {"seconds": 1.5})
    model.num_timesteps = before


@pytest.fixture
def saved(learners: list[MimicPPO], tmp_path: Path) -> Path:
    """A folder with checkpoints of 128, 256 and 384 samples, of which two are left."""
    save(tmp_path / "checkpoints", learners[0], 128, 256, 384)
    return tmp_path / "checkpoints"


@pytest.fixture
def last(saved: Path) -> Path:
    """The newest of them."""
    return saved / "step-000000000384"


def problem_of(last: Path) -> str:
    """What is told of the newest checkpoint, which is not taken."""
    found, problems = checkpoint.newest(last.parent, FINGERPRINT)
    assert found is not None and found.samples == 256
    assert len(problems) == 1
    return problems[0]


def test_the_last_two_are_kept(saved: Path) -> None:
    assert samples_left(saved) == [384, 256]
    assert sorted(path.name for path in (saved / "step-000000000384").iterdir()) == sorted(FILES)


def test_a_checkpoint_comes_back_as_it_was_saved(learners: list[MimicPPO], tmp_path: Path) -> None:
    one, other = learners
    path = checkpoint.save(tmp_path, FINGERPRINT, one, {"offsets": {"metrics": 7}})
    found, problems = checkpoint.newest(tmp_path, FINGERPRINT)
    assert found is not None and problems == [] and found.path == path
    assert (found.samples, found.state["extra"]) == (one.num_timesteps, {"offsets": {"metrics": 7}})
    checkpoint.restore(found, other)
    again = checkpoint.save(tmp_path / "again", FINGERPRINT, other, {"offsets": {"metrics": 7}})
    for file in FILES:
        assert (path / file).read_bytes() == (again / file).read_bytes(), file


def test_an_absent_folder_has_no_checkpoint(tmp_path: Path) -> None:
    assert checkpoint.newest(tmp_path / "none", FINGERPRINT) == (None, [])


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_was_cut_is_told(last: Path, name: str, share: float) -> None:
    data = (last / name).read_bytes()
    left = min(int(share * len(data)), len(data) - 2)  # the manifest's last byte alone is the end of its line
    (last / name).write_bytes(data[:left])
    if name == "manifest.json":
        assert problem_of(last).startswith(f"not valid JSON — {last / name} — got ")
    else:
        assert problem_of(last) == (
            f"a checkpoint's file was cut — {last / name} — got {left} bytes, expected {len(data)}"
        )


@pytest.mark.parametrize("place", [0.0, 0.01, 0.5, 1.0])
@pytest.mark.parametrize("name", FILES[:2])
def test_a_flipped_bit_is_told(last: Path, name: str, place: float) -> None:
    data = bytearray((last / name).read_bytes())
    data[int(place * (len(data) - 1))] ^= 1
    (last / name).write_bytes(data)
    assert problem_of(last) == f"a checkpoint's file was changed — {last / name} — got another sha256"


def test_no_bit_of_the_manifest_can_be_flipped_unseen(last: Path) -> None:
    manifest = last / "manifest.json"
    data = bytearray(manifest.read_bytes())
    beginnings = set()
    for bit in range(8 * len(data)):
        data[bit // 8] ^= 1 << bit % 8
        manifest.write_bytes(data)
        beginnings.add(problem_of(last).partition(" — ")[0])
        data[bit // 8] ^= 1 << bit % 8
    assert beginnings == {
        "not valid JSON",
        "a checkpoint of another format",
        "a checkpoint of another fingerprint",
        "a checkpoint's file was cut",
        "a checkpoint's file was changed",
        "a checkpoint's manifest is damaged",
    }


@pytest.mark.parametrize("name", FILES)
def test_a_lost_file_is_told(last: Path, name: str) -> None:
    (last / name).unlink()
    what = "a file of the run cannot be read" if name == "manifest.json" else "a checkpoint is incomplete"
    assert problem_of(last) == f"{what} — {last / name} — got No such file or directory"


def drop(*keys: str) -> Callable[[Any], Any]:
    def change(manifest: Any) -> Any:
        inner = manifest
        for key in keys[:-1]:
            inner = inner[key]
        del inner[keys[-1]]
        return manifest

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda _: [], "a checkpoint's manifest is damaged — {} — got TypeError "),
        (lambda _: None, "a checkpoint's manifest is damaged — {} — got TypeError "),
        (lambda _: "format", "a checkpoint's manifest is damaged — {} — got TypeError "),
        (lambda _: 2, "a checkpoint's manifest is damaged — {} — got TypeError "),
        (lambda _: {}, "a checkpoint's manifest is damaged — {} — got KeyError 'format'"),
        (drop("fingerprint"), "a checkpoint's manifest is damaged — {} — got KeyError 'fingerprint'"),
        (drop("files"), "a checkpoint's manifest is damaged — {} — got KeyError 'files'"),
        (drop("files", "state.json"), "a checkpoint's manifest is damaged — {} — got KeyError 'state.json'"),
        (drop("files", "state.json", "bytes"), "a checkpoint's manifest is damaged — {} — got KeyError 'bytes'"),
        (drop("files", "state.json", "sha256"), "a checkpoint's manifest is damaged — {} — got KeyError 'sha256'"),
        (lambda old: old | {"files": list(FILES)}, "a checkpoint's manifest is damaged — {} — got TypeError "),
        (lambda old: old | {"files": {name: 7 for name in FILES}}, "a checkpoint's manifest is damaged — {} — got Ty"),
        (lambda old: old | {"format": 2}, f"a checkpoint of another format — {{}} — got 2, expected {FORMAT}"),
        (
            lambda old: old | {"format": str(FORMAT)},
            f"a checkpoint of another format — {{}} — got {FORMAT}, expected {FORMAT}",
        ),
        (
            lambda old: old | {"format": [FORMAT]},
            f"a checkpoint of another format — {{}} — got [{FORMAT}], expected {FORMAT}",
        ),
        (
            lambda old: old | {"fingerprint": "ba9876543210"},
            "a checkpoint of another fingerprint — {} — got ba9876543210, expected 0123456789ab",
        ),
    ],
)
def test_a_manifest_of_another_shape_is_told(last: Path, change: Callable[[Any], Any], told: str) -> None:
    manifest = last / "manifest.json"
    artifacts.write_json(manifest, change(artifacts.read_json(manifest)))
    assert problem_of(last).startswith(told.format(manifest))


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_a_manifest_nested_without_an_end_is_told(last: Path, opening: str) -> None:
    (last / "manifest.json").write_text(100_000 * opening)
    assert problem_of(last).startswith(f"not valid JSON — {last / 'manifest.json'} — got ")


def put(path: Path, name: str, data: bytes) -> None:
    """Give a checkpoint another file, with a manifest that says so."""
    manifest = artifacts.read_json(path / "manifest.json")
    manifest["files"][name] = {"bytes": len(data), "sha256": artifacts.sha256(data)}
    artifacts.write_json(path / "manifest.json", manifest)
    (path / name).write_bytes(data)


@pytest.mark.parametrize("value", ["drop", None, "text", 1.5, {"a": 1}, [1]])
@pytest.mark.parametrize("key", ["num_timesteps", "n_updates", "episodes", "python_random", "numpy_gauss", "extra"])
def test_counters_of_other_types_are_told(last: Path, key: str, value: Any) -> None:
    counters = artifacts.read_json(last / "state.json")
    if type(value) is type(counters[key]):
        value = None
    if value == "drop":
        del counters[key]
    else:
        counters[key] = value
    put(last, "state.json", artifacts.json_bytes(counters))
    told = problem_of(last)
    assert told.startswith(f"a checkpoint's counters are damaged — {last / 'state.json'} — got {key} ")
    assert re.search(r", expected (int|list|dict)$", told)


@pytest.mark.parametrize("content", [b"[]", b"7", b"null", b'"num_timesteps"'])
def test_counters_that_are_no_object_are_told(last: Path, content: bytes) -> None:
    put(last, "state.json", content)
    assert problem_of(last).startswith("a checkpoint's counters are damaged — ")


@pytest.mark.parametrize("content", [b"", b"\x00", b"\xff" * 64, b"\x02\x00\x00\x00\x00\x00\x00\x00[]"])
def test_arrays_that_are_none_are_told(last: Path, content: bytes) -> None:
    put(last, "tensors.safetensors", content)
    assert problem_of(last).startswith(f"a checkpoint's arrays are damaged — {last / 'tensors.safetensors'} — got ")


def test_a_checkpoint_under_the_name_of_a_later_one_is_told(last: Path) -> None:
    for file in FILES:
        (last / file).write_bytes((last.parent / "step-000000000256" / file).read_bytes())
    assert problem_of(last) == f"a checkpoint under another's name — {last} — got 256 samples"


def test_all_damage_is_told(saved: Path) -> None:
    for name in ("step-000000000384", "step-000000000256"):
        (saved / name / "state.json").unlink()
    found, problems = checkpoint.newest(saved, FINGERPRINT)
    assert found is None
    assert ["384" in problems[0], "256" in problems[1]] == [True, True]


def test_other_names_are_no_checkpoints(last: Path) -> None:
    for name in ("step-000000000384.bak", "step-00000000abcd", "step-384", "step-9999999999999", ".tmp-0-step-1"):
        (last.parent / name).mkdir()
    assert checkpoint.samples_saved(last.parent) == [384, 256]
    found, problems = checkpoint.newest(last.parent, FINGERPRINT)
    assert found is not None and found.path == last and problems == []
    checkpoint.remove_newer(last.parent, 0)
    assert checkpoint.samples_saved(last.parent) == []


def test_what_is_damaged_on_the_disk_does_not_count_among_the_two_that_are_kept(
    saved: Path, learners: list[MimicPPO]
) -> None:
    (saved / "step-000000000384" / "state.json").unlink()
    save(saved, learners[0], 512)
    assert samples_left(saved) == [512, 384, 256], "else a second damage would leave none"
    save(saved, learners[0], 640)
    assert samples_left(saved) == [640, 512]


def test_checkpoints_beyond_the_start_are_removed(saved: Path) -> None:
    checkpoint.remove_newer(saved, 256)
    assert samples_left(saved) == [256]
    checkpoint.remove_newer(saved, 0)
    assert samples_left(saved) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda old: {"more": old["random.numpy"]}, "got more int64 (625,), expected nothing"),
        (lambda old: {"last_observations": old["last_observations"][:2]}, "got last_observations float32 (2, 29), exp"),
        (lambda old: {"policy.log_std": old["policy.log_std"] * float("nan")}, "got policy.log_std"),
    ],
)
def test_one_that_does_not_fit_is_refused_before_anything_changes(
    last: Path, learners: list[MimicPPO], tmp_path: Path, change: Any, told: str
) -> None:
    arrays = load_tensors((last / "tensors.safetensors").read_bytes())
    put(last, "tensors.safetensors", save_tensors(arrays | change(arrays)))
    found, problems = checkpoint.newest(last.parent, FINGERPRINT)
    assert found is not None and not problems
    model = learners[0]
    before = checkpoint.save(tmp_path / "before", FINGERPRINT, model, {})
    with pytest.raises(ArtifactError) as caught:
        checkpoint.restore(found, model)
    assert caught.value.where == str(last) and told in str(caught.value)
    assert str(caught.value).endswith(" — start from nothing with --resume never")
    after = checkpoint.save(tmp_path / "after", FINGERPRINT, model, {})
    assert [(before / file).read_bytes() for file in FILES] == [(after / file).read_bytes() for file in FILES]


def test_the_manifest_is_written_last_and_the_name_given_after_it(
    learners: list[MimicPPO], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, seen = tmp_path / "checkpoints", {}

    def look(name: str) -> None:
        seen[name] = sorted(path.name for path in folder.glob("*/*")), checkpoint.samples_saved(folder)

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
    assert (manifest["format"], manifest["fingerprint"], set(manifest["files"])) == (
        FORMAT,
        FINGERPRINT,
        set(FILES[:2]),
    )
    for name, told in manifest["files"].items():
        assert told == {"bytes": (last / name).stat().st_size, "sha256": artifacts.file_sha256(last / name)}
