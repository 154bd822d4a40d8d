"""Captions stand at a picture's lower edge, readable, and within it."""

from __future__ import annotations

import numpy as np
import pytest

from mimicrl.rendering import caption

LINES = ("demo / walk, seed 1, final policy", "1.25 m/s (reference 1.25)   20.0 s   25.1 m")


def grey(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), 200, np.uint8)


def touched(lines: tuple[str, ...], height: int = 480, width: int = 640) -> np.ndarray:
    """Whether each pixel was changed."""
    return np.asarray((caption.write(grey(height, width), lines) != grey(height, width)).any(axis=2))


@pytest.mark.parametrize("lines", [(), ("",), ("", "")])
def test_without_words_a_picture_is_left_as_it_is(lines: tuple[str, ...]) -> None:
    frame = grey(48, 64)
    assert caption.write(frame, lines) is frame


@pytest.mark.parametrize(("height", "width"), [(480, 640), (1080, 1920), (48, 64), (33, 97), (16, 16), (480, 16)])
def test_a_picture_keeps_its_size_and_the_given_one_its_content(height: int, width: int) -> None:
    frame = grey(height, width)
    written = caption.write(frame, LINES)
    assert (written.shape, written.dtype) == (frame.shape, np.uint8)
    assert (frame == 200).all()
    assert (written != 200).any()


@pytest.mark.parametrize("count", [1, 2])
def test_the_words_stand_on_a_dark_bar_at_the_lower_edge(count: int) -> None:
    changed = touched(LINES[:count])
    rows = np.flatnonzero(changed.any(axis=1))
    assert rows[-1] == 479
    assert rows[0] > 480 * (1 - 0.09 * count)
    assert changed[rows[0] :].all(), "the bar is as wide as the picture"
    bar = caption.write(grey(480, 640), LINES[:count])[rows]
    assert np.median(bar) < 120
    assert bar.max() == 255


@pytest.mark.parametrize("width", [400, 640, 1280])
def test_a_long_line_is_made_to_fit(width: int) -> None:
    long = caption.write(grey(480, width), ("word " * 14,))
    bright = np.asarray(np.any((long[-40:] > 220).all(axis=2), axis=0))
    assert bright.any()
    assert not np.any(bright[-width // 80 :]), "nothing runs over the edge"
