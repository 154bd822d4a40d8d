"""The Gymnasium view passes both libraries' checkers without a warning, reproduces itself, and draws pictures."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env as check_for_gymnasium
from pydantic import ValidationError
from stable_baselines3.common.env_checker import check_env as check_for_sb3

import mimicrl  # noqa: F401  registers the environment
from mimicrl.config import MDPConfig
from mimicrl.config.models import NetArch
from mimicrl.envs.gymnasium import MimicEnv
from mimicrl.errors import ConfigError
from mimicrl.mdp.step import MimicBatch
from mimicrl.motions import ReferenceTrajectory
from mimicrl.walkers import Walker

NAME = "mimicrl/Walker3D-v0"


@pytest.fixture
def make(walker: Walker, reference: ReferenceTrajectory) -> Callable[..., MimicEnv]:
    """Makes an environment whose configuration is given."""

    def environment(render_mode: str | None = None, **config: Any) -> MimicEnv:
        return MimicEnv(MimicBatch(walker, reference, MDPConfig(**config), 1), render_mode)

    return environment


def episode(environment: MimicEnv, steps: int = 30) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    observations = []
    for _ in range(steps):
        observation, _, terminated, truncated, _ = environment.step(rng.uniform(-1, 1, 8).astype(np.float32))
        observations.append(observation)
        if terminated or truncated:
            observations.append(environment.reset()[0])
    return observations


TORQUE: dict[str, Any] = {"action": {"kind": "torque"}, "control_hz": 200}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("options", [{}, TORQUE, {"mirroring": "none"}, {"render_mode": "rgb_array"}], ids=str)
def test_both_libraries_checkers_find_nothing(options: dict[str, Any]) -> None:
    check_for_gymnasium(gymnasium.make(NAME, **options).unwrapped, skip_render_check="render_mode" not in options)
    check_for_sb3(gymnasium.make(NAME, **options).unwrapped, skip_render_check=True)


@pytest.mark.parametrize(("asked", "phase"), [(0.0, 0.0), (0.3, 0.3), (1.25, 0.25), (-0.25, 0.75)])
def test_an_episode_starts_where_it_is_asked_to(make: Callable[..., MimicEnv], asked: float, phase: float) -> None:
    environment = make()
    _, info = environment.reset(options={"phase": asked})
    assert info == {"phase": phase}
    assert environment.batch.phase[0] == phase


def test_the_end_of_an_episode_is_told(make: Callable[..., MimicEnv]) -> None:
    environment = make(episode_seconds=0.1)
    environment.reset(seed=1)
    steps = [environment.step(np.zeros(8, np.float32)) for _ in range(5)]
    assert [truncated for _, _, _, truncated, _ in steps] == [False] * 4 + [True]
    assert [info for *_, info in steps[:4]] == [{}] * 4
    info = steps[-1][-1]
    assert "episode" not in info, "which belongs to the wrappers that count"
    assert info["mimic"]["reason"] == "time"
    assert sum(info["mimic"]["reward"].values()) == pytest.approx(sum(reward for _, reward, *_ in steps) / 5, abs=1e-5)
    assert info["TimeLimit.truncated"] is True


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))], ids=["deepcopy", "pickle"]
)
@pytest.mark.parametrize("begun", [False, True])
def test_a_copy_goes_on_bit_for_bit_and_by_itself(copied: Callable[[Any], Any], begun: bool) -> None:
    environment = gymnasium.make(NAME, episode_seconds=1.0)
    if begun:
        environment.reset(seed=3)
        episode(environment, 10)  # type: ignore[arg-type]
    other = copied(environment)
    if not begun:
        environment.reset(seed=4)
        other.reset(seed=4)
    expected = episode(environment, 90)  # type: ignore[arg-type]
    assert len(expected) > 90  # with resets, which draw
    np.testing.assert_array_equal(episode(other, 90), expected)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"phse": 0.2}, r"^a reset has no such option — 'phse' — expected 'phase'$"),
        ({"phase": 0.2, "seed": 1}, r"^a reset has no such option — 'seed' — "),
        ({"phase": np.nan}, r"^a start is no phase — options\['phase'\] — got nan, expected a share of the cycle$"),
        ({"phase": np.inf}, r"got inf, "),
        ({"phase": "0.2"}, r"got 0\.2, "),
        ({"phase": True}, r"got True, "),
    ],
)
def test_a_wrong_option_of_a_reset_is_refused(
    make: Callable[..., MimicEnv], options: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        make().reset(options=options)


def test_lists_and_numpys_numbers_are_taken_where_python_has_them(make: Callable[..., MimicEnv]) -> None:
    assert MDPConfig.model_validate({"control_hz": np.int64(40)}).control_hz == 40
    assert NetArch.model_validate({"pi": [16, np.int64(8)]}).pi == (16, 8)
    with pytest.raises(ValidationError, match="valid integer"):
        MDPConfig(control_hz=True)


def test_pictures_show_the_walker_where_it_is(make: Callable[..., MimicEnv]) -> None:
    environment = make("rgb_array")
    environment.reset(options={"phase": 0.0})
    heel_strike = environment.render()
    assert heel_strike is not None
    assert heel_strike.shape == (480, 640, 3)
    assert heel_strike.dtype == np.uint8
    assert heel_strike.std() > 5
    environment.reset(options={"phase": 0.25})
    later = environment.render()
    assert later is not None
    assert not np.array_equal(later, heel_strike)
    environment.close()
    environment.close()


def test_looking_changes_no_bit(make: Callable[..., MimicEnv]) -> None:
    runs = []
    for mode in (None, "rgb_array"):
        environment = make(mode)
        observations = [environment.reset(seed=2)[0]]
        for _ in range(5):
            picture = environment.render()
            assert (picture is None) == (mode is None)
            observations.append(environment.step(np.full(8, 0.3, np.float32))[0])
        environment.close()
        runs.append(observations)
    np.testing.assert_array_equal(*runs)


def test_wrong_use_is_refused(walker: Walker, reference: ReferenceTrajectory) -> None:
    with pytest.raises(ValueError, match=r"^MimicEnv shows one simulation, got a batch of 2$"):
        MimicEnv(MimicBatch(walker, reference, MDPConfig(), 2))
    with pytest.raises(ValueError, match=r"^render_mode must be None or rgb_array, got 'human'$"):
        MimicEnv(MimicBatch(walker, reference, MDPConfig(), 1), "human")
