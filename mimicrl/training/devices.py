"""Where PPO assesses and learns, how precisely an update's products are computed, and a card whose memory is full."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

from mimicrl import provenance
from mimicrl.config import TrainingConfig
from mimicrl.errors import ConfigError, MachineError

_BFLOAT16 = ("amx_bf16", "avx512_bf16", "avx10")


def require(config: TrainingConfig) -> torch.device:
    """Return the device that assesses rollouts and learns from them.

    Args:
        config: The hyper-parameters.

    Raises:
        ConfigError: This machine lacks the graphics card or the processor's bfloat16 that they ask for.
    """
    if config.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            "there is no graphics card that PyTorch can use",
            where="training.device",
            got="cuda",
            expected=f"a card and a build of PyTorch for it (this one is {torch.__version__})",
            fix="set it to cpu, install PyTorch's build for CUDA, or give the job a card (docs/cluster.md)",
        )
    if config.matmul == "bfloat16":
        has = provenance.cpu()["vector_instructions"]
        if not any(flag.startswith(_BFLOAT16) for flag in has):
            raise ConfigError(
                "this processor has no products in bfloat16",
                where="training.matmul",
                got="bfloat16",
                expected=f"one of its instruction sets {', '.join(_BFLOAT16)}",
                fix="set it to float32",
            )
    return torch.device(config.device)


@contextmanager
def products_in(precision: Literal["float32", "bfloat16"]) -> Iterator[None]:
    """Have the processor's products round their factors to a precision while the block runs; sums stay in float32."""
    settings = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before = settings.fp32_precision
    if precision == "bfloat16":
        settings.fp32_precision = "bf16"
    try:
        yield
    finally:
        settings.fp32_precision = before


@contextmanager
def card_memory() -> Iterator[None]:
    """Tell what to do where the graphics card's memory does not suffice for the block.

    Raises:
        MachineError: It does not.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise MachineError(
            "the graphics card's memory is full",
            where="training.device cuda",
            got=" ".join(str(error).split()),
            fix="end what else uses the card, make networks or minibatch smaller, or set training.device to cpu",
        ) from error
