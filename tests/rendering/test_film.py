"""Films: even time, from the first row to the last, the camera gliding along."""

from __future__ import annotations

import threading
from collections.abc import Generator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mimicrl.errors import MachineError
from mimicrl.geometry import rotations
from mimicrl.rendering import film
from mimicrl.rendering.film import Animation
from mimicrl.walkers import Walker

HZ = 50.0


def walk(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Times and configurations of something that moves and turns."""
    generator = np.random.default_rng(seed)
    turn = rotations.from_rotation_vector(np.cumsum(generator.normal(0, 0.2, (rows, 3)), axis=0))
    position, joints = generator.normal(0, 1, (rows, 3)), generator.normal(0, 1, (rows, 8))
    return np.arange(rows) / HZ, np.column_stack([position, turn, joints])


def orientations_agree(one: np.ndarray, other: np.ndarray) -> None:
    np.testing.assert_allclose(np.abs(np.einsum("ij,ij->i", one[:, 3:7], other[:, 3:7])), 1.0, atol=1e-12)


@given(rows=st.integers(2, 30), seed=st.integers(0, 99))
def test_at_the_rows_times_interpolation_gives_the_rows(rows: int, seed: int) -> None:
    times, qpos = walk(rows, seed)
    found = film.at_times(times, qpos, times)
    np.testing.assert_array_equal(np.delete(found, slice(3, 7), axis=1), np.delete(qpos, slice(3, 7), axis=1))
    orientations_agree(found, qpos)


@given(wanted=hnp.arrays(float, 20, elements=st.floats(-1, 2)), flips=hnp.arrays(bool, 25))
def test_a_quaternion_and_its_opposite_are_one_orientation(wanted: np.ndarray, flips: np.ndarray) -> None:
    times, qpos = walk(25)
    flipped, before = qpos.copy(), qpos.copy()
    flipped[flips, 3:7] *= -1
    found, again = film.at_times(times, qpos, wanted), film.at_times(times, flipped, wanted)
    np.testing.assert_allclose(np.linalg.norm(found[:, 3:7], axis=1), 1.0, atol=1e-12)
    orientations_agree(found, again)
    np.testing.assert_array_equal(qpos, before)


def test_between_two_rows_lies_their_middle() -> None:
    axis = np.array([0.6, 0.0, 0.8])
    qpos = np.zeros((2, 9))
    qpos[:, 3:7] = rotations.from_rotation_vector(np.outer([0.2, 1.0], axis))
    qpos[:, 7] = [1.0, 3.0]
    middle = film.at_times(np.array([0.0, 0.02]), qpos, np.array([0.01]))
    np.testing.assert_allclose(middle[0, 3:7], rotations.from_rotation_vector(0.6 * axis[None])[0], atol=1e-12)
    assert middle[0, 7] == pytest.approx(2.0)


@given(rows=st.integers(2, 200), speed=st.floats(-3, 3), start=st.floats(-5, 5))
def test_at_constant_speed_the_camera_keeps_up_exactly(rows: int, speed: float, start: float) -> None:
    times = np.arange(rows) / HZ
    wanted = np.linspace(0, times[-1], 33)
    np.testing.assert_allclose(film.glide(times, start + speed * times, wanted), start + speed * wanted, atol=1e-9)


def test_the_camera_does_not_follow_the_surge_of_steps() -> None:
    times = np.arange(300) / HZ
    surge = 0.05 * np.sin(2 * np.pi * 2 * times)
    camera = film.glide(times, 1.2 * times + surge, times)
    assert np.abs(camera - 1.2 * times)[30:-30].max() < 0.2 * np.abs(surge).max()


class Renderer:
    """Draws nothing and notes what it should have drawn."""

    def __init__(self, width: int, height: int) -> None:
        self.size = (height, width, 3)
        self.drawn: list[tuple[np.ndarray, np.ndarray | None, float]] = []
        self.open = True

    def frame(self, qpos: np.ndarray, *, ghost_qpos: np.ndarray | None, look_at_x: float) -> np.ndarray:
        self.drawn.append((qpos, ghost_qpos, look_at_x))
        return np.full(self.size, 200, np.uint8)

    def close(self) -> None:
        self.open = False


@pytest.fixture
def renderers(monkeypatch: pytest.MonkeyPatch) -> list[Renderer]:
    """The renderers that were opened."""
    made: list[Renderer] = []
    monkeypatch.setattr(film, "FrameRenderer", lambda _, *size: made.append(Renderer(*size)) or made[-1])
    return made


@pytest.mark.parametrize(
    ("rows", "fps", "seconds", "pictures"),
    [(2, 30.0, None, 1), (59, 30.0, None, 35), (1000, 30.0, 2.0, 60), (50, 30.0, 9.0, 30), (50, 240.0, None, 240)],
)
@pytest.mark.parametrize("with_ghost", [False, True])
def test_a_film_lasts_as_long_as_its_take_or_as_asked_and_shows_it_evenly(
    walker: Walker,
    renderers: list[Renderer],
    rows: int,
    fps: float,
    seconds: float | None,
    pictures: int,
    with_ghost: bool,
) -> None:
    times, qpos = walk(rows)
    told: list[float] = []
    ghost_qpos = qpos + 0.5 if with_ghost else None
    animation = Animation(walker.model, times, qpos, ghost_qpos, lambda time_s: told.append(time_s) or ())
    frames = list(film.frames(animation, fps, 64, 48, seconds=seconds))
    assert [frame.shape for frame in frames] == [(48, 64, 3)] * pictures
    shown, ghosts, cameras = zip(*renderers[0].drawn, strict=True)
    wanted = np.array(told)
    np.testing.assert_array_equal(shown, film.at_times(times, qpos, wanted))
    np.testing.assert_array_equal(cameras, film.glide(times, qpos[:, 0], wanted))
    if ghost_qpos is None:
        assert set(ghosts) == {None}
    else:
        np.testing.assert_array_equal(ghosts, film.at_times(times, ghost_qpos, wanted))
    moving = wanted[wanted > 0]  # there may be more pictures than rows before the second row
    np.testing.assert_allclose(np.diff(moving), 1 / fps)
    end = times[-1] if seconds is None or seconds > rows / HZ else seconds - 1 / HZ
    assert told[-1] == pytest.approx(end), "the last picture shows where the motion got to"
    assert 0 <= told[0] <= 1.5 / fps


def test_a_film_that_is_left_early_closes_its_renderer(walker: Walker, renderers: list[Renderer]) -> None:
    pictures = film.frames(Animation(walker.model, *walk(50)), 30.0, 64, 48)
    assert not renderers, "nothing is opened before the first picture"
    next(pictures)
    assert renderers[0].open
    pictures.close()
    assert not renderers[0].open


def test_one_other_thread_makes_pictures_and_is_one_ahead_and_its_error_comes_after_them() -> None:
    threads: list[int] = []

    def make(count: int) -> Generator[int, None, None]:
        try:
            for number in range(count):
                threads.append(threading.get_ident())
                yield number
            raise MachineError("the screen is gone")
        finally:
            threads.append(threading.get_ident())

    items = film.ahead(make(9))
    assert [next(items) for _ in range(4)] == [0, 1, 2, 3]
    items.close()
    assert len(threads) == 5 + 1, "one more is made, and then the generator is closed"
    assert len({*threads, threading.get_ident()}) == 2
    items = film.ahead(make(2))
    assert [next(items), next(items)] == [0, 1]
    with pytest.raises(MachineError, match="the screen is gone"):
        next(items)
    assert len(threads) == 6 + 3
