"""The final evaluation shows one mark per seed, intervals and targets, and names the missing seeds."""

from __future__ import annotations

import numpy as np
import pytest
from figures.panels import labels, marks
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from mimicrl.figures.final_evaluation import Panel, SeedValues, final_evaluation

WALK = SeedValues(np.array([0.9, 0.9, 0.5]), np.array([False, False, True]), (0.8, 0.5, 0.9), 1.25)
NONE = SeedValues(np.zeros(0), np.zeros(0, bool))


@pytest.fixture
def figure() -> Figure:
    return final_evaluation({"walk": [4, 5], "none": [1]}, [Panel("reward [1]", [WALK, NONE], (0.0, 1.0))])


def test_equal_seeds_do_not_hide_each_other(figure: Figure) -> None:
    dots = marks(figure.axes[0], "o")
    assert [x for x, _ in dots] == [0.9, 0.9]
    assert len(set(dots)) == 2


def test_missing_seeds_are_named_and_targets_drawn(figure: Figure) -> None:
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["walk\nseed 4, 5\nmissing", "none\nseed 1 missing"]
    lines = [c.get_segments()[0][0][0] for c in figure.axes[0].collections if isinstance(c, LineCollection)]
    assert lines == [1.25, 0.8]
    assert labels(figure) == ["one seed", "diverged seed", "IQM, 95 % interval", "target"]
