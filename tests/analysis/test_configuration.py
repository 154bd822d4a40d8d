"""What an experiment sets to other values than the defaults is told, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from mimicrl.analysis.report.configuration import changed_settings
from mimicrl.config import ExperimentConfig


@pytest.fixture
def experiment() -> dict[str, Any]:
    """An experiment of defaults, as in ``study.yaml``."""
    return ExperimentConfig().model_dump(mode="json", exclude_none=True) | {"seeds": [7, 8]}


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("mdp.control_hz", 200, ("200", "50", "Control steps per second; must divide the physics rate.")),
        ("training.activation_fn", "tanh", ("tanh", "relu", "Nonlinearity of both networks.")),
        ("logging.tensorboard", False, ("no", "yes", "Write TensorBoard files.")),
        ("training.total_timesteps", 10**6, ("1,000,000", "400,000", "Budget in samples (environment steps).")),
        ("mdp.of_a_plugin", 0.5, ("0.5", "–", "Not a built-in setting: a plugin's parameter.")),
        ("training.net_arch.pi", [64, 32], ("64, 32", "256, 256", None)),
        ("mdp.terminations.tracking.rotation_rad", None, ("none", "0.4", None)),
    ],
)
def test_each_setting_that_differs_is_shown_with_default_and_meaning_and_nothing_else(
    experiment: dict[str, Any], key: str, value: Any, shown: tuple[str, str, str | None]
) -> None:
    assert changed_settings(experiment) == []
    *above, last = key.split(".")
    section = experiment
    for name in above:
        section = section[name]
    section[last] = value
    (row,) = changed_settings(experiment)
    assert row[:3] == (key, *shown[:2])
    assert shown[2] in (row.meaning, None)


def test_a_value_of_a_term_that_is_chosen_by_its_kind_has_its_meaning_too(experiment: dict[str, Any]) -> None:
    experiment["mdp"]["action"] = {"kind": "residual", "scale_rad": 0.5}
    (row,) = changed_settings(experiment)
    assert row.key == "mdp.action.scale_rad"
    assert row.meaning == "How far action 1 moves the target from the reference [rad]."
