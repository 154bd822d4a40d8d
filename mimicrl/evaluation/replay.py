"""Rolls out an episode of an evaluation again, and shows it with the reference as a translucent figure beside it.

All starts of the evaluation are rolled out again in one batch, because the last bits of a policy's actions depend on
the width of the batch. So the video shows an episode of the table. If the distances differ, for example on another
type of CPU, the caption says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mimicrl.envs.task import Task
from mimicrl.errors import ConfigError
from mimicrl.evaluation.evaluator import Evaluator
from mimicrl.evaluation.ghost import ghost_qpos
from mimicrl.evaluation.rollout import Episodes
from mimicrl.evaluation.trajectory import Trajectory, TrajectoryRecorder
from mimicrl.geometry.rotations import Array
from mimicrl.mdp.reset import reference_state
from mimicrl.mdp.terminations import TIME
from mimicrl.policy import Policy
from mimicrl.protocols import Protocol
from mimicrl.rendering.film import Animation


@dataclass(frozen=True, eq=False)
class Replay:
    """An episode that was rolled out again.

    Attributes:
        animation: The walker, its caption and, if asked for, the reference beside it (the ghost).
        episode: Number of the episode in the evaluation.
        start_phase: Phase of the gait cycle at the start.
        distance_m: Net distance forward.
        duration_s: Length of the episode.
        reason: Why the episode ended.
        agrees_with_table: Whether the distance is bitwise the one in the evaluation's table. None if there is no table.
        weights_sha256: Digest of the policy's weights.
    """

    animation: Animation
    episode: int
    start_phase: float
    distance_m: float
    duration_s: float
    reason: str
    agrees_with_table: bool | None
    weights_sha256: str

    def facts(self) -> dict[str, Any]:
        """Return all values except the animation, by name."""
        return {key: value for key, value in vars(self).items() if key != "animation"}


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
        task: The task that the policy was trained for.
        protocol: The protocol of the evaluation.
        title: The first line below the pictures.
        episode: Number of the episode in the evaluation. The default is the episode of median distance.
        recorded_m: The distances in the evaluation's table [m], shape ``(E,)``. None if there is no table.
        ghost: Whether to show the reference beside the walker.
        threads: Threads of the physics; any number gives the same result.

    Raises:
        ConfigError: There is no such episode.
    """
    recorder, count = TrajectoryRecorder(), protocol.episodes
    episodes = Evaluator(task, protocol, threads).episodes(policy, watch=recorder.watch).episodes
    chosen = median_episode(episodes.distance_m) if episode is None else episode
    if not 0 <= chosen < count:
        raise ConfigError("there is no such episode", where="--episode", got=chosen, expected=f"0 to {count - 1}")
    distance = float(episodes.distance_m[chosen])
    agrees = None if recorded_m is None else bool(chosen < len(recorded_m) and recorded_m[chosen] == distance)
    return Replay(
        animation=_animation(task, recorder.trajectory(chosen), episodes, chosen, title, ghost, agrees),
        episode=chosen,
        start_phase=float(episodes.start_phase[chosen]),
        distance_m=distance,
        duration_s=float(episodes.duration_s[chosen]),
        reason=episodes.reason_names[chosen],
        agrees_with_table=agrees,
        weights_sha256=policy.weights_sha256,
    )


def median_episode(distance_m: Array) -> int:
    """Return the episode of median distance. If the number is even, return the lower of the two in the middle."""
    return int(np.argsort(distance_m, kind="stable")[(len(distance_m) - 1) // 2])


def _animation(
    task: Task, episode: Trajectory, episodes: Episodes, index: int, title: str, ghost: bool, agrees: bool | None
) -> Animation:
    if not len(episode.phase):  # the episode diverged in its first step: only its start is finite
        start = episodes.start_phase[index : index + 1]
        episode = Trajectory(reference_state(task.walker, task.reference.at_phase(start))[0], start)
    if len(episode.phase) == 1:  # a still picture
        episode = Trajectory(*(np.repeat(part, 2, axis=0) for part in episode))
    dt = 1.0 / task.config.control_hz
    times = dt * np.arange(len(episode.phase), dtype=np.float64)
    distance, duration = float(episodes.distance_m[index]), float(episodes.duration_s[index])
    x = episode.qpos[:, 0] - episode.qpos[-1, 0] + distance
    speeds = f"{distance / duration:.2f} m/s (reference {task.reference.speed_mps:.2f})"
    ended = "" if episodes.reason[index] == TIME else f"   {episodes.reason_names[index]} at {duration:.1f} s"
    differs = ", unlike the table (another CPU?)" if agrees is False else ""

    def caption(time_s: float) -> tuple[str, ...]:
        return title + differs, f"{speeds}   {time_s + dt:.1f} s   {np.interp(time_s, times, x):.1f} m{ended}"

    shade = ghost_qpos(task.walker, task.reference, episode) if ghost else None
    return Animation(task.walker.model, times, episode.qpos, shade, caption)
