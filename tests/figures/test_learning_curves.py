"""Learning curves show each seed's evaluations, and where training first succeeded or diverged."""

from __future__ import annotations

import numpy as np
import pytest
from figures.panels import labels, lines, marks
from matplotlib.colors import to_hex

from mimicrl.figures.learning_curves import ExperimentCurves, SeedCurve, learning_curves
from mimicrl.figures.style import THICK, figure_bytes


def curve(
    budget: float = 4e5, *, count: int = 4, first: int = -1, diverged: bool = False, timed: bool = True
) -> SeedCurve:
    """A seed whose evaluation number `first` is the first success, if any, and that diverged in its last one."""
    samples = np.linspace(budget / 4, budget, count)
    return SeedCurve(
        samples=samples,
        seconds=samples / 4000 if timed else np.full(count, np.nan),
        reward=samples / budget,
        stable_share=np.linspace(0, 100, count),
        first_success=np.arange(count) == first,
        diverged=(np.arange(count) == count - 1) & diverged,
    )


def experiment(*seeds: SeedCurve) -> ExperimentCurves:
    return ExperimentCurves(seeds, {})


def test_first_successes_and_divergence_are_marked_where_they_were() -> None:
    figure = learning_curves({"walk": experiment(curve(first=2)), "run": experiment(curve(diverged=True))})
    assert marks(figure.axes[0], "o") == [(300.0, 0.75)]
    assert marks(figure.axes[0], "x") == [(400.0, 1.0)]
    assert labels(figure) == ["walk", "run", "first success", "diverged"]


def test_seeds_without_times_are_drawn_over_samples_only() -> None:
    figure = learning_curves({"walk": experiment(curve(timed=False, diverged=True), curve())})
    assert [len(lines(axes)) for axes in figure.axes] == [2, 1, 2, 1]
    assert [len(marks(axes, "x")) for axes in figure.axes] == [1, 0, 1, 0]
    assert figure_bytes(figure, "svg")


def test_an_experiment_without_any_evaluation_leaves_empty_panels() -> None:
    figure = learning_curves({"walk": experiment(curve(count=0)), "none": experiment()})
    assert figure_bytes(figure, "svg")


@pytest.mark.parametrize(("budget", "label"), [(400_000, "samples [thousand]"), (8_000_000, "samples [million]")])
def test_samples_are_counted_in_numbers_that_can_be_read(budget: int, label: str) -> None:
    axes = learning_curves({"walk": experiment(curve(budget))}).axes[2]
    assert axes.get_xlabel() == label
    assert axes.get_xlim()[1] < 1000


def test_experiments_can_be_told_apart_and_long_names_leave_the_panels_their_room() -> None:
    names = [f"{'a-long-name-of-an-experiment-' * (k % 2)}{k}" for k in range(14)]
    figure = learning_curves({name: experiment(curve()) for name in names})
    (legend,) = figure.legends
    looks = {(to_hex(line.get_color()), str(line.get_linestyle())) for line in legend.get_lines()}
    assert len(looks) == len(names)
    assert {line.get_linewidth() for line in legend.get_lines()} == {THICK["linewidth"]}
    figure.draw_without_rendering()
    assert min(axes.get_window_extent().height for axes in figure.axes) > 1.2 * figure.dpi
