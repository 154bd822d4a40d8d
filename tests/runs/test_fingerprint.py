"""What the fingerprint covers and what it leaves out."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import create_model

from mimicrl.config import EvaluationConfig, RunConfig, load_study, resolve
from mimicrl.config.models import Models, composed
from mimicrl.geometry.rotations import Array
from mimicrl.mdp.config import composed as mdp_composed
from mimicrl.mdp.error import TrackingError
from mimicrl.mdp.terms import RewardTerm, Term
from mimicrl.runs.fingerprint import fingerprint
from mimicrl.schema import NonNegative

ROOT = Path(__file__).parents[2]

HASHES: dict[str, Any] = {"motion_sha256": "a" * 64, "walker_sha256": "b" * 64}
STRETCHED = {"kind": "linear", "start": 1e-3, "end": 1e-4, "samples": None}

COVERED: list[dict[str, Any]] = [
    {"seed": 2},
    {"mdp": {"control_hz": 25}},
    {"mdp": {"mirroring": "none"}},
    {"mdp": {"rewards": {"pose": {"weight": 0.45, "scale": 2.0}}}},
    {"mdp": {"terminations": {"fall": {"tilt_rad": 0.7}}}},
    {"training": {"learning_rate": {"kind": "constant", "start": 1e-3}}},
    {"training": {"clip_range": {"kind": "constant", "start": 0.1}}},
    {"training": {"n_envs": 8}},
    {"training": {"n_epochs": 3}},
    {"training": {"vec_env": "dummy"}},
    {"training": {"max_kl": 4.0}},
    {"training": {"net_arch": {"pi": [16]}}},
    {"evaluation": {"eval_freq": 512}},
    {"evaluation": {"episodes": 5}},
    {"evaluation": {"seconds": 1.0}},
    {"evaluation": {"stable_distance_m": 14.0}},
]
LEFT_OUT: list[dict[str, Any]] = [
    {"study": "other"},
    {"experiment": "other"},
    {"walker": {"name": "mine", "file": "mine.xml"}},
    {"motion": {"speed_mps": 1.0}},
    {"motion": {"file": "walk.npz"}},
    {"logging": {"tensorboard": True}},
    {"logging": {"wandb": "offline"}},
    {"logging": {"wandb_project": "x"}},
    {"training": {"save_freq": 7}},
    {"training": {"cores": 2}},
    {"training": {"total_timesteps": 4096}},
]


@pytest.mark.parametrize("changes", COVERED)
def test_the_fingerprint_covers(tiny, changes: dict[str, Any]) -> None:
    assert fingerprint(tiny(**changes), **HASHES) != fingerprint(tiny(), **HASHES)


@pytest.mark.parametrize("changes", LEFT_OUT)
def test_the_fingerprint_leaves_out(tiny, changes: dict[str, Any]) -> None:
    assert fingerprint(tiny(**changes), **HASHES) == fingerprint(tiny(), **HASHES)


@pytest.mark.parametrize("name", HASHES)
def test_the_fingerprint_covers_the_content_of(tiny, name: str) -> None:
    assert fingerprint(tiny(), **{**HASHES, name: "c" * 64}) != fingerprint(tiny(), **HASHES)


@pytest.mark.parametrize("name", ["learning_rate", "clip_range"])
def test_the_budget_counts_where_a_schedule_stretches_with_it(tiny, name: str) -> None:
    short, long = (tiny(training={name: STRETCHED, "total_timesteps": total}) for total in (512, 1024))
    assert fingerprint(short, **HASHES) != fingerprint(long, **HASHES)


def test_a_plugin_counts_by_its_content(tiny) -> None:
    one, other = (fingerprint(tiny(), **HASHES, plugins_sha256={"terms.py": digit * 64}) for digit in "cd")
    assert len({one, other, fingerprint(tiny(), **HASHES)}) == 3


# Who has to change it makes everybody train again: see `mimicrl.schema` for how a feature is added without.
SMOKE = "e8cda70b0a7f"


def smoke(models: Models) -> RunConfig:
    """The smoke study's first run, in the given types."""
    run = resolve(load_study(ROOT / "configs" / "smoke.yaml"), "walk", 1)
    return models.run.model_validate_json(run.model_dump_json())


def test_the_smoke_study_keeps_its_fingerprint() -> None:
    assert fingerprint(smoke(composed()), **HASHES) == SMOKE


def module_of(*terms: type[Term]) -> ModuleType:
    """A module that defines terms, as a file of the project does."""
    module = ModuleType("more_terms")
    for term in terms:
        term.__module__ = module.__name__
        setattr(module, term.__name__, term)
    return module


@pytest.mark.parametrize("scale", [0.5, 30.0])
def test_a_reward_term_that_is_added_and_off_changes_no_fingerprint(scale: float) -> None:
    class Bonus(RewardTerm):
        """Another kernel."""

        weight: NonNegative = 0.0
        """Largest value of the term; 0 switches it off."""
        steepness: float = scale
        """Steepness."""

        def exponent(self, error: TrackingError) -> Array:
            return self.steepness * error.rates_squared

    run = smoke(composed(mdp_composed(module_of(Bonus))))
    assert [term.name() for term in run.mdp.rewards.all()][-1] == "bonus"
    assert fingerprint(run, **HASHES) == SMOKE


def test_another_default_changes_the_fingerprint() -> None:
    later = create_model("EvaluationConfig", __base__=EvaluationConfig, stable_distance_m=(float, 14.0))
    run = create_model("RunConfig", __base__=RunConfig, evaluation=(later, later()))
    content = smoke(composed()).model_dump(mode="json", exclude={"evaluation": {"stable_distance_m"}})
    assert fingerprint(run.model_validate_json(json.dumps(content)), **HASHES) != SMOKE
