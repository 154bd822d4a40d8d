"""Checkpoints as files: saved without a training, changed so that their manifests agree, not to be read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mimicrl import artifacts
from mimicrl.learning.ppo import MimicPPO
from mimicrl.training.checkpoints import snapshot, store
from mimicrl.training.checkpoints.record import TrainingRecord

FINGERPRINT = "0123456789ab"
FILES = ("tensors.safetensors", "state.json", "manifest.json")


def save(directory: Path, model: MimicPPO, *samples: int) -> None:
    """Save checkpoints of a learner as it is, as if after so many samples each."""
    for count in samples:
        counters: dict[str, Any] = snapshot.counters(model) | {"num_timesteps": count, "seconds": 1.5}
        record = TrainingRecord(**counters)
        store.save(directory, FINGERPRINT, count, snapshot.arrays(model), record.model_dump(mode="json"))


def put(path: Path, name: str, data: bytes) -> None:
    """Give a checkpoint another file."""
    manifest = artifacts.read_json(path / "manifest.json")
    manifest["files"][name] = {"bytes": len(data), "sha256": artifacts.sha256(data)}
    artifacts.write_json(path / "manifest.json", manifest)
    (path / name).write_bytes(data)


def change_state(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change what a checkpoint's counters are."""
    content = artifacts.read_json(path / "state.json")
    change(content)
    put(path, "state.json", artifacts.json_bytes(content))


def unreadable(monkeypatch: pytest.MonkeyPatch, path: Path, number: int) -> None:
    """Have the system fail whenever a file, or a folder, is read."""

    def failing(name: str) -> Callable[..., Any]:
        real = getattr(Path, name)

        def read(asked: Path, *words: Any) -> Any:
            if asked == path:
                raise OSError(number, os.strerror(number))
            return real(asked, *words)

        return read

    for name in ("read_bytes", "iterdir"):
        monkeypatch.setattr(Path, name, failing(name))
