"""Of where results come from, what several have in common is told once."""

from __future__ import annotations

from mimicrl.analysis.origins import origins, usual


def test_origins_tell_what_holds_for_which() -> None:
    records = {
        "a": {"host": "node1", "python": "3.11.7", "cpu": {"cores": 2}, "container": {"sha256": "x"}},
        "b": {"host": "node2", "python": "3.11.7", "cpu": {"cores": 2}, "threads": {}},
        "c": {"host": "node1", "python": "3.11.7", "threads": {"physics": 1, "torch": 2}, "code": "damaged"},
    }
    assert [(row["what"], row["value"], row["of"]) for row in origins(records)] == [
        ("Container, sha256", "x", "a"),
        ("Host", "node1", "all but b"),
        ("Host", "node2", "b"),
        ("Usable cores", "2", "all but c"),
        ("Python", "3.11.7", "all"),
        ("Threads", "physics 1, torch 2", "c"),
    ]


def test_of_many_the_first_are_named() -> None:
    records = {f"seed_{k}": {"host": "a" if k < 20 else "b"} for k in range(1000)}
    few, many = (row["of"] for row in origins(records))
    assert few == ", ".join(f"seed_{k}" for k in range(12)) + " and 8 more"
    assert many == "all but " + few


def test_usual_is_what_most_have_and_a_record_that_does_not_tell_has_no_say() -> None:
    records = {
        "a": {"host": "node1", "python": "3.11.7"},
        "b": {"host": "node2", "python": "3.12.0", "threads": {"torch": 1}},
        "c": {"host": "node2", "code": "damaged"},
    }
    assert usual(records) == {("Host", "node2"), ("Python", "3.11.7"), ("Threads", "torch 1")}
    assert usual({}) == set()
