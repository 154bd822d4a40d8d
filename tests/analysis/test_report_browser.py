"""The report in a real browser: it plays, complains of nothing, and asks nobody for anything."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from mimicrl.rendering import encode
from mimicrl.stages.report import report

SIZES = {"desktop": (1280, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, which plays H.264; in CI it must be there."""
    program = shutil.which("chromium")
    if program is None:
        reason = "needs chromium (apt-get install chromium)"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def page_file(make_study: Callable[..., Path]) -> Path:
    """The report of a study with a diverged seed and videos."""
    directory = make_study({"walk": {1: "completed", 2: "completed", 3: "diverged"}, "amble": {1: "completed"}})
    for run in ("walk/seed_1", "walk/seed_2", "amble/seed_1"):
        grey = (np.full((48, 64, 3), shade, np.uint8) for shade in range(60))
        encode.write(directory / run / "videos" / "final.mp4", grey, 30.0)
    return report(directory)


def open_page(browser: Browser, file: Path, size: str, scheme: str) -> tuple[Page, list[str], list[str]]:
    """Open a page; return it with what it complained of and what it asked for."""
    width, height = SIZES[size]
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(file.as_uri())
    return page, complaints, requests


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_page_opens_without_a_word_and_without_a_request(
    browser: Browser, page_file: Path, size: str, scheme: str
) -> None:
    page, complaints, requests = open_page(browser, page_file, size, scheme)
    assert complaints == []
    assert [url for url in requests if not url.startswith("data:")] == [page_file.as_uri()]
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, "the page itself must not scroll sideways"
    shades = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (np.mean(shades[:3]) > 128) == (scheme == "light")
    page.close()


def test_every_video_plays(browser: Browser, page_file: Path) -> None:
    page, complaints, _ = open_page(browser, page_file, "desktop", "light")
    videos = page.locator("video")
    assert videos.count() == 2
    for index in range(videos.count()):
        played = videos.nth(index).evaluate(
            """video => new Promise((done, failed) => {
                video.addEventListener("error", () => failed(video.error.message));
                video.addEventListener("timeupdate", () => {
                    if (video.currentTime > 0.2) done([video.videoWidth, video.videoHeight, video.duration]);
                });
                video.play();
            })"""
        )
        assert played[:2] == [64, 48] and played[2] == pytest.approx(2.0, abs=0.05)
    assert complaints == []
    page.close()


def test_links_lead_to_files_of_the_study(browser: Browser, page_file: Path) -> None:
    page, _, _ = open_page(browser, page_file, "desktop", "light")
    links = page.evaluate("[...document.querySelectorAll('a[href]')].map(link => link.getAttribute('href'))")
    files = [link for link in links if not link.startswith("#")]
    assert len(files) > 5
    missing = [link for link in files if not (page_file.parent / link).exists()]
    assert [link for link in missing if not link.startswith("tables/")] == []  # aggregate makes those
    page.close()
