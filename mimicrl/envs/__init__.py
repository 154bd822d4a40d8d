"""The task's environments: Gymnasium's view, Stable-Baselines3's batched one, and what they are made of.

Importing the package registers one environment for each bundled walker: ``gymnasium.make("mimicrl/Walker3D-v0")``
works after ``import mimicrl``, and ``gymnasium.make("mimicrl.envs:mimicrl/Walker3D-v0")`` always, as Gymnasium imports
what stands before the colon.
"""

from __future__ import annotations

import re

import gymnasium

from mimicrl.walkers import library


def environment_id(walker: str) -> str:
    """Return the name under which Gymnasium knows a bundled walker: ``walker3d`` becomes ``mimicrl/Walker3D-v0``."""
    return f"mimicrl/{''.join(part.title() for part in re.split('[-_]', walker))}-v0"


for _walker in library.names():
    gymnasium.register(id=environment_id(_walker), entry_point="mimicrl.envs.task:make_env", kwargs={"walker": _walker})
