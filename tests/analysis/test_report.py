"""The report is one valid page that needs nothing else, shows what is wrong, and is the same each time."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from analysis.pages import Page, part

from mimicrl import artifacts
from mimicrl.analysis import figures, statistics, study, tables
from mimicrl.analysis.final_evaluation import final_evaluation
from mimicrl.analysis.report import page
from mimicrl.analysis.study import load
from mimicrl.errors import ArtifactError
from mimicrl.stages.aggregate import aggregate
from mimicrl.stages.report import report

MIXED = {
    "walk": {1: "completed", 2: "completed", 3: "completed"},
    "torque": {1: "completed", 2: "diverged"},
    "lost": {1: "completed", 2: "not trained", 3: "no directory"},
}


@pytest.fixture
def mixed(make_study: Callable[..., Path], film: Callable[..., Path]) -> Path:
    """A study in which all that can happen has happened: three walkers, a diverged seed, two missing ones, a video."""
    directory = make_study(MIXED)
    film(directory / "walk/seed_1/videos/final.mp4")
    artifacts.write_json(directory / "walk/seed_1/provenance/a b #1.json", {})
    aggregate(directory, allow_missing=True)
    return directory


def drawings(directory: Path) -> dict[str, bytes]:
    """One of a study's figures."""
    return {"final_evaluation": figures.figure_bytes(final_evaluation(load(directory)), "svg")}


# --- the page ---


def test_it_is_well_formed_and_its_links_lead_somewhere(mixed: Path) -> None:
    path = report(mixed, allow_missing=True)
    assert path == mixed / "report.html"
    found = Page(path.read_text())
    ids = found.values("id")
    assert len(ids) == len(set(ids))
    assert len(found.all("svg")) == 5
    for address in [*found.values("href"), *found.values("xlink:href")]:
        if address.startswith("#"):
            assert address[1:] in ids
        else:
            assert (mixed / unquote(urlsplit(address).path)).is_file(), address
    assert {f"tables/{name}" for name in ("runs.csv", "experiments.tex", "experiments.md")} <= set(found.values("href"))
    assert {"figures/gait_walk.pdf", "walk/seed_1/outcome.json"} <= set(found.values("href"))


def test_sections_stand_in_the_order_of_their_links_and_the_walk_comes_first(mixed: Path) -> None:
    text = page(load(mixed), drawings(mixed))
    sections = [section["id"] for section in Page(text).all("section")]
    (nav,) = re.findall(r"<nav.*?</nav>", text, re.DOTALL)
    assert Page(nav).values("href") == [f"#{section}" for section in sections]
    assert sections[:2] == ["videos", "configuration"]


def test_nothing_is_asked_of_the_network_and_nothing_runs(mixed: Path) -> None:
    text = page(load(mixed), drawings(mixed))
    found = Page(text)
    addresses = [
        address for name in ("src", "href", "xlink:href", "poster", "action") for address in found.values(name)
    ]
    assert {urlsplit(address).scheme for address in addresses} == {"", "data"}
    assert [urlsplit(address).netloc for address in addresses if urlsplit(address).netloc] == []
    for tag in ("script", "link", "iframe", "object", "embed", "img"):
        assert found.all(tag) == []
    assert [name for _, attributes, _ in found.elements for name in attributes if name.startswith("on")] == []
    assert re.findall(r"@import|url\((?!#)", text) == []
    (policy,) = [meta["content"] for meta in found.all("meta") if "http-equiv" in meta]
    assert policy.startswith("default-src 'none'")


def test_it_reads_on_a_phone_in_the_dark_and_aloud(mixed: Path) -> None:
    text = page(load(mixed), drawings(mixed))
    found = Page(text)
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in found.all("meta")
    assert "prefers-color-scheme: dark" in text
    assert all("scroll" in classes for tag, _, classes in found.elements if tag == "table")
    assert all(svg["role"] == "img" and len(svg["aria-label"]) > 40 for svg in found.all("svg"))
    assert found.all("html") == [{"lang": "en"}]
    (video,) = found.all("video")
    assert {"controls", "loop", "muted", "playsinline"} <= video.keys()


def test_twice_and_elsewhere_it_has_the_same_bytes(mixed: Path, tmp_path: Path) -> None:
    first = report(mixed, allow_missing=True).read_bytes()
    copy = shutil.copytree(mixed, tmp_path / "elsewhere")
    assert report(copy, allow_missing=True).read_bytes() == first
    drawn = sorted((mixed / "figures").iterdir())
    assert len(drawn) == 15
    assert all(file.read_bytes() == (copy / "figures" / file.name).read_bytes() for file in drawn)
    assert json.loads((mixed / "provenance" / "report.json").read_text())["verb"] == "report"


