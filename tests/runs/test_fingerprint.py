"""What the fingerprint covers and what it leaves out."""

from __future__ import annotations

from typing import Any

import pytest

from mimicrl.runs.fingerprint import fingerprint

HASHES = {"motion_sha256": "a" * 64, "walker_sha256": "b" * 64}
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
    {"training": {"actor": [16]}},
    {"evaluation": {"interval": 512}},
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
    {"training": {"checkpoint_interval": 7}},
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
    assert fingerprint(tiny(), **HASHES | {name: "c" * 64}) != fingerprint(tiny(), **HASHES)


@pytest.mark.parametrize("name", ["learning_rate", "clip_range"])
def test_the_budget_counts_where_a_schedule_stretches_with_it(tiny, name: str) -> None:
    short, long = (tiny(training={name: STRETCHED, "total_timesteps": total}) for total in (512, 1024))
    assert fingerprint(short, **HASHES) != fingerprint(long, **HASHES)
