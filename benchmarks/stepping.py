"""What a step costs: ``python -m benchmarks.stepping [--quick] [--physics-hz HZ] [--json FILE]``.

The first table steps many environments at 50, 100 and 200 Hz. The stacks are:

* *physics limit*: only `mujoco.batch.Batch`. It gets the same states, controls and resets as *mimicrl*
  (`benchmarks.physics_limit`);
* *mimicrl*: the batched environments with the check for finite numbers and the normalisation, as training uses them;
* *classic*: Stable-Baselines3's ``VecNormalize(SubprocVecEnv(Monitor(env)))`` with this project's `MimicEnv`, which
  internally is a batch of one environment;
* *classic, lean environment*: the same with an environment that does as little as it can (`benchmarks.lean_env`). So
  this stack does not have the overhead of a batch of one environment.

The second table shows the overhead of a batch of one environment. The third table shows how the cost grows with the
number of environments and threads. It also shows the cost of computing the positions of the end effectors after each
step, as the environment does (column "current end effectors").

The actions are random, as at the start of a training (σ = 0.47). They move the PD targets around the reference. Walkers
fall and are reset. The stacks of the first and third table start from the same states, taken after two seconds of such
actions. The lean environment is stepped for one second before it is measured. A step is a control step of one
environment. Processor time is the sum over all processes. "Share of the limit" is the limit's processor time divided by
the stack's. "Times classic" is a ratio of wall times.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import set_forkserver_preload
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gymnasium
import numpy as np
from stable_baselines3.common.vec_env import SubprocVecEnv, VecEnv, VecNormalize

from benchmarks import lean_env, paired, report
from benchmarks.paired import Work
from benchmarks.physics_limit import PhysicsLimit, record
from benchmarks.report import Table
from mimicrl.config import MDPConfig
from mimicrl.envs.task import Task
from mimicrl.machine import usable_cores
from mimicrl.training import vec_envs

NOISE = 0.47
SETTLING_S = 2.0
SETTLED = 64  # environments that are stepped for a while; further ones start as copies of them
LIMIT, OURS, CLASSIC, LEAN = "physics limit", "mimicrl", "classic", "classic, lean environment"
CURRENT = "physics with current end effectors"
ONE = "one environment"
MICRO = 1e6


@dataclass(frozen=True)
class Settings:
    """The size of the measurement.

    Attributes:
        rates_hz: Control rates.
        counts: Numbers of environments that are compared with the classic stack.
        scaling: Numbers of environments of the last table.
        threads: Numbers of threads of the physics in the last table.
        slice_s: Length of a turn [s].
        rounds: Number of turns of each contender.
        physics_hz: Physics steps per second; by default the walker's own.
    """

    rates_hz: tuple[int, ...] = (50, 100, 200)
    counts: tuple[int, ...] = (8, 64)
    scaling: tuple[int, ...] = (16, 64, 256, 1024, 4096)
    threads: tuple[int, ...] = (1, 2)
    slice_s: float = 0.5
    rounds: int = 7
    physics_hz: int | None = None


QUICK = Settings(rates_hz=(200,), counts=(8,), scaling=(16, 64), threads=(1,), slice_s=0.1, rounds=3)


class Bench:
    """A task at one control rate, and stacks of it that start from the same states.

    Args:
        folder: The folder for the runs.
        control_hz: Control steps per second.
        physics_hz: Physics steps per second; by default the walker's own.
        seed: Random seed of the actions.
    """

    def __init__(self, folder: Path, control_hz: int, physics_hz: int | None = None, seed: int = 1) -> None:
        self.control_hz = control_hz
        self._folder, self._random = folder, np.random.default_rng(seed)
        self.task = Task.of_gait(config=MDPConfig(control_hz=control_hz, physics_hz=physics_hz))
        self.joints = len(self.task.walker.joint_names)
        settling = self._fresh("batched", SETTLED, usable_cores())
        for actions in self.actions(round(SETTLING_S * control_hz), SETTLED):
            settling.step(actions)
        self._settled = vec_envs.get_state(settling)

    def actions(self, steps: int, count: int) -> np.ndarray:
        """Return noise, float32, shape ``(steps, count, J)``."""
        noise = NOISE * self._random.standard_normal((steps, count, self.joints), np.float32)
        return np.clip(noise, -1.0, 1.0)

    def settled(self, count: int) -> dict[str, np.ndarray]:
        """Return the states of `count` environments that have been stepped for a while."""
        return {name: rows[np.arange(count) % SETTLED] for name, rows in self._settled.items()}

    def stack(self, kind: str, count: int, threads: int) -> VecNormalize:
        """Return environments as training makes them, `batched` or `subproc`."""
        environments = self._fresh(kind, count, threads)
        vec_envs.set_state(environments, self.settled(count))
        return environments

    def lean(self, count: int) -> VecNormalize:
        """Return the classic stack with the lean environment."""
        environments = VecNormalize(SubprocVecEnv([partial(lean_env.make, self.task)] * count))
        environments.seed(1)
        environments.reset()
        for actions in self.actions(round(0.5 * SETTLING_S * self.control_hz), count):
            environments.step(actions)
        return environments

    def limit(self, count: int, threads: int, *, current: bool = False) -> PhysicsLimit:
        """Return the bare physics of `count` environments; with `current`, also current positions of end effectors."""
        batch = self.task.batch(count, threads)
        batch.set_state(self.settled(count))
        steps = int(np.clip(32_768 // count, 8, 1024))
        return PhysicsLimit(
            self.task.walker.simulation_model, record(batch, self.actions(steps, count)), threads, current=current
        )

    def _fresh(self, kind: str, count: int, threads: int) -> VecNormalize:
        training = {"vec_env": kind, "n_envs": count, "n_steps": 1, "batch_size": count}
        path = self._folder / f"{kind}-{self.control_hz}hz-{count}"
        run = paired.prepare(path, mdp=self.task.config.model_dump(mode="json"), training=training)
        environments = vec_envs.make(run, self.task, threads)
        environments.seed(1)
        environments.reset()
        return environments


def stepping(environments: VecEnv, actions: np.ndarray) -> Callable[[], object]:
    """Return a function that steps vector environments with each of the actions, shape ``(T, N, J)``, in a cycle."""
    turns = itertools.cycle(actions)
    return lambda: environments.step(next(turns))


def stepping_one(env: gymnasium.Env, actions: np.ndarray) -> Callable[[], object]:
    """Return a function that steps one environment and resets it if it ended; see `stepping`."""
    turns = itertools.cycle(actions)
    env.reset(seed=1)

    def step() -> None:
        _, _, terminated, truncated, _ = env.step(next(turns))
        if terminated or truncated:
            env.reset()

    return step


def many(bench: Bench, settings: Settings, count: int) -> list[dict[str, Any]]:
    """Return the first table's rows for `count` environments."""
    threads, actions = usable_cores(), bench.actions(1024, count)
    with ExitStack() as opened:
        stacks = {
            OURS: bench.stack("batched", count, threads),
            CLASSIC: bench.stack("subproc", count, threads),
            LEAN: bench.lean(count),
        }
        for environments in stacks.values():
            opened.callback(environments.close)
        steps = {LIMIT: bench.limit(count, threads).step}
        steps |= {name: stepping(environments, actions) for name, environments in stacks.items()}
        slices = paired.alternate(_turns(steps, settings, count), settings.rounds)
    return [
        {
            "rate": f"{bench.control_hz} Hz",
            "environments": count,
            "stack": name,
            "steps/s": paired.rate(slices[name]),
            "CPU µs per step": paired.cost(slices[name], "cpu", MICRO),
            "share of the limit": paired.times(slices[name], slices[LIMIT], "cpu"),
            "times classic": paired.times(slices[name], slices[CLASSIC], "wall"),
            "times lean classic": paired.times(slices[name], slices[LEAN], "wall"),
        }
        for name in slices
    ]