def test_figures_of_what_is_gone_are_removed_and_other_files_are_not(make_study: Callable[..., Path]) -> None:
    directory = make_study({"walk": {1: "completed"}})
    for name in ("gait_gone.svg", "gait_gone.png", "gait_gone.pdf", "notes.txt"):
        artifacts.write_bytes(directory / "figures" / name, b"old")
    report(directory)
    names = {file.name for file in (directory / "figures").iterdir()}
    drawn = ("learning_curves", "final_evaluation", "gait_walk")
    assert names == {"notes.txt"} | {f"{name}.{kind}" for name in drawn for kind in ("svg", "png", "pdf")}


def test_a_study_with_no_more_than_the_required_columns_has_all_its_tables_and_its_page(
    make_study: Callable[..., Path],
) -> None:
    """What the analysis uses is what `study.load` asks for: nothing else is ever missed."""
    directory = make_study({"walk": {1: "completed", 2: "diverged"}})
    for path in (run.path for run in load(directory).runs):
        for name, columns in {
            "evaluations": study.EVALUATION_COLUMNS,
            "gait_cycle": study.GAIT_COLUMNS,
        }.items():
            file = path / f"{name}.parquet"
            artifacts.write_parquet(file, artifacts.read_parquet(file).filter(list(columns)))
        shutil.rmtree(path / "provenance")
    assert aggregate(directory).runs["status"].tolist() == ["completed", "diverged"]
    assert "1 of 2 runs walk" in report(directory).read_text()


# --- what is not as it should be ---


def test_missing_runs_are_refused_and_nothing_is_written(mixed: Path) -> None:
    with pytest.raises(ArtifactError, match="2 of 8 runs are missing"):
        report(mixed)
    assert not (mixed / "report.html").exists()
    assert not (mixed / "figures").exists()


def test_a_damaged_table_is_told_and_nothing_is_written(mixed: Path) -> None:
    (mixed / "torque/seed_1/gait_cycle.parquet").write_bytes(b"PAR1")
    with pytest.raises(ArtifactError, match="gait_cycle"):
        report(mixed, allow_missing=True)
    assert not (mixed / "report.html").exists()
    assert not (mixed / "figures").exists()


def test_missing_and_diverged_runs_are_plain_to_see(mixed: Path) -> None:
    text = page(load(mixed), {})
    assert "5 of 8 runs walk , which" in Page(text).text
    assert "stable. 1 run diverged in training. 2 runs are missing." in Page(text).text
    headline = part(text, "table", "headline stack")
    assert [Page(row).text for row in re.findall(r"<tr>.*?</tr>", headline, re.DOTALL)[1:]] == [
        f"walk 3 of 3 {over_seeds(mixed, 'walk')}",
        f"torque 1 of 2 1 diverged {over_seeds(mixed, 'torque')}",
        f"lost 1 of 3 2 missing {over_seeds(mixed, 'lost')}",
    ]
    problems = {"torque-2": "an update went too far", "lost-2": "not trained to its end", "lost-3": "no run directory"}
    for run, problem in problems.items():
        assert problem in Page(part(text, "details", f"run-{run}")).text


def over_seeds(directory: Path, experiment: str) -> str:
    """The headline metrics as they should be: the values, from three seeds on mean and interval."""
    results, cells = load(directory), []
    for metric in results.metrics.values():
        runs = [run.summary.values[metric.name] for run in results.experiments[experiment] if run.summary]
        values = [metric.scale * value for value in runs if value is not None]
        found, d = statistics.summarize(values), metric.digits
        some = f"{found.iqm:,.{d}f} [{found.low:,.{d}f}, {found.high:,.{d}f}]"
        cell = some if len(values) > 2 else ", ".join(f"{value:,.{d}f}" for value in values)
        cells += [cell + " (1.25)" * (metric.target is not None)] if metric.headline else []
    return " ".join(cells)


def test_a_run_shows_all_its_metrics_and_the_page_says_what_they_mean(make_study: Callable[..., Path]) -> None:
    results = load(make_study({"walk": {1: "completed"}}, figures={("walk", 1): {"reward_energy": -0.25}}))
    text = page(results, {})
    (run,) = results.runs
    details, glossary = Page(part(text, "details", "run-walk-1")).text, Page(part(text, "section", "statistics")).text
    assert run.summary is not None
    for metric in run.summary.metrics:
        assert metric.value is not None
        assert f"{tables.heading(metric)} {metric.scale * metric.value:,.{metric.digits}f}" in details
        assert f"{tables.heading(metric)} {metric.meaning}" in glossary
    assert "reward_energy -0.25" in details


def test_a_study_without_any_finished_run_is_still_a_page(make_study: Callable[..., Path]) -> None:
    found = Page(report(make_study({"walk": {1: "no directory"}}), allow_missing=True).read_text())
    assert "0 of 1 run walks" in found.text
    assert found.all("svg") == found.all("video") == []
    assert {"#figures", "#videos"} & set(found.values("href")) == set()


