"""The report is one valid page that needs nothing else; a golden file holds the whole page of a made-up study.

After a wanted change, ``MIMICRL_REWRITE_GOLDEN=1 pytest tests/analysis/test_report.py`` writes the golden file anew.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from analysis.conftest import record
from analysis.pages import Page

from mimicrl import artifacts
from mimicrl.analysis import load
from mimicrl.analysis.load import load_results
from mimicrl.analysis.report.page import page
from mimicrl.errors import ArtifactError
from mimicrl.runs import Run
from mimicrl.stages.aggregate import aggregate
from mimicrl.stages.report import report

Make = Callable[..., Path]
GOLDEN = Path(__file__).with_name("report.golden.html")


@pytest.fixture
def mixed(make_study: Make, film: Make) -> Path:
    """A study in which everything that can happen has happened."""
    states = {
        "walk": {1: "completed", 2: "completed", 3: "completed"},
        "torque": {1: "completed", 2: "diverged"},
        "lost": {1: "completed", 2: "not trained", 3: "no directory"},
    }
    changes = {("walk", 2): {"reward_energy": -0.25}, ("lost", 1): {"first_success_samples": None}}
    other_host = {("walk", 2): {"host": "node2"}}
    directory = make_study(states, budget=200_000, figures=changes, provenance=other_host)
    for run in ("walk/seed_1", "walk/seed_2", "torque/seed_2"):
        film(directory / run / "videos" / "final.mp4")
    result = {"episode": 12, "distance_m": 23.81, "duration_s": 20.0, "agrees_with_table": False}
    for stage in ("replay", "a b #1"):
        command = ["mimicrl", stage, "a b"]
        record(stage, command=command, result=result).write(Run(directory / "walk/seed_1").provenance_file(stage))
    aggregate(directory, allow_missing=True)
    return directory


def comparable(html: str) -> str:
    """Return the page without pictures, style sheet and resolved settings."""
    html = re.sub(r"(data:[a-z0-9/+]+;base64,)[A-Za-z0-9+/=]+", r"\1…", html)
    return re.sub(r"(?s)(<style>|<pre [^>]*>).*?(</style>|</pre>)", r"\1…\2", html)


def test_the_page_is_the_golden_one(mixed: Path) -> None:
    html = comparable(report(mixed, allow_missing=True).read_text())
    if os.environ.get("MIMICRL_REWRITE_GOLDEN"):
        GOLDEN.write_text(html)
    assert html.splitlines() == GOLDEN.read_text().splitlines()


def test_it_is_well_formed_needs_nothing_else_and_its_links_lead_somewhere(mixed: Path) -> None:
    html = report(mixed, allow_missing=True).read_text()
    found = Page(html)
    ids = found.values("id")
    assert len(ids) == len(set(ids))
    for address in found.values("href"):
        if address.startswith("#"):
            assert address[1:] in ids
        else:
            assert (mixed / unquote(urlsplit(address).path)).is_file(), address
    addresses = [urlsplit(address) for name in ("src", "href") for address in found.values(name)]
    assert {address.scheme for address in addresses} == {"", "data"}
    assert {address.netloc for address in addresses} == {""}
    assert {tag for tag, _ in found.elements} & {"script", "link", "iframe", "object", "embed"} == set()
    assert [name for _, attributes in found.elements for name in attributes if name.startswith("on")] == []
    assert "@import" not in html
    assert "url(" not in html


def test_the_same_study_has_the_same_bytes_elsewhere(mixed: Path, tmp_path: Path) -> None:
    first = report(mixed, allow_missing=True).read_bytes()
    copy = shutil.copytree(mixed, tmp_path / "elsewhere")
    assert report(copy, allow_missing=True).read_bytes() == first
    for file in (mixed / "figures").iterdir():
        assert file.read_bytes() == (copy / "figures" / file.name).read_bytes(), file.name


def test_only_figures_of_what_is_gone_are_removed(make_study: Make) -> None:
    directory = make_study({"walk": {1: "completed"}})
    for name in ("gait_gone.svg", "gait_gone.png", "gait_gone.pdf", "notes.txt"):
        artifacts.write_bytes(directory / "figures" / name, b"old")
    report(directory)
    names = {file.name for file in (directory / "figures").iterdir()}
    drawn = ("learning_curves", "final_evaluation", "gait_walk")
    assert names == {"notes.txt"} | {f"{name}.{kind}" for name in drawn for kind in ("svg", "png", "pdf")}


def test_a_study_with_no_more_than_the_required_columns_has_its_page(make_study: Make) -> None:
    directory = make_study({"walk": {1: "completed", 2: "diverged"}})
    columns = {"evaluations": load.EVALUATION_COLUMNS, "gait_cycle": load.GAIT_COLUMNS}
    for run in load_results(directory).runs:
        for name, required in columns.items():
            file = run.path / f"{name}.parquet"
            artifacts.read_parquet(file).filter(list(required)).to_parquet(file)
        shutil.rmtree(run.path / "provenance")
    assert aggregate(directory).runs["status"].tolist() == ["completed", "diverged"]
    assert "1 of 2 runs walk" in report(directory).read_text()


def test_a_damaged_study_is_refused_before_anything_is_written(mixed: Path) -> None:
    (mixed / "torque/seed_1/gait_cycle.parquet").write_bytes(b"PAR1")
    with pytest.raises(ArtifactError, match="gait_cycle"):
        report(mixed, allow_missing=True)
    assert not (mixed / "report.html").exists()
    assert not (mixed / "figures").exists()


def test_a_study_without_any_finished_run_is_still_a_page(make_study: Make) -> None:
    found = Page(report(make_study({"walk": {1: "no directory"}}), allow_missing=True).read_text())
    assert "0 of 1 run walks" in found.text
    assert found.all("img") == []
    assert {"#figures", "#videos"}.isdisjoint(found.values("href"))


def test_what_files_say_is_text_and_never_markup(make_study: Make, film: Make) -> None:
    evil = "<script>alert(1)</script>\"'><img src=//x onerror=alert(2)>"
    changes = {("walk", 1): {"problem": evil}}
    origin = {("walk", 1): {"host": evil, "versions": {evil: evil}, "result": {"distance_m": evil}}}
    directory = make_study({"walk": {1: "diverged", 2: "completed"}}, figures=changes, provenance=origin)
    content = yaml.safe_load((directory / "study.yaml").read_text())
    content["experiments"]["walk"] |= {"motion": {"file": evil}, "walker": {"name": evil}}
    (directory / "study.yaml").write_text(yaml.safe_dump(content))
    film(directory / "walk/seed_1/videos/final.mp4")
    found = Page(page(load_results(directory), {}))
    assert found.all("script") == []
    assert found.all("img") == []
    assert found.text.count(evil) >= 5


def test_another_run_takes_little_of_the_page(make_study: Make, tmp_path: Path) -> None:
    sizes = []
    for count in (5, 25):
        directory = make_study({"walk": dict.fromkeys(range(count), "completed")}, directory=tmp_path / str(count))
        sizes.append(len(page(load_results(directory), {})))
    assert (sizes[1] - sizes[0]) / 20 < 4000  # of 25 MB for a thousand runs


def test_a_page_that_grows_too_large_links_its_largest_videos(make_study: Make, film: Make) -> None:
    directory = make_study({name: {1: "completed"} for name in ("small", "middle", "large")})
    for name, size in (("small", "64x48"), ("middle", "320x240"), ("large", "640x480")):
        film(directory / name / "seed_1/videos/final.mp4", seconds=2, size=size)
    results = load_results(directory)
    whole, none = len(page(results, {}).encode()), len(page(results, {}, 0).encode())
    shown = []
    for limit in (*range(none, whole, (whole - none) // 6), whole + 1000):
        html = page(results, {}, limit)
        assert len(html.encode()) <= limit
        shown.append([video["aria-label"].split(",")[0] for video in Page(html).all("video")])
    assert shown[0] == []
    assert shown[-1] == ["small", "middle", "large"]
    assert shown == sorted(shown, key=len)
    for names in shown:
        assert names == shown[-1][: len(names)]


def test_other_evaluations_in_a_study_are_told_apart(mixed: Path) -> None:
    content = yaml.safe_load((mixed / "study.yaml").read_text())
    content["experiments"]["torque"]["evaluation"] |= {"episodes": 40, "seconds": 12.5}
    (mixed / "study.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    words = Page(page(load_results(mixed), {})).text
    assert "20 episodes of 20 s (walk, lost), 40 episodes of 12.5 s (torque)." in words
