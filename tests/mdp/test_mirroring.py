"""PHASE mirroring: a policy cannot tell a state from its mirror image half a cycle later, and acts the same there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mdp.rows import Rows

from mimicrl.mdp.actions import Absolute, Residual, Torque
from mimicrl.mdp.config import MDPConfig
from mimicrl.mdp.mirroring import methods
from mimicrl.mdp.step import MimicBatch
from mimicrl.mdp.terms import ActionTerm
from mimicrl.motions import ReferenceTrajectory
from mimicrl.walkers import Walker

STEPS = 5
PHASE = np.array([0.0, 0.25, np.nextafter(0.5, 0), 0.5, 0.75, np.nextafter(1, 0)])

FILE = '''
from mimicrl.mdp.mirroring.base import Mirroring

class Always(Mirroring):
    """The policy lives in the mirrored world."""

    def before_step(self, actions, phase, image):
        return image(actions)

    def after_observing(self, observations, phase, image):
        return image(observations)
'''

# In a process of its own, as the configuration gets its choices when it is imported.
PROGRAM = """
import sys
from pathlib import Path
import mimicrl.mdp.mirroring as mirroring
mirroring.__path__.append(sys.argv[1])
import numpy as np
from mimicrl import api
from mimicrl.config import load_study, resolve
from mimicrl.envs.task import Task
from mimicrl.mdp.config import MDPConfig

real, mirrored = (Task.of_gait(config=MDPConfig(mirroring=name)).batch(4) for name in ("none", "always"))
phase, action = np.arange(4) / 4, np.full((4, len(real.walker.joint_names)), 0.1)
assert (real.observation.mirror(real.reset(phase=phase)) == mirrored.reset(phase=phase)).all()
here, there = real.step(action), mirrored.step(mirrored.walker.mirror_joints(action))
assert (real.observation.mirror(here.observation) == there.observation).all()
assert (here.reward == there.reward).all()

folder = Path(sys.argv[2])
print(api.train(resolve(load_study(folder / "study.yaml"), "walk", 1), folder / "run").status)
"""


@pytest.mark.parametrize("name", ["none", "phase"])
def test_the_second_half_is_mirrored_by_phase_mirroring_alone(name: str) -> None:
    method, values = methods()[name], np.arange(6.0)[:, None]
    for hook in (method.before_step, method.after_observing):
        got = hook(values, PHASE, np.negative)
        np.testing.assert_array_equal(
            got, np.where(PHASE[:, None] >= 0.5, -values, values) if name == "phase" else values
        )


def test_a_method_that_one_file_adds_can_be_chosen_and_trained(study: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "always.py").write_text(FILE)
    study(mdp={"mirroring": "always"}, logging={"tensorboard": False})
    words = [sys.executable, "-c", PROGRAM, str(tmp_path / "more"), str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.stdout.endswith("completed\n"), done.stderr


# The reference is tabulated every millisecond, so its two halves are mirror images to about 1e-4 rad/s.
@pytest.mark.parametrize(("action", "atol"), [(Residual(), 1e-3), (Absolute(), 1e-5), (Torque(), 1e-5)])
def test_a_walk_and_its_mirror_image_half_a_cycle_later_look_the_same(
    walker: Walker, torque_walker: Walker, reference: ReferenceTrajectory, rows: Rows, action: ActionTerm, atol: float
) -> None:
    body = torque_walker if action.actuation == "torque" else walker
    config = MDPConfig(action=action, control_hz=100)
    here = rows._replace(walker=body)
    batches = []
    for start in (here, here.mirrored()):
        batch = MimicBatch(body, reference, config, len(start.phase), training=False)
        batch.reset(phase=start.phase)
        batch.simulation.reset(np.arange(batch.count), start.qpos, start.qvel)
        batches.append(batch)
    left, right = batches
    rng = np.random.default_rng(4)
    for _ in range(STEPS):
        actions = rng.uniform(-0.5, 0.5, (len(here.phase), len(walker.joint_names)))
        one, other = left.step(actions), right.step(actions)
        np.testing.assert_array_equal(left.phase >= 0.5, right.phase < 0.5)
        np.testing.assert_allclose(one.observation, other.observation, rtol=1e-5, atol=atol)
        np.testing.assert_allclose(one.reward, other.reward, rtol=0, atol=atol)
        np.testing.assert_array_equal(one.reason, other.reason)
    image = here._replace(phase=left.phase, qpos=left.simulation.qpos, qvel=left.simulation.qvel).mirrored()
    np.testing.assert_allclose(right.simulation.qpos, image.qpos, rtol=0, atol=atol)
    np.testing.assert_allclose(right.simulation.qvel, image.qvel, rtol=1e-5, atol=atol)


@pytest.mark.parametrize(("name", "same"), [("phase", True), ("none", False)])
def test_without_mirroring_the_two_look_different(
    walker: Walker, reference: ReferenceTrajectory, name: str, same: bool
) -> None:
    batch = MimicBatch(walker, reference, MDPConfig(mirroring=name), 2)
    one, other = batch.reset(phase=np.array([0.2, 0.7]))
    assert np.allclose(one, other, rtol=0, atol=1e-3) == same
