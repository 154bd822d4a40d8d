"""Reading a page as a browser would, but strictly."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(HTMLParser):
    """A page as a list of elements; it fails on what is not well-formed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, Any], tuple[str, ...]]] = []
        self.words: list[str] = []
        self._open: list[tuple[str, str]] = []  # tags and their classes
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID or any(outer == "svg" for outer, _ in self._open), f"<{tag}/>"
        self._add(tag, attrs)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._add(tag, attrs)
        if tag not in VOID:
            self._open.append((tag, str(dict(attrs).get("class", ""))))

    def handle_endtag(self, tag: str) -> None:
        assert self._open and self._open.pop()[0] == tag, f"</{tag}> after {self._open[-3:]}"

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1][0] not in ("style", "pre"):
            self.words.append(data)

    def _add(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice"
        self.elements.append((tag, dict(attrs), tuple(name for _, name in self._open)))

    def all(self, name: str) -> list[dict[str, Any]]:
        return [attributes for tag, attributes, _ in self.elements if tag == name]

    def values(self, attribute: str) -> list[str]:
        return [attributes[attribute] for _, attributes, _ in self.elements if attribute in attributes]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def part(text: str, tag: str, identity: str) -> str:
    """The source of an element without another of its kind inside."""
    found = re.search(rf'<{tag}[^>]*\b(?:id|class)="{identity}".*?</{tag}>', text, re.DOTALL)
    assert found, identity
    return found.group()
