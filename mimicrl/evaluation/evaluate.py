"""`mimicrl evaluate`: the episodes of a trained policy, as tables."""

from __future__ import annotations

from pathlib import Path

from mimicrl import artifacts, provenance
from mimicrl.envs.task import Task
from mimicrl.errors import ConfigError
from mimicrl.evaluation.gait_cycle import GaitCycle
from mimicrl.evaluation.metrics import Summary, episodes_table, stable_distance, summarize
from mimicrl.evaluation.rollout import roll_out, start_phases
from mimicrl.policy import Policy
from mimicrl.runs import Checkpoint, RunDirectory


def evaluate(
    run: RunDirectory,
    checkpoint: Checkpoint = "final",
    *,
    episodes: int | None = None,
    out: Path | None = None,
    threads: int = 1,
) -> Summary:
    """Evaluate a policy of a run and write ``episodes.parquet`` and ``gait_cycle.parquet``.

    Args:
        run: The run.
        checkpoint: Which of its policies.
        episodes: Number of starts; by default the configuration's.
        out: Where to write the episodes instead of the run's own place; the gait cycle then goes beside it.
        threads: Threads of the physics; any number gives the same result.

    Raises:
        ArtifactError: The policy is missing or damaged.
        ConfigError: The policy was trained with another configuration, or another number of episodes than the study's
            is asked for without `out`.
    """
    started = provenance.now()
    policy = trained_policy(run, checkpoint)
    settings, task = run.config.evaluation, Task.of_run(run)
    count = episodes or settings.episodes
    if out is None and count != settings.episodes:
        raise ConfigError(
            "the run's own evaluation has the study's number of episodes",
            where="--episodes",
            got=count,
            expected=settings.episodes,
            fix="give --out FILE for another number",
        )
    cycle = GaitCycle(len(task.walker.joint_names))
    batch = task.evaluation_batch(count, settings.seconds, threads)
    result = roll_out(policy, batch, start_phases(count), cycle.watch)
    speed = task.reference.speed_mps
    needed = stable_distance(speed, settings.seconds, settings.stable_distance_m)
    episodes_file = out or run.episodes_file(checkpoint)
    cycle_file = out.with_name(f"{out.stem}-gait_cycle.parquet") if out else run.gait_cycle_file(checkpoint)
    for file in (cycle_file, episodes_file):
        artifacts.sweep(file.parent, file.name)
    artifacts.write_parquet(cycle_file, cycle.table(task.walker, task.reference))
    artifacts.write_parquet(episodes_file, episodes_table(result, needed, speed, task.walker.joint_names))
    if out is None:
        name = "evaluate" if checkpoint == "final" else f"evaluate-{checkpoint}"
        evaluated = {"weights_sha256": policy.weights_sha256}
        run.write_provenance(name, started, result=evaluated, physics=threads)
    return summarize(result, needed, speed)


def trained_policy(run: RunDirectory, checkpoint: Checkpoint) -> Policy:
    """Load a policy of a run, after checking that the run's files and the policy belong together.

    Raises:
        ArtifactError: The policy is missing or damaged, or a file of the run was changed.
        ConfigError: The policy was trained with another configuration.
    """
    run.identity()
    policy = Policy.load(run.policy_directory(checkpoint))
    if policy.about.get("fingerprint") != run.fingerprint:
        raise ConfigError(
            "the policy was trained with another configuration",
            where=run.policy_directory(checkpoint),
            got=policy.about.get("fingerprint"),
            expected=run.fingerprint,
            fix="mimicrl train this run again",
        )
    return policy
