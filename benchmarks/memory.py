"""Memory of a long training: ``python -m benchmarks.memory [--quick] [--json FILE]``.

Trains 20 M samples with `mimicrl train` in a separate process. The networks are small, so that the training ends within
minutes. Evaluations, checkpoints, metrics and TensorBoard are on. The resident memory is read twice per second. The
slope is that of a straight line fitted to the second half. In the first half, memory grows because many things are used
for the first time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks import paired, report
from benchmarks.report import Table
from benchmarks.trainers import Trainer

SAMPLES = 20_000_000
TRAINING = {
    "n_envs": 256,
    "n_steps": 64,
    "batch_size": 4096,
    "n_epochs": 1,
    "net_arch": {"pi": [32, 32], "vf": [32, 32]},
}


def tables(*, quick: bool) -> Iterator[Table]:
    """Yield the benchmark's table."""
    samples = SAMPLES // 100 if quick else SAMPLES
    with tempfile.TemporaryDirectory() as folder:
        run = paired.prepare(
            Path(folder) / "long",
            training=TRAINING | {"total_timesteps": samples, "save_freq": samples // 50},
            evaluation={"eval_freq": samples // 20},
        )
        trainer = Trainer(run)
        if trainer.live():
            raise SystemExit(trainer.last_words())
        seconds, memory, files = np.array(trainer.track).T
        half = len(seconds) // 2
        rate = samples / (seconds[-1] - seconds[0])
        slope = float(np.polyfit(seconds[half:], memory[half:], 1)[0])
    row = {
        "samples": samples,
        "samples/s": rate,
        "memory at the start [MB]": memory[0],
        "at half time [MB]": memory[half],
        "at the end [MB]": memory[-1],
        "peak [MB]": memory.max(),
        "slope [MB per million samples]": slope / rate * 1e6,
        "open files, minimum and maximum": f"{files.min():.0f}, {files.max():.0f}",
    }
    yield Table("A long training", [row])


def main() -> None:
    """Run the benchmark."""
    arguments = report.parser(__doc__, "a hundredth of the samples").parse_args()
    report.publish(tables(quick=arguments.quick), arguments)


if __name__ == "__main__":
    main()
