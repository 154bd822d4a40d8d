"""The schema: valid defaults, frozen values, and rules that hold between fields."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from mimicrl.config.models import (
    MotionConfig,
    RunConfig,
    RunSections,
    Schedule,
    Section,
    StudyConfig,
    TrainingConfig,
    WalkerConfig,
)
from mimicrl.mdp.config import MDPConfig

RUN = {"study": "s", "experiment": "e", "seed": 1}


def sections(kind: type[BaseModel] = Section) -> Iterator[type[BaseModel]]:
    for section in kind.__subclasses__():
        if section.__module__.startswith("mimicrl."):  # and not a test's own
            yield section
        yield from sections(section)


SECTIONS = sorted(set(sections()), key=lambda section: section.__name__)


def read(model: type[BaseModel], data: object) -> BaseModel:
    """Validate as files are: from JSON."""
    return model.model_validate_json(json.dumps(data))


def test_the_defaults_are_a_valid_run_and_survive_the_round_trip() -> None:
    run = read(RunConfig, RUN)
    assert isinstance(run, RunConfig)
    written = run.model_dump(mode="json")
    again = read(RunConfig, written)
    assert again == run
    # A fingerprint hashes this text, so a default and its written form must not differ as 3 and 3.0 do.
    assert json.dumps(again.model_dump(mode="json")) == json.dumps(written)


def test_whole_numbers_and_their_decimal_form_are_the_same_configuration() -> None:
    one, other = (read(TrainingConfig, {"vf_coef": value}) for value in (1, 1.0))
    assert one.model_dump_json() == other.model_dump_json()


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_every_section_is_frozen_strict_and_documented(section: type[BaseModel]) -> None:
    assert {"frozen": True, "extra": "forbid", "strict": True}.items() <= dict(section.model_config).items()
    assert (section.__doc__ or "").rstrip().endswith(".")
    undocumented = [name for name, field in section.model_fields.items() if not field.description]
    assert not undocumented


def test_nothing_can_be_changed_afterwards() -> None:
    run = read(RunConfig, RUN)
    with pytest.raises(ValidationError, match="frozen"):
        run.seed = 2  # type: ignore[attr-defined]
    with pytest.raises(ValidationError, match="frozen"):
        run.training.gamma = 0.5  # type: ignore[attr-defined]
    assert hash(run) == hash(read(RunConfig, RUN))


@pytest.mark.parametrize("name", ["walk", "a", "0", "walk-1_b", "x" * 64])
def test_names_that_are_good_file_names_pass(name: str) -> None:
    assert read(WalkerConfig, {"name": name}).name == name  # type: ignore[attr-defined]


def test_reward_weights_may_be_moved_as_long_as_they_add_up_to_one() -> None:
    balanced = read(MDPConfig, {"rewards": {"pose": {"weight": 0.5}, "velocity": {"weight": 0.05}}})
    assert [term.weight for term in balanced.rewards.all()] == [0.5, 0.05, 0.15, 0.30]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("schedule", "follows"),
    [
        (Schedule(kind="constant", start=1.0), False),
        (Schedule(kind="linear", start=1.0, end=0.0), True),
        (Schedule(kind="linear", start=1.0, end=0.0, samples=1000), False),
    ],
)
def test_a_schedule_follows_the_budget_unless_it_has_its_own_length(schedule: Schedule, follows: bool) -> None:
    assert schedule.follows_budget is follows


def test_a_study_runs_every_experiment_with_every_seed() -> None:
    study = read(StudyConfig, {"study": "s", "seeds": [4, 5], "experiments": {"b": {}, "a": {"seeds": [7]}}})
    assert study.runs() == [("b", 4), ("b", 5), ("a", 7)]  # type: ignore[attr-defined]


def test_a_run_is_made_of_the_sections_of_an_experiment() -> None:
    assert set(RunConfig.model_fields) == set(RunSections.model_fields) | set(RUN) | {"plugins"}


def test_a_motion_has_a_speed_unless_it_has_a_file() -> None:
    assert MotionConfig().speed_mps == 1.25
    assert MotionConfig(file="walk.txt").speed_mps is None


WALK: dict[str, Any] = {"study": "s", "experiments": {"walk": {}}}


@pytest.mark.fault(29, 30)
@pytest.mark.parametrize(
    ("model", "data", "told"),
    [
        (MotionConfig, {"speed_mps": 1.2, "file": "walk.txt"}, "give either speed_mps .* or file .*, not both"),
        *((MotionConfig, {"speed_mps": speed}, "should be") for speed in (0.8, 1.96)),
        (
            TrainingConfig,
            {"n_envs": 6, "n_steps": 50, "batch_size": 128},
            "batch_size must divide n_envs × n_steps: 6 × 50 = 300 is no multiple of 128",
        ),
        (TrainingConfig, {"total_timesteps": 100}, "total_timesteps 100 is less than one rollout of 1024"),
        (Schedule, {"kind": "linear", "start": 1.0}, "a linear schedule needs an end"),
        (Schedule, {"kind": "exponential", "start": 1.0}, "a exponential schedule needs an end"),
        (Schedule, {"kind": "constant", "start": 1.0, "end": 0.5}, "a constant schedule has no end"),
        (StudyConfig, WALK | {"seeds": [1, 2, 1]}, "seeds: a seed is listed twice"),
        (StudyConfig, WALK | {"experiments": {"walk": {"seeds": [3, 3]}}}, "walk: a seed is listed twice"),
        (StudyConfig, WALK | {"experiments": {}}, "at least 1 item"),
        (RunConfig, RUN | {"experiment": "../walk"}, "should match pattern"),
        *((RunConfig, RUN | {"seed": seed}, "") for seed in (-1, 2**32, 1.5, True, "1", None)),
        *((TrainingConfig, {"n_envs": value}, "") for value in (0, "16", 16.5)),
        *((TrainingConfig, {"gamma": value}, "") for value in (1.1, "0.9")),
    ],
)
def test_what_a_section_refuses(model: type[BaseModel], data: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read(model, data)
    (problem,) = caught.value.errors()
    assert re.search(told, problem["msg"])
