"""The environments register themselves, and importing the package is cheap."""

from __future__ import annotations

import subprocess
import sys

import pytest

MAKE = """
environment = gymnasium.make("mimicrl/Walker3D-v0", speed_mps=1.0)
observation, info = environment.reset(seed=0)
assert observation in environment.observation_space
"""
# One order goes all the way; for the others it is enough that Gymnasium knows the name.
KNOWN = '\nassert "mimicrl/Walker3D-v0" in gymnasium.registry'
LIGHT = "\nimport sys\nassert not {'mujoco', 'pandas', 'scipy', 'stable_baselines3', 'torch'} & set(sys.modules)"
COLON = '\nimport gymnasium\ngymnasium.make("mimicrl.envs:mimicrl/Walker3D-v0")'

PROGRAMS = {
    "gymnasium first": "import gymnasium\nimport mimicrl" + KNOWN,
    "mimicrl first": "import mimicrl\nimport gymnasium\nimport mimicrl.envs" + MAKE,
    "imported by another": "import stable_baselines3\nimport mimicrl\nimport gymnasium" + KNOWN,
    "twice": "import gymnasium\nimport mimicrl\nimport mimicrl.envs" + KNOWN,
    "before the colon": COLON,
    "before the colon, imported": "import mimicrl.envs" + COLON,
    "nothing heavy": "import mimicrl, mimicrl.config" + LIGHT,
    "registering makes no environment": "import mimicrl.envs\nimport sys\nassert 'mujoco' not in sys.modules",
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_gymnasium_knows_the_environment_and_importing_is_light(program: str) -> None:
    words = [sys.executable, "-W", "error::UserWarning", "-c", program]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
