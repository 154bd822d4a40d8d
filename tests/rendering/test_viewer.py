"""The viewer: an animation at its own speed, again and again, until its window is closed; not without a display."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import mujoco.viewer
import numpy as np
import pytest

from mimicrl.errors import MachineError
from mimicrl.rendering import film, viewer
from mimicrl.rendering.film import Animation
from mimicrl.walkers import Walker

ROWS = 10


@pytest.fixture
def animation(walker: Walker) -> Animation:
    qpos = np.repeat(walker.model.qpos0[None], ROWS, axis=0)
    qpos[:, 7] = np.linspace(0, 1, ROWS)
    return Animation(walker.model, np.arange(ROWS) / 50, qpos)


class Clock:
    """Time that passes only while someone sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds


class Window:
    """A window that is closed after so many pictures."""

    def __init__(self, data: mujoco.MjData, clock: Clock, pictures: int) -> None:
        self._data, self._clock, self._pictures = data, clock, pictures
        self.shown: list[tuple[float, np.ndarray]] = []
        self.closed = threading.Event()
        self.drawing = threading.Thread(target=lambda: self.closed.wait(60) and time.sleep(0.1), daemon=True)

    def is_running(self) -> bool:
        return len(self.shown) < self._pictures

    def sync(self) -> None:
        self.shown.append((self._clock.now, self._data.qpos.copy()))


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> list[Window]:
    """The windows that were opened; each is closed after 25 pictures."""
    opened: list[Window] = []
    clock = Clock()

    @contextlib.contextmanager
    def launch(model: Any, data: mujoco.MjData, **_: Any) -> Iterator[Window]:
        opened.append(Window(data, clock, 25))
        opened[-1].drawing.start()
        yield opened[-1]
        opened[-1].closed.set()

    monkeypatch.setenv("DISPLAY", ":7")
    monkeypatch.setattr(viewer.glfw, "init", lambda: True)
    monkeypatch.setattr(viewer.glfw, "terminate", lambda: None)
    monkeypatch.setattr(mujoco.viewer, "launch_passive", launch)
    monkeypatch.setattr(viewer, "time", clock)
    return opened


def test_an_animation_is_shown_at_its_own_speed_until_the_window_is_closed(
    animation: Animation, windows: list[Window]
) -> None:
    viewer.show(animation)
    (window,) = windows
    assert len(window.shown) == 25
    times, rows = np.array([time for time, _ in window.shown]), np.array([row for _, row in window.shown])
    once = int(np.flatnonzero(np.diff(rows[:, 7]) < 0)[0]) + 1
    assert rows[once:][:once].tolist() == rows[:once].tolist(), "it begins again"
    elapsed = times[:once] - times[0]
    np.testing.assert_allclose(rows[:once], film.at_times(animation.times_s, animation.qpos, elapsed), atol=1e-9)
    assert elapsed[0] == 0
    assert elapsed[-1] > animation.times_s[-2]
    assert not window.drawing.is_alive(), "nobody draws any more when the process may end"


@pytest.mark.parametrize(
    ("display", "got"),
    [({}, "no DISPLAY"), ({"DISPLAY": ":99"}, "DISPLAY=:99"), ({"WAYLAND_DISPLAY": ":9"}, "WAYLAND_DISPLAY=:9")],
)
def test_without_a_display_the_message_says_what_else_to_do(
    animation: Animation, windows: list[Window], monkeypatch: pytest.MonkeyPatch, display: dict[str, str], got: str
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(viewer.glfw, "init", lambda: not display)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in display.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(MachineError) as caught:
        viewer.show(animation)
    assert str(caught.value) == f"the viewer needs a display — got {got} — leave out --view to write a video"
    assert not windows
