"""Of where results come from, what several have in common is told once."""

from __future__ import annotations

from mimicrl.analysis.origins import origins


def test_origins_tell_what_holds_for_which() -> None:
    records = {
        "a": {"host": "node1", "python": "3.11.7", "cpu": {"cores": 2}, "container": "x"},
        "b": {"host": "node2", "python": "3.11.7", "cpu": {"cores": 2}, "threads": {}},
        "c": {"host": "node1", "python": "3.11.7", "threads": {"physics": 1, "torch": 2}, "code": "damaged"},
    }
    assert [(row["what"], row["value"], row["of"]) for row in origins(records)] == [
        ("Container", "x", "a"),
        ("Host", "node1", "all but b"),
        ("Host", "node2", "b"),
        ("Usable cores", "2", "all but c"),
        ("Python", "3.11.7", "all"),
        ("Threads", "physics 1, torch 2", "c"),
    ]
