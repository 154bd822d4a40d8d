"""Registers the environments with Gymnasium; whoever makes one imports the task then.

``gymnasium.make("mimicrl.envs:mimicrl/Walker3D-v0")`` works whatever was imported before, as Gymnasium imports what
stands before the colon.
"""

from __future__ import annotations

import gymnasium

ENVIRONMENTS = {"mimicrl/Walker3D-v0": "mimicrl.mimic.task:make_env"}

for _name, _entry_point in ENVIRONMENTS.items():
    gymnasium.register(id=_name, entry_point=_entry_point)