def test_what_files_say_is_text_and_never_markup(make_study: Callable[..., Path], film: Callable[..., Path]) -> None:
    evil = "<script>alert(1)</script>\"'><img src=//x onerror=alert(2)>"
    directory = make_study(provenance={("walk", 1): {"host": evil, "versions": {evil: evil}}})
    content = yaml.safe_load((directory / "study.yaml").read_text())
    content["experiments"]["walk"] |= {"motion": {"file": evil}, "walker": {"name": evil}}
    (directory / "study.yaml").write_text(yaml.safe_dump(content))
    outcome = json.loads((directory / "walk/seed_2/outcome.json").read_text())
    artifacts.write_json(directory / "walk/seed_2/outcome.json", outcome | {"status": "diverged", "problem": evil})
    film(directory / "walk/seed_1/videos/final.mp4")
    artifacts.write_json(directory / "walk/seed_1/provenance/replay.json", {"result": {"distance_m": evil}})
    found = Page(page(load(directory), drawings(directory)))
    assert found.all("script") == found.all("img") == []
    assert found.text.count(evil) >= 5


def test_a_diverged_run_tells_how_far_it_got_and_not_that_it_took_more_than_the_budget(
    make_study: Callable[..., Path],
) -> None:
    states = {1: "diverged", 2: "completed", 3: "diverged", 4: "completed"}
    firsts = {1: None, 2: None, 3: 1_000, 4: 300_000}
    changes = {("walk", seed): {"first_success_samples": first} for seed, first in firsts.items()}
    changes["walk", 1]["samples"] = 1_024
    tables = part(page(load(make_study({"walk": states}, figures=changes)), {}), "section", "tables")
    cells = [re.findall(r"<td.*?</td>", row, re.DOTALL) for row in re.findall(r"<tr>.*?</tr>", tables, re.DOTALL)[3:]]
    assert [Page(row[-3]).text for row in cells] == ["– (diverged at 1,024)", "> 400,000", "1,000", "300,000"]
    assert "> 400,000]" in Page(tables).text, "in the median over seeds it counts as more than the budget"


def test_commands_are_those_of_the_records(make_study: Callable[..., Path]) -> None:
    directory = make_study({"walk": {1: "completed"}})
    folder = directory / "walk/seed_1/provenance"
    best = ["mimicrl", "evaluate", "a b/seed_1", "--checkpoint", "best"]
    artifacts.write_json(folder / "evaluate-best.json", {"verb": "evaluate", "command": best})
    artifacts.write_json(folder / "replay-final.png.json", {"verb": "replay"})
    words = Page(part(page(load(directory), {}), "details", "run-walk-1")).text
    assert "mimicrl evaluate 'a b/seed_1' --checkpoint best" in words
    assert "provenance/replay-final.png.json , – to –" in words
    assert "mimicrl evaluate-best" not in words and "mimicrl replay-final" not in words


# --- where it comes from ---


def test_the_page_tells_how_the_statistics_were_made_and_what_with(mixed: Path) -> None:
    text = page(load(mixed), {})
    words = Page(part(text, "section", "statistics")).text
    for value in (
        "10,000 resamples, random seed",
        f"{statistics.SEED}",
        "about 75 to 90 %",
        "20 episodes of 20 s.",
    ):
        assert value in words
    origin = Page(part(text, "section", "provenance")).text
    for value in ("c0de" * 16, "10cc" * 16, "node1", "Made-up CPU", "mujoco 4.0.0"):
        assert value in origin


def test_a_run_shows_only_origins_that_are_not_those_of_most_trainings(make_study: Callable[..., Path]) -> None:
    states = {"walk": dict.fromkeys(range(1, 4), "completed")}
    text = page(load(make_study(states, provenance={("walk", 2): {"host": "node2"}})), {})
    runs = [part(text, "details", f"run-walk-{seed}") for seed in (1, 2, 3)]
    assert [len(Page(run).all("table")) for run in runs] == [0, 1, 0]
    assert "Host node2 all" in Page(runs[1]).text
    assert "Made-up CPU" not in Page(runs[1]).text
    origin = Page(part(text, "section", "provenance")).text
    assert "Host node1 all but walk/seed_2 Host node2 walk/seed_2" in origin


def test_another_run_takes_little_of_the_page(make_study: Callable[..., Path], tmp_path: Path) -> None:
    sizes = [
        len(
            page(
                load(make_study({"walk": dict.fromkeys(range(1, n + 1), "completed")}, directory=tmp_path / f"{n}")), {}
            )
        )
        for n in (5, 25)
    ]
    assert (sizes[1] - sizes[0]) / 20 < 4000  # of 25 MB for a thousand runs


def test_other_evaluations_in_a_study_are_told_apart(mixed: Path) -> None:
    content = yaml.safe_load((mixed / "study.yaml").read_text())
    content["experiments"]["torque"]["evaluation"] |= {"episodes": 40, "seconds": 12.5}
    (mixed / "study.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    words = Page(part(page(load(mixed), {}), "section", "statistics")).text
    assert "20 episodes of 20 s (walk, lost), 40 episodes of 12.5 s (torque)." in words
