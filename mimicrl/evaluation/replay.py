"""An episode of an evaluation once more, to be shown beside the ghost of its reference.

The evaluation's starts are rolled out again as one batch, as a policy's actions depend in their last bits on the width
of the batch; so the video shows an episode of the table, and says where it cannot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mimicrl.envs.task import Task
from mimicrl.errors import ConfigError
from mimicrl.evaluation.ghost import ghost_qpos
from mimicrl.evaluation.rollout import Episodes, roll_out
from mimicrl.evaluation.trajectory import Trajectory, TrajectoryRecorder
from mimicrl.geometry.rotations import Array
from mimicrl.mdp.reset import reference_state
from mimicrl.mdp.terminations import TIME
from mimicrl.policy import Policy
from mimicrl.protocols import Protocol
from mimicrl.rendering.film import Take


@dataclass(frozen=True, eq=False)
class Replay:
    """An episode that was rolled out again.

    Attributes:
        take: What can be shown of it.
        episode: Its row in the evaluation.
        start_phase: Where in the cycle it started.
        distance_m: Net way forward.
        duration_s: Its length.
        reason: Why it ended.
        agrees_with_table: Whether its distance is that of the evaluation's table, to the last bit; None without one.
        weights_sha256: The policy's weights.
    """

    take: Take
    episode: int
    start_phase: float
    distance_m: float
    duration_s: float
    reason: str
    agrees_with_table: bool | None
    weights_sha256: str

    def facts(self) -> dict[str, Any]:
        """Return the figures by name."""
        return {key: value for key, value in vars(self).items() if key != "take"}


def roll(
    policy: Policy,
    task: Task,
    protocol: Protocol,
    title: str,
    *,
    episode: int | None = None,
    recorded_m: Array | None = None,
    ghost: bool = True,
    threads: int = 1,
) -> Replay:
    """Roll out the evaluation's starts again and return one episode.

    Args:
        policy: The policy.
        task: What it was trained for.
        protocol: How it was evaluated.
        title: The first line below the pictures.
        episode: Which of the evaluation's episodes; by default the one of median distance.
        recorded_m: The distances in the evaluation's table [m], shape ``(E,)``; None without one.
        ghost: Whether the reference walks along.
        threads: Threads of the physics; any number gives the same result.

    Raises:
        ConfigError: There is no such episode.
    """
    recorder, count = TrajectoryRecorder(), protocol.episodes
    batch = task.evaluation_batch(count, protocol.seconds, threads)
    episodes = roll_out(policy, batch, protocol.start_phases(), recorder.watch)
    chosen = median_episode(episodes.distance_m) if episode is None else episode
    if not 0 <= chosen < count:
        raise ConfigError("there is no such episode", where="--episode", got=chosen, expected=f"0 to {count - 1}")
    distance = float(episodes.distance_m[chosen])
    agrees = None if recorded_m is None else bool(chosen < len(recorded_m) and recorded_m[chosen] == distance)
    return Replay(
        take=_take(task, recorder.trajectory(chosen), episodes, chosen, title, ghost, agrees),
        episode=chosen,
        start_phase=float(episodes.start_phase[chosen]),
        distance_m=distance,
        duration_s=float(episodes.duration_s[chosen]),
        reason=episodes.reasons[episodes.reason[chosen]],
        agrees_with_table=agrees,
        weights_sha256=policy.weights_sha256,
    )


def median_episode(distance_m: Array) -> int:
    """Return the episode of median distance, of two the shorter; shape ``(E,)``."""
    return int(np.argsort(distance_m, kind="stable")[(len(distance_m) - 1) // 2])


def _take(
    task: Task, episode: Trajectory, episodes: Episodes, index: int, title: str, ghost: bool, agrees: bool | None
) -> Take:
    if not len(episode.phase):  # it diverged in its first step: nothing but its start was ever finite
        episode = _start(task, float(episodes.start_phase[index]))
    if len(episode.phase) == 1:  # a still picture
        episode = Trajectory(*(np.repeat(part, 2, axis=0) for part in episode))
    dt = 1.0 / task.config.control_hz
    times = dt * np.arange(len(episode.phase), dtype=np.float64)
    distance, duration = float(episodes.distance_m[index]), float(episodes.duration_s[index])
    reason = episodes.reason[index]
    x = episode.qpos[:, 0] - episode.qpos[-1, 0] + distance
    speeds = f"{distance / duration:.2f} m/s (reference {task.reference.speed_mps:.2f})"
    ended = "" if reason == TIME else f"   {episodes.reasons[reason]} at {duration:.1f} s"
    differs = ", unlike the table (another CPU?)" if agrees is False else ""

    def caption(time_s: float) -> tuple[str, ...]:
        return title + differs, f"{speeds}   {time_s + dt:.1f} s   {np.interp(time_s, times, x):.1f} m{ended}"

    shade = ghost_qpos(task.walker, task.reference, episode) if ghost else None
    return Take(task.walker.model, times, episode.qpos, shade, caption)


def _start(task: Task, phase: float) -> Trajectory:
    """Return an episode that is only its start."""
    at = np.array([phase])
    return Trajectory(reference_state(task.walker, task.reference.at_phase(at))[0], at)
