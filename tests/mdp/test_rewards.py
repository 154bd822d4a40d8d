"""The reward is 1 on the reference and nowhere else; its kernels have DeepMimic's form; penalties are taken from it."""

from __future__ import annotations

import numpy as np
import pytest
from mdp.rows import Rows
from pydantic import ValidationError

from mimicrl.geometry import rotations
from mimicrl.mdp import rewards
from mimicrl.mdp.config import MDPConfig
from mimicrl.mdp.error import tracking_error
from mimicrl.mdp.terms import PenaltyTerm, RewardTerm, View

TERMS: list[RewardTerm] = MDPConfig().rewards.all()
NAMES = [term.name() for term in TERMS]
WEIGHTS = np.array([term.weight for term in TERMS])


def total(terms: list[RewardTerm], view: View) -> tuple[np.ndarray, np.ndarray]:
    """The reward of rows that have not diverged."""
    return rewards.total(terms, view, np.zeros(len(view.action), bool))


def score(rows: Rows, terms: list[RewardTerm] = TERMS) -> tuple[np.ndarray, np.ndarray]:
    with np.errstate(all="ignore"):
        return total(terms, rows.view())


def turned(rows: Rows, vector_rad: tuple[float, float, float]) -> np.ndarray:
    """qpos with the root turned in its own frame."""
    qpos = rows.qpos.copy()
    qpos[:, 3:7] = rotations.multiply(qpos[:, 3:7], rotations.from_rotation_vector(vector_rad))
    return qpos


def test_replaying_the_reference_scores_the_maximum(on_reference: Rows) -> None:
    reward, terms = score(on_reference)
    np.testing.assert_allclose(reward, 1.0, rtol=0, atol=1e-4)
    np.testing.assert_allclose(terms, np.tile(WEIGHTS, (len(terms), 1)), rtol=0, atol=1e-4)


def test_walking_ahead_of_the_reference_costs_nothing(on_reference: Rows) -> None:
    np.testing.assert_array_equal(score(on_reference.moved(0.0, (2.0, 0.0)))[0] > 1 - 1e-4, True)


# What is off, and which terms see it.
SEEN: dict[str, tuple[str, int, set[str]]] = {
    **{f"joint {j}": ("qpos", 7 + j, {"pose", "end_effector"}) for j in range(8)},
    "height": ("qpos", 2, {"root"}),
    "beside the line": ("qpos", 1, {"root"}),
    **{f"joint rate {j}": ("qvel", 6 + j, {"velocity"}) for j in range(8)},
    **{f"{axis} rate": ("qvel", 3 + k, {"velocity"}) for k, axis in enumerate(("roll", "pitch", "yaw"))},
    "speed": ("qvel", 0, {"root"}),
    "drift": ("qvel", 1, {"root"}),
}


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("array", "column", "names"), SEEN.values(), ids=SEEN)
def test_what_is_off_lowers_its_terms_and_no_other(
    on_reference: Rows, array: str, column: int, names: set[str], sign: int
) -> None:
    values = getattr(on_reference, array).copy()
    values[:, column] += sign * (0.1 if array == "qpos" else 0.3)
    assert_lower(on_reference._replace(**{array: values}), names)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("axis", "names"), [("x", {"pose", "end_effector"}), ("y", {"pose", "end_effector"}), ("z", {"pose"})]
)
def test_a_turned_root_lowers_its_terms(on_reference: Rows, axis: str, names: set[str], sign: int) -> None:
    angle = sign * 0.1
    # The feet are seen from the heading, so a pure turn is one about the vertical.
    rows = {
        "x": lambda: on_reference._replace(qpos=turned(on_reference, (angle, 0.0, 0.0))),
        "y": lambda: on_reference._replace(qpos=turned(on_reference, (0.0, angle, 0.0))),
        "z": lambda: on_reference.moved(angle, (0.0, 0.0)),
    }[axis]()
    reward, terms = score(rows)
    assert (reward < 1 - 1e-4).all()
    for index in map(NAMES.index, names):
        assert (terms[:, index] < WEIGHTS[index] - 1e-4).all()


def assert_lower(rows: Rows, names: set[str]) -> None:
    reward, terms = score(rows)
    assert (reward < 1 - 1e-4).all()
    for index, name in enumerate(NAMES):
        lower = terms[:, index] < WEIGHTS[index] - 1e-4
        assert lower.all() if name in names else not lower.any(), name


