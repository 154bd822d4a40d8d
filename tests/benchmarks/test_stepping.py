from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest

from benchmarks import stepping
from benchmarks.stepping import SETTLED, Bench


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"), control_hz=50, physics_hz=1000)


def test_settled_environments_are_at_different_places_of_their_episodes(bench: Bench) -> None:
    state = bench.settled(SETTLED)
    assert len(np.unique(state["steps"])) > 5
    assert state["steps"].max() < 100  # some have fallen in two seconds, or all would be there


def test_more_environments_are_copies(bench: Bench) -> None:
    few, many = bench.settled(SETTLED), bench.settled(SETTLED + 2)
    for name, rows in many.items():
        np.testing.assert_array_equal(rows[-2:], few[name][:2])
        np.testing.assert_array_equal(rows[:-2], few[name])


def test_all_stacks_of_the_project_start_from_the_same_states(bench: Bench) -> None:
    actions = bench.actions(1, 2)[0]
    batch = bench.task.batch(2)
    batch.set_state(bench.settled(2))
    expected = batch.step(actions)
    assert batch.substeps == 20
    assert not (expected.terminated | expected.truncated).any()
    for kind in ("batched", "subproc"):
        with closing(bench.stack(kind, 2, 1)) as environments:
            environments.step(actions)
            np.testing.assert_array_equal(environments.get_original_obs(), expected.observation)
    np.testing.assert_array_equal(bench.limit(2, 1).state, bench.settled(2)["simulation"])


def test_noise_stays_within_the_actions(bench: Bench) -> None:
    actions = bench.actions(1000, 4)
    assert actions.shape == (1000, 4, bench.joints) and np.abs(actions).max() == 1.0
    assert actions.std() == pytest.approx(stepping.NOISE, rel=0.1)


def test_actions_are_taken_in_turn_over_and_over(bench: Bench) -> None:
    class Environments:
        taken: list[int] = []  # noqa: RUF012

        def step(self, action: int) -> None:
            self.taken.append(action)

    environments = Environments()
    step = stepping.stepping(environments, np.array([1, 2, 3]))  # type: ignore[arg-type]
    for _ in range(7):
        step()
    assert environments.taken == [1, 2, 3, 1, 2, 3, 1]


def test_the_short_version_tells_of_every_stack(quick) -> None:
    told = quick("stepping")
    many, one, scaling = told.tables
    stacks = ["physics limit", "mimicrl", "classic", "classic, lean environment"]
    assert [row["stack"] for row in many["rows"]] == stacks
    assert [row["one environment"] for row in one["rows"]] == ["physics limit", "lean environment", "MimicEnv"]
    assert [(row["environments"], row["threads"]) for row in scaling["rows"]] == [(16, 1), (64, 1)]
    for row in [*many["rows"], *one["rows"]]:
        assert all(np.isfinite(row[name]["median"]) for name in row if isinstance(row[name], dict))
        assert row["CPU µs/step"]["low"] > 0 and row["of the limit"]["low"] > 0
    assert all(row["of the limit"]["median"] == 1.0 for row in (many["rows"][0], one["rows"][0]))
    assert all(f"| {stack} |" in told.text for stack in stacks)
