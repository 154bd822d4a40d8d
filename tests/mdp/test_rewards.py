"""The reward is 1 on the reference and nowhere else; its kernels have DeepMimic's form; penalties are taken from it."""

from __future__ import annotations

import numpy as np
import pytest
from mdp.rows import Rows
from numpy.typing import ArrayLike
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


def turned(rows: Rows, vector_rad: ArrayLike) -> np.ndarray:
    """qpos with the root turned in its own frame."""
    qpos = rows.qpos.copy()
    qpos[:, 3:7] = rotations.multiply(qpos[:, 3:7], rotations.from_rotation_vector(np.asarray(vector_rad)))
    return qpos


@pytest.mark.parametrize("ahead_m", [0.0, 2.0])
def test_replaying_the_reference_scores_the_maximum_however_far_ahead(on_reference: Rows, ahead_m: float) -> None:
    reward, terms = score(on_reference.moved(0.0, (ahead_m, 0.0)))
    np.testing.assert_allclose(reward, 1.0, rtol=0, atol=1e-4)
    np.testing.assert_allclose(terms, np.tile(WEIGHTS, (len(terms), 1)), rtol=0, atol=1e-4)


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
    reward, terms = score(on_reference._replace(**{array: values}))
    assert (reward < 1 - 1e-4).all()
    for name, lower in zip(NAMES, (terms < WEIGHTS - 1e-4).T, strict=True):
        assert lower.all() if name in names else not lower.any(), name


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("axis", range(3))
def test_a_turned_root_lowers_its_terms(on_reference: Rows, axis: int, sign: int) -> None:
    vector = 0.1 * sign * np.eye(3)[axis]
    # The feet are seen from the heading, so a pure turn is one about the vertical.
    turn = on_reference.moved(vector[2], (0.0, 0.0)) if axis == 2 else None
    _, terms = score(turn or on_reference._replace(qpos=turned(on_reference, vector)))
    for name in {"pose"} if turn else {"pose", "end_effector"}:
        assert (terms[:, NAMES.index(name)] < WEIGHTS[NAMES.index(name)] - 1e-4).all(), name


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


ROOT_OFF = {"height_scale": 0.0, "velocity_scale": 0.0, "lateral_scale": 0.0}
# The kernel, the change of each column of qpos and qvel, and the exponent that it should have.
KERNELS: dict[str, tuple[RewardTerm, dict[int, float], dict[int, float], float]] = {
    "pose": (rewards.Pose(), {7: 0.3}, {}, 3 * 0.09),
    "steeper pose": (rewards.Pose(scale=7.0), {7: 0.3}, {}, 7 * 0.09),
    "velocity": (rewards.Velocity(), {}, {3: 1.0, 6: -2.0}, 0.02 * 5),
    "root's height": (rewards.Root(**ROOT_OFF | {"height_scale": 5.0}), {1: 0.3, 2: -0.2}, {0: 0.5}, 5 * 0.04),
    "root's velocity": (rewards.Root(**ROOT_OFF | {"velocity_scale": 5.0}), {1: 0.3}, {0: 0.5, 1: -0.1}, 5 * 0.26),
    "root's deviation": (rewards.Root(**ROOT_OFF | {"lateral_scale": 5.0}), {1: 0.3, 2: -0.2}, {0: 0.5}, 5 * 0.09),
}


@pytest.mark.parametrize(("term", "qpos", "qvel", "exponent"), KERNELS.values(), ids=KERNELS)
def test_kernels_are_gaussians_of_their_errors(
    on_reference: Rows, term: RewardTerm, qpos: dict[int, float], qvel: dict[int, float], exponent: float
) -> None:
    changed = on_reference._replace(qpos=on_reference.qpos.copy(), qvel=on_reference.qvel.copy())
    changed.qpos[:, [*qpos]] += [*qpos.values()]
    changed.qvel[:, [*qvel]] += [*qvel.values()]
    np.testing.assert_allclose(score(changed, [term])[1][:, 0], term.weight * np.exp(-exponent), rtol=1e-5)


def test_a_turned_root_counts_like_a_joint_turned_as_far(on_reference: Rows) -> None:
    rows = on_reference._replace(qpos=turned(on_reference, (0.1, -0.2, 0.2)))
    np.testing.assert_allclose(score(rows)[1][:, 0], 0.45 * np.exp(-3.0 * 0.09), rtol=1e-5)


def test_the_end_effector_kernel_is_a_gaussian_of_four_sites(on_reference: Rows) -> None:
    shifted, frame = on_reference.measure(), on_reference.motion.at_phase(on_reference.phase)
    shifted.feet_h[:] = frame.feet_h + np.tile([0.1, 0.0, -0.2], 4)
    exponent = rewards.EndEffector(scale=10.0).exponent(tracking_error(shifted, frame))
    np.testing.assert_allclose(exponent, 10 * 4 * 0.05, rtol=1e-9)


def test_the_total_is_the_sum_of_the_terms_within_0_and_1(rows: Rows) -> None:
    reward, terms = score(rows)
    assert reward.dtype == terms.dtype == np.float32
    np.testing.assert_allclose(reward, terms.sum(axis=1), rtol=1e-6)
    assert (terms >= 0).all()
    assert (reward < 1).all()
    assert len(set(reward)) == len(reward)


class Effort(PenaltyTerm):
    """Squared actions."""

    def cost(self, view: View) -> np.ndarray:
        return np.einsum("ij,ij->i", view.action, view.action)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e21])
def test_a_row_that_has_diverged_earns_and_pays_nothing(rows: Rows, bad: float) -> None:
    terms, broken = [*TERMS, Effort(weight=1.0)], np.arange(len(rows.phase)) == 3
    action = np.full((len(rows.phase), 8), 0.5)
    sane, _ = total(terms, rows.view(action.copy()))
    qpos, qvel = rows.qpos.copy(), rows.qvel.copy()
    qpos[3] = qvel[3] = action[3] = bad
    with np.errstate(all="ignore"):
        reward, parts = rewards.total(terms, rows._replace(qpos=qpos, qvel=qvel).view(action), broken)
    assert parts[3, -1] == 0
    np.testing.assert_allclose(reward[3], 0, rtol=0, atol=1e-9)
    np.testing.assert_allclose(parts[3], 0, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(reward[~broken], sane[~broken])


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


def test_the_weights_that_do_not_add_up_are_listed() -> None:
    with pytest.raises(
        ValidationError, match=r"add up to 1, got 1.1 \(pose 0.45, velocity 0.2, end_effector 0.15, root 0.3\)"
    ):
        MDPConfig.model_validate({"rewards": {"velocity": {"weight": 0.2}}})