def test_the_further_off_the_lower(on_reference: Rows, rows: Rows) -> None:
    totals = [
        score(
            on_reference._replace(
                qpos=on_reference.qpos + share * (rows.qpos - on_reference.qpos),
                qvel=on_reference.qvel + share * (rows.qvel - on_reference.qvel),
            )
        )[0]
        for share in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    assert (np.diff(totals, axis=0) < 0).all()


@pytest.mark.parametrize("scale", [3.0, 7.0])
def test_the_pose_kernel_is_a_gaussian_of_the_angle(on_reference: Rows, scale: float) -> None:
    qpos = on_reference.qpos.copy()
    qpos[:, 7] += 0.3
    _, terms = score(on_reference._replace(qpos=qpos), [rewards.Pose(weight=0.45, scale=scale)])
    np.testing.assert_allclose(terms[:, 0], 0.45 * np.exp(-scale * 0.09), rtol=1e-5)


def test_a_turned_root_counts_like_a_joint_turned_as_far(on_reference: Rows) -> None:
    rows = on_reference._replace(qpos=turned(on_reference, (0.1, -0.2, 0.2)))
    np.testing.assert_allclose(score(rows)[1][:, 0], 0.45 * np.exp(-3.0 * 0.09), rtol=1e-5)


def test_the_velocity_kernel_is_a_gaussian_of_all_rates(on_reference: Rows) -> None:
    qvel = on_reference.qvel.copy()
    qvel[:, [3, 6]] += [1.0, -2.0]
    _, terms = score(on_reference._replace(qvel=qvel))
    np.testing.assert_allclose(terms[:, 1], 0.10 * np.exp(-0.02 * 5.0), rtol=1e-5)


def test_the_end_effector_kernel_is_a_gaussian_of_four_sites(on_reference: Rows) -> None:
    shifted, frame = on_reference.measure(), on_reference.motion.at_phase(on_reference.phase)
    shifted.feet_h[:] = frame.feet_h + np.tile([0.1, 0.0, -0.2], 4)
    exponent = rewards.EndEffector(scale=10.0).exponent(tracking_error(shifted, frame))
    np.testing.assert_allclose(exponent, 10 * 4 * 0.05, rtol=1e-9)


@pytest.mark.parametrize("steep", ["height", "velocity", "lateral"])
def test_the_root_kernel_is_a_gaussian_of_each_error(on_reference: Rows, steep: str) -> None:
    qpos, qvel = on_reference.qpos.copy(), on_reference.qvel.copy()
    qpos[:, [1, 2]] += [0.3, -0.2]
    qvel[:, [0, 1]] += [0.5, -0.1]
    squares = {"height": 0.04, "velocity": 0.26, "lateral": 0.09}
    scales = dict.fromkeys(("height_scale", "velocity_scale", "lateral_scale"), 0.0) | {f"{steep}_scale": 5.0}
    error = on_reference._replace(qpos=qpos, qvel=qvel).view().error
    np.testing.assert_allclose(rewards.Root(**scales).exponent(error), 5.0 * squares[steep], rtol=1e-6)


def test_the_total_is_the_sum_of_the_terms_within_0_and_1(rows: Rows) -> None:
    reward, terms = score(rows)
    assert reward.dtype == terms.dtype == np.float32
    np.testing.assert_allclose(reward, terms.sum(axis=1), rtol=1e-6)
    assert (terms >= 0).all()
    assert (reward < 1).all()
    assert len(set(reward)) == len(reward)


def test_rewards_are_the_same_in_the_mirror(rows: Rows) -> None:
    for here, there in zip(score(rows), score(rows.mirrored()), strict=True):
        np.testing.assert_allclose(here, there, rtol=0, atol=1e-5)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_earns_nothing(rows: Rows, bad: float) -> None:
    qpos, qvel = rows.qpos.copy(), rows.qvel.copy()
    qpos[0], qvel[0] = bad, bad
    reward, terms = score(rows._replace(qpos=qpos, qvel=qvel))
    assert reward[0] == 0
    assert (terms[0] == 0).all()
    np.testing.assert_array_equal(reward[1:], score(rows)[0][1:])


class Effort(PenaltyTerm):
    """Squared actions."""

    def cost(self, view: View) -> np.ndarray:
        return np.einsum("ij,ij->i", view.action, view.action)


@pytest.mark.parametrize("weight", [0.01, 2.0])
def test_a_penalty_takes_its_price_from_the_imitation_terms(rows: Rows, weight: float) -> None:
    view = rows.view(action=np.full((len(rows.phase), 8), 0.5))
    plain, terms = total(TERMS, view)
    priced, more = total([*TERMS, Effort(weight=weight)], view)
    np.testing.assert_allclose(priced, plain - weight * 8 * 0.25, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(more[:, :-1], terms)


def test_a_penalty_is_off_by_default_and_no_kernel() -> None:
    assert Effort().is_off
    with pytest.raises(TypeError, match=r"^Effort is a penalty and has no kernel$"):
        Effort().exponent(None)  # type: ignore[arg-type]


def test_rows_are_summed_alike_however_many_there_are(rows: Rows) -> None:
    terms = [*TERMS, *(Effort(weight=0.1 * k) for k in range(1, 9))]
    view = rows.view(action=np.random.default_rng(0).uniform(-1, 1, (len(rows.phase), 8)))
    together, _ = total(terms, view)
    for n in range(len(rows.phase)):
        one = rows._replace(phase=rows.phase[n : n + 1], qpos=rows.qpos[n : n + 1], qvel=rows.qvel[n : n + 1])
        np.testing.assert_array_equal(total(terms, one.view(view.action[n : n + 1]))[0], together[n : n + 1])


def test_every_kernel_is_documented_with_its_values() -> None:
    for term in TERMS:
        assert term.formula.format(**term.model_dump()) != term.formula, term.name()


def test_the_weights_that_do_not_add_up_are_listed() -> None:
    with pytest.raises(
        ValidationError, match=r"add up to 1, got 1.1 \(pose 0.45, velocity 0.2, end_effector 0.15, root 0.3\)"
    ):
        MDPConfig.model_validate({"rewards": {"velocity": {"weight": 0.2}}})


@pytest.mark.parametrize("bad", [np.inf, 1e21, np.nan])
def test_a_penalty_of_a_row_that_has_diverged_is_nothing(rows: Rows, bad: float) -> None:
    action = np.full((len(rows.phase), 8), 0.5)
    action[3] = bad
    broken = np.arange(len(rows.phase)) == 3
    with np.errstate(over="ignore", invalid="ignore"):
        reward, terms = rewards.total([*TERMS, Effort(weight=1.0)], rows.view(action), broken)
    assert terms[3, -1] == 0
    assert (terms[~broken, -1] == -2).all()
    assert np.isfinite(reward).all()
