"""What training costs: ``python -m benchmarks.training [--quick] [--json FILE]``.

The programs run alternately. In each turn, a program does one complete PPO iteration: a rollout and an update.

* In the first table all programs use the setting of the DRLoco paper: networks of 2 × 512, 16,384 samples per update in
  batches of 2,048, 4 epochs, control at 200 Hz, physics at 1000 Hz, two cores. It compares the *classic stack*
  (`benchmarks.classic`, with two PyTorch threads per operation), this project, and sbx (PPO in JAX) on this project's
  environments, if sbx is installed.
* The second table compares the default preset with the classic stack in its usual set-up (8 environments, 100 Hz,
  2 × 512) and with the preset's own hyper-parameters.
* The third table shows which part of an iteration takes how long. A rollout also contains the critic's values for the
  samples and the bookkeeping of Stable-Baselines3. The table does not list these two.
* The fourth table shows what a second core brings to an update.
* The fifth table compares the matrix products of an update with the processor's peak: for the default preset with
  networks of growing width, and for the paper's setting.

A sample is a control step of one environment. Ratios are of wall times within one round.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.callbacks import BaseCallback

from benchmarks import paired, report
from benchmarks.paired import Work
from benchmarks.report import Table
from benchmarks.stacks import Stacks
from mimicrl.learning.ppo import MimicPPO

PAPER: dict[str, Any] = {
    "n_envs": 64,
    "n_steps": 256,
    "batch_size": 2048,
    "n_epochs": 4,
    "net_arch": {"pi": [512, 512], "vf": [512, 512]},
    "activation_fn": "tanh",
    "cores": 2,
}
PAPER_TASK = {"control_hz": 200, "physics_hz": 1000}
USUAL_TASK = {"control_hz": 100}
CLASSIC = "classic stack"
OURS = "mimicrl"
WAYS = {"one core": 1, "two cores": 2}
MICRO = 1e6


class _Quiet(BaseCallback):
    def _on_step(self) -> bool:
        return True


def compare(contenders: dict[str, Work], rounds: int, *bases: str) -> Iterator[dict[str, Any]]:
    """Let contenders take turns. Yield one row for each, with its ratios to `bases`."""
    slices = paired.alternate(contenders, rounds)
    for name, mine in slices.items():
        yield {
            "stack": name,
            "samples/s": paired.rate(mine),
            "CPU µs per sample": paired.cost(mine, "cpu", MICRO),
            **{f"times {base}": paired.times(mine, slices[base], "wall") for base in bases},
        }


def paper(stacks: Stacks, rounds: int, scale: dict[str, Any]) -> Table:
    """Compare all stacks at the paper's setting."""
    setting = PAPER | scale
    samples = setting["n_envs"] * setting["n_steps"]
    eight = setting | {"n_envs": 8, "n_steps": samples // 8}
    many = setting | {"n_envs": 4 * setting["n_envs"], "n_steps": setting["n_steps"] // 4}
    contenders = {
        f"{CLASSIC}, n = 8": stacks.classic(eight, PAPER_TASK),
        f"{CLASSIC}, n = {setting['n_envs']}": stacks.classic(setting, PAPER_TASK),
        f"{OURS}, n = {setting['n_envs']}": stacks.ours(setting, PAPER_TASK),
        f"{OURS}, n = {many['n_envs']}": stacks.ours(many, PAPER_TASK),
    }
    if importlib.util.find_spec("sbx"):
        contenders[f"sbx, n = {setting['n_envs']}"] = stacks.sbx(setting, PAPER_TASK)
        contenders[f"sbx, n = {many['n_envs']}"] = stacks.sbx(many, PAPER_TASK)
    title = f"2 × {setting['net_arch']['pi'][0]}, {samples:,} samples per update, 200 Hz, physics at 1000 Hz, 2 cores"
    return Table(title, list(compare(contenders, rounds, f"{CLASSIC}, n = 8")))


def preset(stacks: Stacks, rounds: int, scale: dict[str, Any]) -> Table:
    """Compare the default preset with the classic stack: in its usual set-up, and with equal hyper-parameters."""
    usual, alike = f"{CLASSIC}, as usual", f"{CLASSIC}, the preset's hyper-parameters"
    contenders = {
        usual: stacks.classic(PAPER | {"n_envs": 8, "n_steps": 2048} | scale, USUAL_TASK),
        alike: stacks.classic({}, {}),
        f"{OURS}, default preset": _several(stacks.ours({}, {}), 8),
    }
    return Table("The default preset", list(compare(contenders, rounds, usual, alike)))


def _several(work: Work, times: int) -> Work:
    return lambda: sum(work() for _ in range(times))


def parts(stacks: Stacks, repeats: int, scale: dict[str, Any]) -> Table:
    """Measure the parts of an iteration."""
    rows = []
    for name, training, mimic in (("default preset", {}, {}), ("2 × 512 and 200 Hz", PAPER | scale, PAPER_TASK)):
        model = stacks.model(training, mimic)
        model._setup_learn(10**8, _Quiet())
        callback = _Quiet()
        callback.init_callback(model)
        samples = model.n_envs * model.n_steps
        observations = np.asarray(model._last_obs)
        actions = model.learner.act(observations)

        def collect(model: MimicPPO = model, callback: BaseCallback = callback) -> object:
            return model.collect_rollouts(model.normalizer, callback, model.rollout_buffer, model.n_steps)

        def steps(model: MimicPPO = model, actions: np.ndarray = actions) -> None:
            for _ in range(model.n_steps):
                model.normalizer.step(actions)

        def acts(model: MimicPPO = model, observations: np.ndarray = observations) -> None:
            for _ in range(model.n_steps):
                model.learner.act(observations)

        rows.append(
            {
                "setting": name,
                "rollout": _best(collect, repeats) / samples * MICRO,
                "of which stepping": _best(steps, repeats) / samples * MICRO,
                "of which acting": _best(acts, repeats) / samples * MICRO,
                "update": _best(model.train, repeats) / samples * MICRO,
            }
        )
    return Table("Where the time goes, in µs of wall time per sample (the best of several repeats)", rows)


def cores(stacks: Stacks, rounds: int, scale: dict[str, Any]) -> Table:
    """Compare updates on one core and on two."""
    rows = []
    for name, training in (("default preset", {}), ("2 × 512", PAPER | scale)):
        contenders = {way: partial(update, ready(stacks.model(training, {}, given))) for way, given in WAYS.items()}
        slices = paired.alternate(contenders, rounds)
        rows += [
            {
                "setting": name,
                "update on": way,
                "wall µs per sample": paired.cost(slices[way], "wall", MICRO),
                "CPU µs per sample": paired.cost(slices[way], "cpu", MICRO),
                "times one core": paired.times(slices[way], slices["one core"], "wall"),
            }
            for way in contenders
        ]
    return Table("What a second core brings to an update", rows)


def ready(model: MimicPPO) -> MimicPPO:
    """Let a learner collect a rollout for its updates."""
    model._setup_learn(10**8, _Quiet())
    callback = _Quiet()
    callback.init_callback(model)
    model.collect_rollouts(model.normalizer, callback, model.rollout_buffer, model.n_steps)
    return model


def update(model: MimicPPO) -> float:
    """Update with the collected rollout and return the number of samples."""
    model.train()
    return float(model.n_envs * model.n_steps)


def products(stacks: Stacks, repeats: int, widths: tuple[int, ...], scale: dict[str, Any]) -> Table:
    """Compare updates with the processor's peak, for networks of growing width."""
    peaks = {count: _peak(count) for count in (1, 2)}
    cases = [(f"2 × {width}", "one core", {"net_arch": {"pi": [width] * 2, "vf": [width] * 2}}) for width in widths]
    cases += [("2 × 512, the paper's", way, PAPER | scale) for way in WAYS]
    rows = []
    for name, way, training in cases:
        model = ready(stacks.model(training, {}, WAYS[way]))
        seconds = _best(model.train, repeats)
        samples = model.n_envs * model.n_steps
        weights = sum(layer.numel() for layer in model.policy.parameters() if layer.ndim == 2)
        done = 6.0 * weights * samples * model.n_epochs / seconds  # per weight and sample: 2 forwards, 4 backwards
        rows.append(
            {
                "networks": name,
                "batch size": model.batch_size,
                "cores": way,
                "update, µs per sample": seconds / samples * MICRO,
                "GFLOP/s": done / 1e9,
                "share of the peak": done / peaks[WAYS[way]],
            }
        )
    told = " and ".join(f"{peak / 1e9:.0f} GFLOP/s on {count} core{'s' * (count > 1)}" for count, peak in peaks.items())
    return Table(
        f"Matrix products of updates. The peak was measured with a product of two 1024 × 1024 matrices: {told}", rows
    )


def _peak(threads: int) -> float:
    """Return the floating-point operations per second of a large product on `threads` threads."""
    torch.set_num_threads(threads)
    square = torch.randn(1024, 1024)
    return 2 * 1024**3 / _best(lambda: torch.mm(square, square), 20)


def _best(work: Callable[[], object], repeats: int) -> float:
    """Return the shortest time [s] of several calls. A first call is a warm-up."""
    seconds = []
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return min(seconds[1:])


def tables(*, quick: bool) -> Iterator[Table]:
    """Yield the benchmark's tables."""
    rounds, scale = (
        (1, {"n_steps": 32, "net_arch": {"pi": [64, 64], "vf": [64, 64]}, "n_epochs": 1}) if quick else (5, {})
    )
    repeats = 1 if quick else 7
    with TemporaryDirectory() as folder, Stacks(Path(folder)) as stacks:
        yield paper(stacks, rounds, scale)
    with TemporaryDirectory() as folder, Stacks(Path(folder)) as stacks:
        yield preset(stacks, rounds, scale | ({"n_steps": 256} if quick else {}))
        yield parts(stacks, repeats, scale)
        yield cores(stacks, rounds, scale)
        yield products(stacks, repeats, (64,) if quick else (64, 128, 256, 512), scale)


def main() -> None:
    """Run the benchmark."""
    arguments = report.parser(__doc__, "small networks, one round").parse_args()
    report.publish(tables(quick=arguments.quick), arguments)


if __name__ == "__main__":
    main()
