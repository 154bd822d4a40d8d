"""The environment registers itself whatever is imported first, and importing the package is cheap."""

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
    "mimicrl first": "import mimicrl\nimport gymnasium",
    "only looked for": "import mimicrl, importlib.util\nassert importlib.util.find_spec('gymnasium')\nimport gymnasium",
    "imported by another": "import mimicrl\nimport stable_baselines3\nimport gymnasium",
    "twice": "from mimicrl.registration import register_with_gymnasium as register\n"
    "register()\nimport gymnasium\nregister()",
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
        heavy = {"gymnasium", "mujoco", "pandas", "scipy", "stable_baselines3", "torch"}
        assert not heavy & set(sys.modules), heavy & set(sys.modules)
        """
    )


def test_other_modules_are_found_as_ever() -> None:
    run(
        """
        import importlib.util, sys
        before = importlib.util.find_spec("gymnasium").origin
        import mimicrl
        assert importlib.util.find_spec("gymnasium").origin == before
        assert importlib.util.find_spec("gymnasium_not_there") is None
        import colorsys
        import gymnasium
        assert gymnasium.__file__ == before
        assert gymnasium.__spec__.origin == before
        """
    )


def test_without_gymnasium_its_import_fails_as_ever() -> None:
    run(
        """
        import importlib.util, sys
        import mimicrl
        sys.path[:] = []
        sys.path_importer_cache.clear()
        sys.meta_path[:] = [f for f in sys.meta_path if "editable" not in repr(f)]
        assert importlib.util.find_spec("gymnasium") is None
        try:
            import gymnasium
        except ModuleNotFoundError as error:
            assert error.name == "gymnasium"
        else:
            raise AssertionError("imported nothing")
        """
    )
