"""A file that is added to the folder of metrics is all that a metric takes: it is seen wherever metrics are."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from stage_calls import evaluate, prepare_run, prepare_study, train

from mimicrl import artifacts
from mimicrl.analysis.load import load_results
from mimicrl.analysis.study_figures import study_figures
from mimicrl.config import load_study, resolve
from mimicrl.evaluation import metrics
from mimicrl.runs import Run
from mimicrl.stages.aggregate import aggregate
from mimicrl.stages.report import report

FILE = """
from mimicrl.evaluation.metrics import StepMetric

class Height(StepMetric):
    name, heading, unit = "root_height_m", "Root height", "m"
    meaning = "The mean height of the root."
    headline = True

    def of_step(self, step, batch):
        return step.state.root_position_w[:, 2]
"""


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder of metrics with one file more."""
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "height.py").write_text(FILE)
    monkeypatch.setattr(metrics, "__path__", [*metrics.__path__, str(tmp_path / "more")])
    metrics.found.cache_clear()
    yield
    metrics.found.cache_clear()


@pytest.mark.usefixtures("added")
def test_it_is_in_every_file_and_on_the_page(study: Callable[..., Path], tmp_path: Path) -> None:
    loaded = load_study(study())
    directory = tmp_path / "results" / loaded.study
    prepare_study(loaded, directory)
    run = prepare_run(resolve(loaded, "walk", 1), tmp_path, directory / "walk" / "seed_1")
    train(run, cores=1)
    evaluate(run)
    made = aggregate(directory)
    value = made.runs["root_height_m"].to_numpy()[0]
    assert 0.3 < value < 1.2
    assert pd.read_parquet(run.episodes_file("final"))["root_height_m"].to_numpy().mean() == value
    assert "root_height_m" in pd.read_parquet(run.evaluations_file)
    assert "eval/root_height_m" in pd.read_parquet(run.metrics_file)
    assert "root_height_m" in artifacts.read_json(run.outcome_file)["best"]
    assert made.experiments["root_height_m_mean"].to_numpy()[0] == value
    assert "Root height [m]" in (directory / "tables" / "experiments.tex").read_text()
    assert f"root height [m] {value:.3f}" in made.headline[0]
    figure = study_figures(load_results(directory))["final_evaluation"].figure
    assert "root\nheight [m]" in [axes.get_title() for axes in figure.axes]
    page = report(directory).read_text()
    for words in ("<dt>Root height [m]</dt>", "The mean height of the root.", f"<dd>{value:.3f}</dd>"):
        assert words in page


@pytest.mark.usefixtures("added")
def test_it_changes_no_other_figure(trained_run: Run, tmp_path: Path) -> None:
    run = Run(shutil.copytree(trained_run.path, tmp_path / "run"))
    evaluate(run)
    more = pd.read_parquet(run.episodes_file("final"))
    metrics.__path__.pop()
    metrics.found.cache_clear()
    evaluate(run)
    fewer = pd.read_parquet(run.episodes_file("final"))
    assert set(more) - set(fewer) == {"root_height_m"}
    pd.testing.assert_frame_equal(more.drop(columns="root_height_m"), fewer, check_exact=True)
