from __future__ import annotations

import pytest

from benchmarks.timed_replay import Watched


def test_watched_pictures_are_the_pictures_and_all_the_time_they_take() -> None:
    watched = Watched(iter("abc"))
    assert list(watched) == ["a", "b", "c"]
    assert watched.wall_s > 0.0
    spent = watched.wall_s
    with pytest.raises(StopIteration):
        next(watched)
    assert watched.wall_s > spent
