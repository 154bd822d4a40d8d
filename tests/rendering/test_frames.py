"""Pictures follow the walker, and a machine without OpenGL is told what it lacks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from mimicrl.errors import MachineError
from mimicrl.rendering.frames import FrameRenderer
from mimicrl.walkers import Walker


@pytest.fixture(scope="module")
def renderer(walker: Walker) -> Iterator[FrameRenderer]:
    made = FrameRenderer(walker.model)
    yield made
    made.close()


def changed(one: np.ndarray, other: np.ndarray) -> float:
    """Share of the pixels that differ clearly."""
    return float((np.abs(one.astype(int) - other.astype(int)).max(axis=2) > 20).mean())


def assert_same(one: np.ndarray, other: np.ndarray) -> None:
    np.testing.assert_allclose(one.astype(int), other.astype(int), atol=8)  # OpenGL may round another way


def moved(walker: Walker, index: int, by: float) -> np.ndarray:
    """The initial configuration with one of its values changed."""
    qpos = walker.model.qpos0.copy()
    qpos[index] += by
    return qpos


@pytest.mark.parametrize(("width", "height"), [(640, 480), (320, 100), (97, 33)])
def test_pictures_have_the_asked_size(walker: Walker, width: int, height: int) -> None:
    renderer = FrameRenderer(walker.model, width, height)
    picture = renderer.frame(walker.model.qpos0)
    renderer.close()
    assert (picture.shape, picture.dtype) == ((height, width, 3), np.uint8)
    assert picture.std() > 5


def test_a_moved_joint_is_seen_and_the_same_state_gives_the_same_picture(
    walker: Walker, renderer: FrameRenderer
) -> None:
    first = renderer.frame(walker.model.qpos0)
    kept = first.copy()
    assert changed(renderer.frame(moved(walker, 7, 0.5)), kept) > 0.001
    np.testing.assert_array_equal(first, kept)
    assert_same(renderer.frame(walker.model.qpos0), kept)


def test_the_picture_is_upright(walker: Walker, renderer: FrameRenderer) -> None:
    centres = []
    empty = renderer.frame(moved(walker, 2, -100)).astype(int)
    for lift_m in (-0.3, 0.3):
        shown = np.abs(renderer.frame(moved(walker, 2, lift_m)).astype(int) - empty).sum(axis=(1, 2))
        centres.append((shown * np.arange(480)).sum() / shown.sum())
    assert centres[0] > centres[1] + 20  # rows count from the top


def test_the_camera_walks_along(walker: Walker, renderer: FrameRenderer) -> None:
    turned = walker.model.qpos0.copy()
    turned[3:7] = [np.cos(0.5), 0, 0, np.sin(0.5)]
    here = renderer.frame(walker.model.qpos0)[:300, 200:440]
    # The floor's pattern may shift; the walker stays in the middle.
    assert changed(here, renderer.frame(moved(walker, 0, 10.0))[:300, 200:440]) < 0.05
    assert changed(here, renderer.frame(turned)[:300, 200:440]) > 0.02


def test_the_camera_looks_where_it_is_told(walker: Walker, renderer: FrameRenderer) -> None:
    qpos = walker.model.qpos0
    at_walker = renderer.frame(qpos)
    assert_same(renderer.frame(qpos, look_at_x=float(qpos[0])), at_walker)
    assert changed(renderer.frame(qpos, look_at_x=0.5), at_walker) > 0.02
    empty = renderer.frame(moved(walker, 2, -100)).astype(int)
    away = np.abs(renderer.frame(qpos, look_at_x=50.0).astype(int) - empty)
    assert away[:200, 200:440].max() < 40, "the walker is out of the picture"


def test_a_ghost_stands_beside_the_walker_and_changes_nothing_of_it(walker: Walker, renderer: FrameRenderer) -> None:
    qpos = walker.model.qpos0
    alone = renderer.frame(qpos).astype(int)
    both = renderer.frame(qpos, ghost_qpos=moved(walker, 1, 0.9)).astype(int)
    new = both[np.abs(alone - both).max(axis=2) > 20]
    assert len(new) > 0.01 * alone[..., 0].size
    assert (new[:, 0] - new[:, 2]).mean() > (alone[..., 0] - alone[..., 2]).mean() + 20, "it is orange"
    assert_same(renderer.frame(qpos), alone)


def test_a_spot_on_the_floor_tells_where_the_walker_is(walker: Walker, renderer: FrameRenderer) -> None:
    high = moved(walker, 2, 100)
    spot = renderer.frame(high)[300:].astype(int) - renderer.frame(high, look_at_x=50.0)[300:].astype(int)
    assert spot.mean() < -0.1, "the floor is darker there"


def test_two_renderers_draw_in_turn_and_leave_the_walkers_own_model_as_it_is(
    walker: Walker, renderer: FrameRenderer
) -> None:
    visual = walker.model.vis
    before = (visual.quality.offsamples, visual.global_.offwidth, visual.global_.offheight)
    wanted = renderer.frame(walker.model.qpos0)
    other = FrameRenderer(walker.model, 2000, 1000)
    for _ in range(2):
        assert other.frame(walker.model.qpos0).std() > 5
        assert_same(renderer.frame(walker.model.qpos0), wanted)
    other.close()
    assert_same(renderer.frame(walker.model.qpos0), wanted)
    assert (visual.quality.offsamples, visual.global_.offwidth, visual.global_.offheight) == before


def test_a_context_that_cannot_draw_is_named(walker: Walker, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise RuntimeError("no pixels")

    monkeypatch.setattr("mujoco.MjrContext", fail)
    with pytest.raises(MachineError, match=r"^cannot draw without OpenGL — egl — got RuntimeError: no pixels — apt"):
        FrameRenderer(walker.model, backend="egl")
