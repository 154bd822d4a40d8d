"""Tables for people: what a cell says, and that no name or sign breaks Markdown or LaTeX."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimicrl.analysis import tables
from mimicrl.analysis.aggregate import experiments_table
from mimicrl.analysis.load import StudyResults, load_results

Make = Callable[..., Path]
REWARDS = {1: 0.934, 2: 0.951, 3: 0.912, 4: 0.945, 5: 0.871}
piped = st.text("ab |±", max_size=8)
cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=12)


def study(make_study: Make, states: Sequence[str], **changes: dict[int, Any]) -> StudyResults:
    """One experiment ``walk`` with seeds 1, 2, …; ``reward={1: 0.9}`` sets a figure of a seed."""
    keys = {("walk", seed): {name: of[seed] for name, of in changes.items()} for seed in range(1, len(states) + 1)}
    return load_results(make_study({"walk": dict(enumerate(states, 1))}, figures=keys))


def text_of(results: StudyResults) -> pd.DataFrame:
    return tables.experiments_text(experiments_table(results), tables.headline_metrics(results.metrics.values()))


@pytest.mark.parametrize(
    ("firsts", "text"),
    [
        ([81_920], "81,920 (1 of 1)"),
        ([None, 81_920], "> 400,000, 81,920 (1 of 2)"),
        ([80_000, None, 100_000], "100,000 [80,000, > 400,000] (2 of 3)"),
        ([None, None, 100_000], "> 400,000 [100,000, > 400,000] (1 of 3)"),
    ],
)
def test_seeds_that_never_succeeded_took_more_than_the_budget(
    make_study: Make, firsts: list[int | None], text: str
) -> None:
    results = study(make_study, ["completed"] * len(firsts), first_success_samples=dict(enumerate(firsts, 1)))
    assert text_of(results).loc[0, "First success [samples]"] == text


def test_mixed_runs_have_a_mark_and_a_note(make_study: Make) -> None:
    states = {"walk": {1: "completed", 2: "completed"}, "amble": {1: "completed"}}
    results = load_results(make_study(states, provenance={("walk", 2): {"lock_sha256": "other"}}))
    assert text_of(results)["Experiment"].tolist() == ["walk†", "amble"]
    assert tables.notes(experiments_table(results))[2:] == [
        "† The runs of an experiment were made with different versions: walk (lock)."
    ]


@pytest.mark.parametrize(
    ("states", "line"),
    [
        (
            ["completed"] * 4 + ["diverged"],
            "walk: 5 of 5 seeds (1 diverged); 80 of 100 episodes stable; imitation reward IQM 0.930 [0.885, 0.949]; "
            "speed (target) [m/s] IQM 1.20 [1.20, 1.20] (1.25); "
            "first success 300,000 [300,000, > 400,000] samples (4 of 5)",
        ),
        (
            ["diverged", "changed"],
            "walk: 1 of 2 seeds (1 diverged, 1 missing); 0 of 20 episodes stable; imitation reward 0.934; "
            "speed (target) [m/s] 1.20 (1.25); first success > 400,000 samples (0 of 1)",
        ),
        (["not trained"] * 2, "walk: 0 of 2 seeds (2 missing)"),
    ],
    ids=["five", "one", "none"],
)
def test_the_headline_is_one_line_per_experiment(make_study: Make, states: list[str], line: str) -> None:
    same = dict.fromkeys(range(1, 6), 1.2)
    results = study(make_study, states, reward=REWARDS, speed_mps=same)
    shown = [results.metrics[name] for name in ("stable_share", "reward", "speed_mps") if name in results.metrics]
    assert tables.headline(experiments_table(results), shown) == [line]


@given(st.lists(st.tuples(piped, piped), min_size=1, max_size=4))
def test_markdown_is_aligned_and_no_cell_adds_a_column(rows: list[tuple[str, str]]) -> None:
    written = tables.markdown(pd.DataFrame(rows, columns=["a", "b"]), ["One.", "Two."])
    table, *notes = written.split("\n\n")
    lines = table.split("\n")
    assert len(lines) == len(rows) + 2
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {3}
    assert len({len(line) for line in lines}) == 1
    assert notes == ["One.", "Two.\n"]


def test_latex_is_a_booktabs_table() -> None:
    table = pd.DataFrame({"Name": ["slow_walk"], "Error [°]": ["3.1 ± 0.2"]})
    assert tables.latex(table, ["At 95 %."]) == (
        "% needs \\usepackage{booktabs}\n"
        "\\begin{tabular}{ll}\n"
        "\\toprule\n"
        "Name & Error [$^\\circ$] \\\\\n"
        "\\midrule\n"
        "slow\\_walk & 3.1 $\\pm$ 0.2 \\\\\n"
        "\\bottomrule\n"
        "\\end{tabular}\n"
        "\\par{\\footnotesize At 95 \\%.\\par}\n"
    )


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("5 % & $3 #1 {x}", r"5 \% \& \$3 \#1 \{x\}"),
        (r"\input~^", r"\textbackslash{}input\textasciitilde{}\textasciicircum{}"),
        ("walk† > – 1.25 (2 of 2)", r"walk$^\dagger$ $>$ -- 1.25 (2 of 2)"),
    ],
)
def test_latex_prints_text_as_it_is(text: str, escaped: str) -> None:
    assert tables.latex_escape(text) == escaped


@given(st.lists(st.floats(allow_nan=False), max_size=5), st.floats(allow_nan=False), cells)
def test_csv_loses_no_digit_and_is_empty_where_a_figure_is_missing(
    values: list[float], number: float, text: str
) -> None:
    table = pd.DataFrame({"name": [f"x{text}", ""], "number": [number, np.nan], "x_values": [tuple(values), ()]})
    written = tables.csv(table.assign(count=pd.array([None, 2], dtype="Int64")))
    assert "\r" not in written
    heading, row, last = csv.reader(io.StringIO(written))
    assert heading == ["name", "number", "x_values", "count"]
    assert row[0] == f"x{text}"
    assert float(row[1]) == number
    assert [float(word) for word in row[2].split()] == values
    assert row[3] == ""
    assert last == ["", "", "", "2"]
