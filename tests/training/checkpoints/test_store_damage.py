"""No damage of a checkpoint's files goes unseen, and what cannot be read now does not count as damaged."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from checkpoint_files import FILES, FINGERPRINT, put, unreadable

from mimicrl import artifacts
from mimicrl.errors import MachineError
from mimicrl.training.checkpoints import store
from mimicrl.training.checkpoints.store import FORMAT


def problem_of(last: Path) -> str:
    """What is told of the newest checkpoint, which is not taken."""
    found, problems = store.newest(last.parent, FINGERPRINT)
    assert found is not None
    assert found.samples == 256
    assert len(problems) == 1
    return problems[0]


@pytest.mark.fault(7)
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


@pytest.mark.fault(8)
@pytest.mark.parametrize("place", [0.0, 0.01, 0.5, 1.0])
@pytest.mark.parametrize("name", FILES[:2])
def test_a_flipped_bit_is_told(last: Path, name: str, place: float) -> None:
    data = bytearray((last / name).read_bytes())
    data[int(place * (len(data) - 1))] ^= 1
    (last / name).write_bytes(data)
    assert problem_of(last) == f"a checkpoint's file was changed — {last / name} — got another sha256"


@pytest.mark.fault(8)
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
    assert problem_of(last) == f"a checkpoint is incomplete — {last / name} — got No such file or directory"


@pytest.mark.fault(9)
@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.ESTALE])
@pytest.mark.parametrize("name", [*FILES, ".."])
def test_one_that_cannot_be_read_now_is_no_damaged_one(
    last: Path, monkeypatch: pytest.MonkeyPatch, name: str, number: int
) -> None:
    place = last.parent if name == ".." else last / name
    with monkeypatch.context() as patch, pytest.raises(MachineError) as caught:
        unreadable(patch, place, number)
        store.newest(last.parent, FINGERPRINT)
    assert str(caught.value) == (
        f"a checkpoint cannot be read — {place} — got {os.strerror(number)} — "
        "check the disk and the permissions, then run the same command again"
    )
    found, problems = store.newest(last.parent, FINGERPRINT)
    assert found is not None and found.path == last and problems == [], "when the disk works again"


def drop(*keys: str) -> Callable[[Any], Any]:
    def change(manifest: Any) -> Any:
        inner = manifest
        for key in keys[:-1]:
            inner = inner[key]
        del inner[keys[-1]]
        return manifest

    return change


@pytest.mark.fault(12)
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


@pytest.mark.parametrize("content", [b"[]", b"7", b"null", b'"num_timesteps"'])
def test_counters_that_are_no_object_are_told(last: Path, content: bytes) -> None:
    put(last, "state.json", content)
    assert problem_of(last) == f"a checkpoint under another's name — {last} — got None samples"


@pytest.mark.parametrize("content", [b"", b"\x00", b"\xff" * 64, b"\x02\x00\x00\x00\x00\x00\x00\x00[]"])
def test_arrays_that_are_none_are_told(last: Path, content: bytes) -> None:
    put(last, "tensors.safetensors", content)
    assert problem_of(last).startswith(f"a checkpoint's arrays are damaged — {last / 'tensors.safetensors'} — got ")


def test_a_checkpoint_under_the_name_of_a_later_one_is_told(last: Path) -> None:
    for file in FILES:
        (last / file).write_bytes((last.parent / "step-000000000256" / file).read_bytes())
    assert problem_of(last) == f"a checkpoint under another's name — {last} — got 256 samples"
