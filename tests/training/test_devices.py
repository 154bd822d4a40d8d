"""What a machine lacks is told before training."""

from __future__ import annotations

import pytest
import torch

from mimicrl import provenance
from mimicrl.config import TrainingConfig
from mimicrl.errors import ConfigError, MachineError
from mimicrl.training import devices


def test_updates_are_the_processors_by_default() -> None:
    assert devices.require(TrainingConfig()) == torch.device("cpu")


def test_a_machine_without_a_graphics_card_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    expected = r"^there is no graphics card that PyTorch can use — training.device — got cuda"
    with pytest.raises(ConfigError, match=expected):
        devices.require(TrainingConfig(device="cuda"))


def test_a_graphics_card_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert devices.require(TrainingConfig(device="cuda")) == torch.device("cuda")


def test_a_processor_without_bfloat16_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "cpu", lambda: {"vector_instructions": ["avx2", "avx512f"]})
    expected = r"^this processor has no products in bfloat16 — training.matmul — got bfloat16"
    with pytest.raises(ConfigError, match=expected):
        devices.require(TrainingConfig(matmul="bfloat16"))


def test_a_precision_lasts_as_long_as_its_block() -> None:
    settings = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before = settings.fp32_precision
    with pytest.raises(KeyError), devices.products_in("bfloat16"):
        assert settings.fp32_precision == "bf16"
        raise KeyError
    assert settings.fp32_precision == before
    with devices.products_in("float32"):
        assert settings.fp32_precision == before


def test_a_full_graphics_card_is_told_with_what_to_do() -> None:
    expected = (
        r"^the graphics card's memory is full — training.device cuda — got CUDA out of memory. Tried to allocate 2 GiB"
        r" — end what else uses the card,"
    )
    with pytest.raises(MachineError, match=expected), devices.card_memory():
        raise torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate 2 GiB")


def test_other_errors_pass_as_they_are() -> None:
    with pytest.raises(RuntimeError, match=r"^shapes$"), devices.card_memory():
        raise RuntimeError("shapes")
