"""A graphics card whose memory is full, as it is when somebody else uses it too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from mimicrl.errors import MachineError
from mimicrl.training.learner import Learner
from mimicrl.training.logs import read_json_lines
from mimicrl.training.train import train


@pytest.mark.parametrize("place", ["__init__", "update", "values"])
def test_training_tells_what_to_do_and_goes_on_later(
    prepare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    run, undisturbed = prepare(tmp_path / "run"), prepare(tmp_path / "undisturbed")
    with monkeypatch.context() as patch:
        patch.setattr(Learner, place, full)
        with pytest.raises(MachineError, match=r"^the graphics card's memory is full — .* Tried to allocate 2\.00 GiB"):
            train(run, threads=1)
    file = run.training_directory / "attempts.jsonl"
    attempts = read_json_lines(file) if file.exists() else []
    assert [attempt["why"] for attempt in attempts] == ["the graphics card's memory is full"] * (place != "__init__")
    train(run, threads=1)
    train(undisturbed, threads=1)
    weights = [(each.policy_directory("final") / "policy.safetensors").read_bytes() for each in (run, undisturbed)]
    assert weights[0] == weights[1]
