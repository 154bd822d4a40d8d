"""The task's environments: Gymnasium's view, Stable-Baselines3's batched one, and what they are made of.

Importing the package registers them: ``gymnasium.make("mimicrl/Walker3D-v0")`` works after ``import mimicrl``, and
``gymnasium.make("mimicrl.envs:mimicrl/Walker3D-v0")`` always, as Gymnasium imports what stands before the colon.
"""

from __future__ import annotations

import gymnasium

ENVIRONMENTS = {"mimicrl/Walker3D-v0": "mimicrl.envs.task:make_env"}

for _name, _entry_point in ENVIRONMENTS.items():
    gymnasium.register(id=_name, entry_point=_entry_point)
