"""The report in a real browser: all is shown, every video plays, and nothing is asked of the network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from mimicrl.stages.report import report

PLAY = """video => new Promise((done, failed) => {
    video.addEventListener("error", () => failed(video.error.message));
    video.addEventListener("timeupdate", () => { if (video.currentTime > 0.2) done(video.videoWidth); });
    video.play();
})"""


@pytest.fixture
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


def test_a_browser_shows_the_whole_page_without_a_complaint(
    browser: Browser, make_study: Callable[..., Path], film: Callable[..., Path]
) -> None:
    directory = make_study({"walk": {1: "completed", 2: "completed", 3: "diverged"}, "amble": {1: "completed"}})
    for run in ("walk/seed_1", "walk/seed_2", "amble/seed_1"):
        film(directory / run / "videos" / "final.mp4")
    file = report(directory)
    page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(file.as_uri())
    images = page.locator("img")
    assert images.count() == 4
    for index in range(images.count()):
        assert images.nth(index).evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    videos = page.locator("video")
    assert videos.count() == 2
    for index in range(videos.count()):
        assert videos.nth(index).evaluate(PLAY) == 64
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, "the page itself must not scroll sideways on a phone"
    assert [url for url in requests if not url.startswith("data:")] == [file.as_uri()]
    assert complaints == []
