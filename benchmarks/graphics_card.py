"""What a graphics card does for learning: ``python -m benchmarks.graphics_card [--quick] [--json FILE]``.

The first two tables have whole iterations of PPO, rollout and update: the environments step and the policy acts on the
processor either way. The third has updates of one rollout, on one core, on two and on the card, by the networks' width
and the size of a minibatch. A sample is a control step of one environment; ratios are of wall times within a round.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from benchmarks import paired, report
from benchmarks.report import Table
from benchmarks.stacks import Stacks
from benchmarks.training import MICRO, PAPER, PAPER_TASK, compare, ready, update

CARD: dict[str, Any] = {"device": "cuda"}
ONE, TWO, THERE = "one core", "two cores", "the card"
SIZES = ((256, 128), (512, 2048), (1024, 2048))


def updates(stacks: Stacks, rounds: int, sizes: tuple[tuple[int, int], ...]) -> Table:
    """Compare updates of 16,384 samples and 4 epochs."""
    rows = []
    for width, minibatch in sizes:
        setting = PAPER | {"torch_threads": 1, "actor": [width, width], "critic": [width, width]}
        setting |= {"minibatch": minibatch}
        contenders = {}
        for where, changes, threads in ((ONE, {}, 1), (TWO, {}, 2), (THERE, CARD, 1)):
            model = ready(stacks.model(setting | changes, {}, threads))
            contenders[where] = partial(update, model, 1)
        slices = paired.alternate(contenders, rounds)
        row: dict[str, Any] = {"networks": f"2 × {width}", "minibatch": minibatch}
        row |= {f"{where}, µs a sample": paired.cost(mine, "wall", MICRO) for where, mine in slices.items()}
        rows.append(row | {"the card, times two cores": paired.times(slices[THERE], slices[TWO], "wall")})
    return Table("Updates of 16,384 samples, 4 epochs", rows)


def iterations(stacks: Stacks, rounds: int, name: str, training: dict[str, Any], mimic: dict[str, int]) -> Table:
    """Compare whole iterations of a setting."""
    contenders = {"the processor": stacks.ours(training, mimic), THERE: stacks.ours(training | CARD, mimic)}
    return Table(f"Iterations, {name}", list(compare(contenders, rounds, "the processor")))


def tables(*, quick: bool) -> Iterator[Table]:
    """Yield the benchmark's tables."""
    if not torch.cuda.is_available():
        raise SystemExit("there is no graphics card to measure")
    rounds = 1 if quick else 3
    with TemporaryDirectory() as folder, Stacks(Path(folder)) as stacks:
        yield iterations(stacks, rounds, "the default preset", {}, {})
        wide = PAPER | {"torch_threads": 1, "n_envs": 256, "n_steps": 64}
        yield iterations(stacks, rounds, "2 × 512, 256 environments, 200 Hz, physics at 1000 Hz", wide, PAPER_TASK)
        yield updates(stacks, rounds, SIZES[:1] if quick else SIZES)


def main() -> None:
    """Run the benchmark."""
    arguments = report.arguments(__doc__, "one size, one round")
    report.publish(tables(quick=arguments.quick), arguments.json)


if __name__ == "__main__":
    main()
