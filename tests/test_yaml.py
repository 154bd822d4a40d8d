"""Strict YAML: what a person meant, or an error with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimicrl import yaml
from mimicrl.errors import ConfigError


def load(tmp_path: Path, text: str | bytes) -> tuple[dict[str, Any], dict[yaml.Location, int]]:
    path = tmp_path / "study.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return yaml.load(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("1E-3", 1e-3),
        ("-5e-4", -5e-4),
        ("2.5e3", 2500.0),
        ("1e6", 1_000_000),
        ("1_000e3", 1_000_000),
        (".5", 0.5),
        ("400_000", 400_000),
        ("1e", "1e"),
        ("e6", "e6"),
        ("1e6x", "1e6x"),
        ("'1e6'", "1e6"),
        ("[1e1, 1e-1]", [10, 0.1]),
        ("null", None),
        ("true", True),
    ],
)
def test_a_value_is_what_it_looks_like(tmp_path: Path, text: str, value: object) -> None:
    for read in (yaml.parse(text), load(tmp_path, f"key: {text}")[0]["key"]):
        assert read == value
        assert type(read) is type(value)


@given(number=st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_is_read_as_python_prints_it(number: float) -> None:
    assert yaml.parse(repr(number)) == number
    assert yaml.parse(yaml.dump([number])) == [number]


def test_every_value_knows_its_line(tmp_path: Path) -> None:
    data, lines = load(tmp_path, "# comment\na: 1\nb:\n  c: 2\n  d:\n    - 3\n    - e: 4\n")
    assert data == {"a": 1, "b": {"c": 2, "d": [3, {"e": 4}]}}
    expected = {("a",): 2, ("b",): 3, ("b", "c"): 4, ("b", "d"): 5, ("b", "d", 0): 6, ("b", "d", 1, "e"): 7}
    assert expected.items() <= lines.items()


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    assert load(tmp_path, b"\xef\xbb\xbfstudy: walk\n")[0] == {"study": "walk"}


def test_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, "a: 1\r\nb: 2\r\n") == load(tmp_path, "a: 1\nb: 2\n")


def test_an_empty_file_is_an_empty_mapping(tmp_path: Path) -> None:
    assert load(tmp_path, "# nothing but a comment\n") == ({}, {})


@pytest.mark.parametrize(
    ("text", "line", "got"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "key 'a' stands twice"),
        ("x:\n  a: 1\n  a: 1\n", 3, "key 'a' stands twice"),
        ("a: 1\n\tb: 2\n", 2, "found character '\\t' that cannot start any token"),
        ("a: [1\nb: 2\n", 2, "expected ',' or ']', but got ':'"),
        ("a: 1\n---\nb: 2\n", 2, "but found another document"),
        ("a: !!python/object:os.system x\n", 1, "could not determine a constructor for the tag"),
        ("? [1]\n: 2\n", 1, "a key must be a plain word"),
    ],
)
def test_what_is_not_strict_yaml_is_refused_with_its_line(tmp_path: Path, text: str, line: int, got: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert str(caught.value).startswith(f"not valid YAML — {tmp_path / 'study.yaml'}:{line} — got {got}")


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("a: 2026-13-45", "month must be in 1..12"),
        ("a: \x00", "unacceptable character #x0000"),
        ("a: &a {b: *a}", "maximum recursion depth exceeded"),
        ("[" * 3000, "maximum recursion depth exceeded"),
    ],
)
def test_what_trips_the_parser_itself_is_refused_in_one_line(tmp_path: Path, text: str, got: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert str(caught.value).startswith(f"not valid YAML — {tmp_path / 'study.yaml'} — got {got}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("text", "kind"), [("[1, 2]", "list"), ("walk", "str"), ("3", "int")])
def test_the_top_must_be_a_mapping(tmp_path: Path, text: str, kind: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert str(caught.value) == f"the top level must be a mapping — {tmp_path / 'study.yaml'} — got {kind}"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^cannot read the configuration — .*gone\.yaml — got .*No such file"):
        yaml.load(tmp_path / "gone.yaml")
    with pytest.raises(ConfigError, match=r"^cannot read the configuration — .*study\.yaml — got 'utf-8' codec"):
        load(tmp_path, b"a: \xff\xfe")


@pytest.mark.parametrize("text", ["[", "a: b: c", "2026-13-45", "*a"])
def test_a_single_value_that_is_not_yaml_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        yaml.parse(text)
    assert str(caught.value) == f"not a YAML value — --set — got {text}"


@pytest.mark.parametrize("text", [".nan", ".inf", "1e999", "2026-01-01", "!!binary aGk=", "!!set {a}"])
def test_only_what_json_can_say_passes_on(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^a value is neither text nor a finite number — study\.yaml — got "):
        yaml.as_json({"a": yaml.parse(text)}, Path("study.yaml"))


@given(
    data=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    )
)
def test_what_is_dumped_is_read_back(data: object) -> None:
    assert yaml.parse(yaml.dump(data)) == data


def test_dumping_keeps_the_order_of_keys_and_letters_of_all_languages() -> None:
    assert yaml.dump({"b": "é — °", "a": 1}) == "b: é — °\na: 1\n"


@pytest.mark.parametrize("text", ["1e-4", "1e6", "1.5", "007", "yes", "null", "2026-11-28", "walk"])
def test_text_that_looks_like_something_else_is_text_again(tmp_path: Path, text: str) -> None:
    (tmp_path / "names.yaml").write_text(yaml.dump({text: {"name": text}, "number": 1e-4}))
    data, _ = yaml.load(tmp_path / "names.yaml")
    assert data == {text: {"name": text}, "number": 1e-4}
