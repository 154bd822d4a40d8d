"""The environments register themselves, and importing the package is cheap."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

MAKE = """
environment = gymnasium.make("mimicrl/Walker3D-v0", speed_mps=1.0)
observation, info = environment.reset(seed=0)
assert observation in environment.observation_space
"""

ORDERS = {
    "gymnasium first": "import gymnasium\nimport mimicrl",
    "mimicrl first": "import mimicrl\nimport gymnasium\nimport mimicrl.envs",
    "imported by another": "import stable_baselines3\nimport mimicrl\nimport gymnasium",
    "twice": "import gymnasium\nimport mimicrl\nimport mimicrl.envs",
}


def run(code: str) -> None:
    """Run code in a new Python whose warnings are errors."""
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", textwrap.dedent(code)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("order", ORDERS)
def test_gymnasium_makes_the_environment(order: str) -> None:
    # One order goes all the way; for the others it is enough that Gymnasium knows the name.
    known = 'assert "mimicrl/Walker3D-v0" in gymnasium.registry'
    run(ORDERS[order] + "\n" + (MAKE if order == "mimicrl first" else known))


def test_importing_the_package_imports_nothing_heavy() -> None:
    run(
        """
        import sys
        import mimicrl, mimicrl.config
        heavy = {"mujoco", "pandas", "scipy", "stable_baselines3", "torch"}
        assert not heavy & set(sys.modules), heavy & set(sys.modules)
        """
    )


@pytest.mark.parametrize("before", ["", "import mimicrl\n", "import mimicrl.envs\n"])
def test_gymnasium_imports_what_stands_before_the_colon(before: str) -> None:
    run(before + 'import gymnasium\ngymnasium.make("mimicrl.envs:mimicrl/Walker3D-v0")')


def test_registering_makes_no_environment() -> None:
    run("import sys\nimport mimicrl.envs\nassert not {'mujoco', 'pandas', 'scipy', 'torch'} & set(sys.modules)")
