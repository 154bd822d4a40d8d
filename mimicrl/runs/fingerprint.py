"""The fingerprint: the name of a training state, made of all that weights and ``best`` depend on."""

from __future__ import annotations

import json
from collections.abc import Mapping

from mimicrl import artifacts
from mimicrl.config import RunConfig
from mimicrl.schema import essence

FORMULA = 2
"""Version of the formula: another one names every training state anew."""


def fingerprint(
    config: RunConfig, *, motion_sha256: str, walker_sha256: str, plugins_sha256: Mapping[str, str] | None = None
) -> str:
    """Return the name of a training state: 12 hexadecimal digits.

    It covers all that weights and ``best`` depend on: walker, motion and plugins by content, MDP, training, evaluation,
    seed.
    It leaves out names, logging, what is off (`mimicrl.schema.essence`), and the budget where no schedule stretches
    with it, so that a longer budget extends a training.
    """
    training = essence(config.training)
    if not (config.training.learning_rate.follows_budget or config.training.clip_range.follows_budget):
        del training["total_timesteps"]
    content = {
        "formula": FORMULA,
        "walker": walker_sha256,
        "motion": motion_sha256,
        "mdp": essence(config.mdp),
        "training": training,
        "evaluation": essence(config.evaluation),
        "seed": config.seed,
    }
    if plugins_sha256:
        content["plugins"] = [list(item) for item in plugins_sha256.items()]  # their order is that of their terms
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return artifacts.sha256(text.encode())[:12]