def one(bench: Bench, settings: Settings) -> list[dict[str, Any]]:
    """Return the second table's rows: one environment in this process, without any wrapper."""
    actions = bench.actions(1024, 1)[:, 0]
    environments = {"lean environment": lean_env.LeanEnv(bench.task), "MimicEnv": bench.task.env()}
    steps = {LIMIT: bench.limit(1, 1).step}
    steps |= {name: stepping_one(environment, actions) for name, environment in environments.items()}
    slices = paired.alternate(_turns(steps, settings, 1), settings.rounds)
    return [
        {
            "rate": f"{bench.control_hz} Hz",
            ONE: name,
            "CPU µs per step": paired.cost(slices[name], "cpu", MICRO),
            "beyond the physics": paired.excess(slices[name], slices[LIMIT], "cpu", MICRO),
            "share of the limit": paired.times(slices[name], slices[LIMIT], "cpu"),
        }
        for name in slices
    ]


def scaling(bench: Bench, settings: Settings, count: int, threads: int) -> dict[str, Any]:
    """Return a row of the third table."""
    environments = bench.stack("batched", count, threads)
    actions = bench.actions(int(np.clip(32_768 // count, 8, 1024)), count)
    steps = {
        LIMIT: bench.limit(count, threads).step,
        CURRENT: bench.limit(count, threads, current=True).step,
        OURS: stepping(environments, actions),
    }
    slices = paired.alternate(_turns(steps, settings, count), settings.rounds)
    return {
        "environments": count,
        "threads": threads,
        "physics limit, CPU µs per step": paired.cost(slices[LIMIT], "cpu", MICRO),
        "mimicrl, CPU µs per step": paired.cost(slices[OURS], "cpu", MICRO),
        "beyond the physics": paired.excess(slices[OURS], slices[LIMIT], "cpu", MICRO),
        "share of the limit, current end effectors": paired.times(slices[CURRENT], slices[LIMIT], "cpu"),
        "share of the limit": paired.times(slices[OURS], slices[LIMIT], "cpu"),
        "mimicrl, steps/s": paired.rate(slices[OURS]),
    }


def _turns(steps: dict[str, Callable[[], object]], settings: Settings, count: int) -> dict[str, Work]:
    return {name: paired.lasting(settings.slice_s, step, count) for name, step in steps.items()}


def measure(settings: Settings, folder: Path) -> Iterator[Table]:
    """Measure.

    Args:
        settings: The size of the measurement.
        folder: The folder for the runs.
    """
    # The server that forks the workers imports this once; each worker would need seconds for it.
    set_forkserver_preload(["mimicrl.training.vec_envs", "benchmarks.lean_env"])
    benches = [Bench(folder, rate_hz, settings.physics_hz) for rate_hz in settings.rates_hz]
    physics = f"physics at {1.0 / benches[0].task.walker.model.opt.timestep:.0f} Hz"
    rows = [row for bench in benches for count in settings.counts for row in many(bench, settings, count)]
    yield Table(f"Many environments, {physics}, {usable_cores()} threads", rows)
    yield Table(f"One environment, {physics}", [row for bench in benches for row in one(bench, settings)])
    highest = benches[-1]
    rows = [scaling(highest, settings, count, threads) for threads in settings.threads for count in settings.scaling]
    yield Table(f"By environments and threads, {physics}, {highest.control_hz} Hz", rows)


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = report.parser(__doc__, "200 Hz only, few environments, short turns")
    parser.add_argument(
        "--physics-hz", metavar="HZ", type=int, help="physics steps per second instead of the walker's own"
    )
    arguments = parser.parse_args()
    settings = replace(QUICK if arguments.quick else Settings(), physics_hz=arguments.physics_hz)
    with TemporaryDirectory() as folder:
        report.publish(measure(settings, Path(folder)), arguments)


if __name__ == "__main__":
    main()
