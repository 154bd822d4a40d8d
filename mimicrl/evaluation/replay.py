"""`mimicrl replay`: an episode of a policy as a video, beside the ghost of its reference.

The evaluation's starts are rolled out again as one batch, as a policy's actions depend in their last bits on the width
of the batch; so the video shows an episode of the table, and says where it cannot.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mimicrl import artifacts, machine
from mimicrl.envs.task import Task
from mimicrl.errors import ConfigError
from mimicrl.evaluation.evaluate import trained_policy
from mimicrl.evaluation.ghost import ghost_qpos
from mimicrl.evaluation.rollout import Episodes, roll_out, start_phases
from mimicrl.evaluation.trace import Episode, Trace
from mimicrl.geometry.rotations import Array
from mimicrl.mdp.initialization import reference_state
from mimicrl.mdp.terminations import TIME
from mimicrl.rendering import film, gl
from mimicrl.rendering.film import Film, Take
from mimicrl.runs import Checkpoint, Run, provenance

_LONGEST_NAME = 24


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


def replay(
    run: Run,
    checkpoint: Checkpoint = "final",
    *,
    episode: int | None = None,
    settings: Film | None = None,
    out: Path | None = None,
    threads: int = 1,
) -> Path:
    """Write a video of an episode of a run.

    Args:
        run: The run.
        checkpoint: Which of its policies.
        episode: Which of the evaluation's episodes; by default the one of median distance.
        settings: What the video should be like.
        out: The file; by default ``RUN_DIR/videos/CHECKPOINT.mp4``, or ``CHECKPOINT-episode-I.mp4``.
        threads: Threads of the physics; any number gives the same result.

    Raises:
        ArtifactError: The policy or the evaluation's table is missing or damaged.
        ConfigError: The policy was trained with another configuration, there is no such episode, or `out` has the
            ending of another format.
        MachineError: OpenGL, ffmpeg or space on the disk is missing.
    """
    started, settings = machine.now(), settings or Film()
    with ThreadPoolExecutor(1) as beside:
        trial = beside.submit(gl.choose)  # in a process of its own, so it costs nothing meanwhile
        shown = roll(run, checkpoint, episode=episode, ghost=settings.ghost, threads=threads)
        opengl = trial.result()
    # Another episode than the workflow's does not take its place.
    name = checkpoint if episode is None else f"{checkpoint}-episode-{episode}"
    path = out or run.video_file(f"{name}.{settings.kind}")
    if out is None:
        artifacts.sweep(path.parent)
    pictures = film.write(path, [shown.take], settings)
    if out is None:
        name = "replay" if path.name == "final.mp4" else f"replay-{path.name}"
        about = {"checkpoint": checkpoint, **shown.facts(), "pictures": pictures, **asdict(settings), **asdict(opengl)}
        provenance.record(name, started, result=about, physics=threads).write(run.provenance_file(name))
    return path


def replay_grid(
    runs: list[Run],
    checkpoint: Checkpoint = "final",
    *,
    out: Path,
    episode: int | None = None,
    settings: Film | None = None,
    threads: int = 1,
) -> Path:
    """Write a video of several runs side by side, all from the same start in the gait cycle; see `replay`.

    Raises:
        ConfigError: They were not evaluated from the same starts.
    """
    settings = settings or Film()
    gl.choose()
    first = roll(runs[0], checkpoint, episode=episode, ghost=settings.ghost, threads=threads)
    for run in runs[1:]:
        _refuse_other_starts(run, runs[0])
    same = [roll(run, checkpoint, episode=first.episode, ghost=settings.ghost, threads=threads) for run in runs[1:]]
    film.write(out, [first.take, *(shown.take for shown in same)], settings)
    return out


def roll(
    run: Run,
    checkpoint: Checkpoint = "final",
    *,
    episode: int | None = None,
    ghost: bool = True,
    threads: int = 1,
) -> Replay:
    """Roll out the evaluation's starts again and return one episode; see `replay`."""
    policy, task = trained_policy(run, checkpoint), Task.of_run(run)
    count = run.config.evaluation.episodes
    path = run.episodes_file(checkpoint)
    table = artifacts.read_parquet(path, "distance_m") if path.is_file() else None
    trace = Trace()
    batch = task.evaluation_batch(count, run.config.evaluation.seconds, threads)
    episodes = roll_out(policy, batch, start_phases(count), trace.watch)
    chosen = median_episode(episodes.distance_m) if episode is None else episode
    if not 0 <= chosen < count:
        raise ConfigError("there is no such episode", where="--episode", got=chosen, expected=f"0 to {count - 1}")
    agrees = None if table is None else bool(table["distance_m"].get(chosen) == episodes.distance_m[chosen])
    names = f"{_short(run.config.study)} / {_short(run.config.experiment)}"
    title = f"{names}, seed {run.config.seed}, {checkpoint} policy"
    take = _take(task, trace.episode(chosen), episodes, chosen, title, ghost, agrees)
    return Replay(
        take=take,
        episode=chosen,
        start_phase=float(episodes.start_phase[chosen]),
        distance_m=float(episodes.distance_m[chosen]),
        duration_s=float(episodes.duration_s[chosen]),
        reason=episodes.reasons[episodes.reason[chosen]],
        agrees_with_table=agrees,
        weights_sha256=policy.weights_sha256,
    )


def _refuse_other_starts(run: Run, first: Run) -> None:
    counts = [each.config.evaluation.episodes for each in (run, first)]
    if counts[0] != counts[1]:
        raise ConfigError(
            "the runs of a grid were evaluated from different starts",
            where=run.path,
            got=f"{counts[0]} episodes",
            expected=f"{counts[1]}, as {first.path}",
        )


def _short(name: str) -> str:
    """Return a name that leaves room for others in a line."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME // 2]}…{name[-_LONGEST_NAME // 2 :]}"


def median_episode(distance_m: Array) -> int:
    """Return the episode of median distance, of two the shorter; shape ``(E,)``."""
    return int(np.argsort(distance_m, kind="stable")[(len(distance_m) - 1) // 2])


def _take(
    task: Task, episode: Episode, episodes: Episodes, index: int, title: str, ghost: bool, agrees: bool | None
) -> Take:
    if not len(episode.phase):  # it diverged in its first step: nothing but its start was ever finite
        episode = _start(task, float(episodes.start_phase[index]))
    if len(episode.phase) == 1:  # a still picture
        episode = Episode(*(np.repeat(part, 2, axis=0) for part in episode))
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


def _start(task: Task, phase: float) -> Episode:
    """Return an episode that is only its start."""
    at = np.array([phase])
    return Episode(reference_state(task.walker, task.reference.at_phase(at))[0], at)
