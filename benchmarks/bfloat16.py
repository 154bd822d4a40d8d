"""What matrix products in bfloat16 do to learning: ``python -m benchmarks.bfloat16 [--quick] [--json FILE]``.

Trains the default preset with five seeds to its budget of 0.4 M samples, once with ``training.matmul: float32`` and
once with ``bfloat16``, and shows how good the walks are along the way, at evaluations of 20 episodes of 20 s. How fast
either is, ``python -m benchmarks.training`` shows.

Where the processor has no such products, both factors of each are rounded to bfloat16 beforehand and multiplied in
float32. That is what the instructions compute but for the order in which a sum's terms are added, as both multiply
exactly and add in float32, and for products too small for it (m · n · k ≤ 16³), which PyTorch leaves in float32; only
the time is another's.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from benchmarks import learning, report
from benchmarks.learning import BUDGET, SEEDS
from benchmarks.report import Table
from mimicrl import cli
from mimicrl.config import TrainingConfig
from mimicrl.errors import ConfigError
from mimicrl.training import devices

PRECISIONS = ("float32", "bfloat16")
QUARTERS = 4  # of the budget, after which walks are shown
_PRODUCTS = {"mm": 2, "addmm": 3}  # of an update, and where their factors end among the arguments


def has_bfloat16() -> bool:
    """Return whether this processor multiplies in bfloat16."""
    try:
        devices.require(TrainingConfig(matmul="bfloat16"))
    except ConfigError:
        return False
    return True


@contextmanager
def rounded_products() -> Iterator[None]:
    """Have `torch.mm` and `torch.addmm` round both factors to bfloat16 while the block runs; sums stay in float32."""
    with ExitStack() as patches:
        for name, end in _PRODUCTS.items():
            patches.enter_context(mock.patch.object(torch, name, _rounding(getattr(torch, name), end)))
        yield


def _rounding(product: Any, end: int) -> Any:
    def call(*tensors: torch.Tensor, **keywords: Any) -> torch.Tensor:
        factors = (tensor.bfloat16().float() for tensor in tensors[end - 2 : end])
        return product(*tensors[: end - 2], *factors, **keywords)

    return call


def _products_in(precision: str) -> AbstractContextManager[None]:
    """Take `mimicrl.training.devices.products_in`'s place."""
    return rounded_products() if precision == "bfloat16" else nullcontext()


def tables(*, quick: bool) -> Iterator[Table]:
    """Yield the tables: reward, joint error and speed error on the way, and medians of the first success."""
    budget, seeds = (80_000, SEEDS[:1]) if quick else (BUDGET, SEEDS)
    milestones = tuple(budget * quarter // QUARTERS for quarter in range(1, QUARTERS + 1))
    rows, medians = [], []
    with tempfile.TemporaryDirectory() as name:
        for precision in PRECISIONS:
            content = learning.experiment(None, budget, training={"total_timesteps": budget, "matmul": precision})
            results = []
            for seed in seeds:
                run = learning.prepare(Path(tempfile.mkdtemp(dir=name)), content, seed)
                results.append(learning.train(run, module="benchmarks.bfloat16", milestones=milestones))
                about = {"products in": precision, "seed": seed, "samples to first success": results[-1].samples}
                told = results[-1].milestones
                rows.append(about | {f"at {milestone / 1e6:g} M": told.get(milestone) for milestone in milestones})
            medians.append({"products in": precision, "samples to first success": learning.median(results).samples})
    computed = "in hardware" if has_bfloat16() else "by rounding the factors"
    yield Table(f"The default preset; bfloat16 {computed}", rows)
    yield Table("Medians", medians)


def main() -> None:
    """Run the benchmark, or, called as ``mimicrl train`` is, that with rounded products where it needs them."""
    if sys.argv[1:2] == ["train"]:
        if not has_bfloat16():
            devices.products_in = _products_in  # type: ignore[assignment]
            devices.require = lambda config: torch.device("cpu")
        cli.main()
    arguments = report.arguments(__doc__, "one seed, 80,000 samples")
    report.publish(tables(quick=arguments.quick), arguments.json)


if __name__ == "__main__":
    main()
