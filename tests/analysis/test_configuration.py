"""What an experiment sets to other values than the defaults is told, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from mimicrl.analysis.report.configuration import changed_settings
from mimicrl.config import ExperimentConfig


def test_an_experiment_of_defaults_differs_in_nothing_whatever_its_seeds() -> None:
    plain = ExperimentConfig().model_dump(mode="json", exclude_none=True)
    assert changed_settings(plain | {"seeds": [7, 8]}) == []


@pytest.mark.parametrize(
    ("section", "key", "value", "shown"),
    [
        ("mdp", "control_hz", 200, ("200", "50", "Control steps per second; must divide the physics rate.")),
        ("training", "activation_fn", "tanh", ("tanh", "relu", "Nonlinearity of both networks.")),
        ("logging", "tensorboard", False, ("no", "yes", "Write TensorBoard files.")),
        ("training", "total_timesteps", 10**6, ("1,000,000", "400,000", "Budget in samples (environment steps).")),
        ("mdp", "of_a_plugin", 0.5, ("0.5", "–", "Not a built-in setting: a plugin's parameter.")),
    ],
)
def test_each_setting_that_differs_is_shown_with_default_and_meaning(
    section: str, key: str, value: Any, shown: tuple[str, str, str]
) -> None:
    experiment = ExperimentConfig().model_dump(mode="json", exclude_none=True)
    experiment[section][key] = value
    assert changed_settings(experiment) == [(f"{section}.{key}", *shown)]


def test_a_setting_inside_others_is_found_and_one_left_out_is_none() -> None:
    experiment = ExperimentConfig().model_dump(mode="json", exclude_none=True)
    experiment["mdp"]["rewards"]["pose"]["scale"] = 2.0
    experiment["training"]["net_arch"]["pi"] = [64, 32]
    del experiment["mdp"]["terminations"]["tracking"]["rotation_rad"]
    pose, tracking, widths = (row[:3] for row in changed_settings(experiment))
    assert pose == ("mdp.rewards.pose.scale", "2", "3")
    assert tracking == ("mdp.terminations.tracking.rotation_rad", "none", "0.4")
    assert widths == ("training.net_arch.pi", "64, 32", "256, 256")


def test_a_value_of_a_term_that_is_chosen_by_its_kind_has_its_meaning_too() -> None:
    experiment = ExperimentConfig().model_dump(mode="json", exclude_none=True)
    experiment["mdp"]["action"] = {"kind": "residual", "scale_rad": 0.5}
    (row,) = changed_settings(experiment)
    assert row.key == "mdp.action.scale_rad"
    assert row.meaning == "How far action 1 moves the target from the reference [rad]."
