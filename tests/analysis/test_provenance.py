"""Of where results come from, what several have in common is said once."""

from __future__ import annotations

from analysis.conftest import record

from mimicrl.analysis.report.provenance import Origin, describe, most_common, origins
from mimicrl.runs.records import Image


def test_an_origin_comes_with_the_names_it_holds_for_and_the_most_common_is_found() -> None:
    records = {
        "a": record("train", host="node1", container=Image(sha256="x", version="1.0")),
        "b": record("train", host="node2", threads={}),
        "c": record("train", host="node2", threads={"physics": 1, "torch": 2}),
    }
    found = origins(records)
    assert found[Origin("Host", "node2")] == ["b", "c"]
    assert found[Origin("Container version", "1.0")] == ["a"]
    assert found[Origin("Threads", "physics 1, torch 2")] == ["c"]
    common = most_common(found)
    assert Origin("Host", "node2") in common
    assert Origin("Threads", "physics 1, torch 1") in common, "of equally common values the first"
    assert Origin("Host", "node1") not in common
    assert most_common(origins({})) == set()


def test_names_are_given_in_few_words() -> None:
    assert describe(["a", "b"], ["a", "b"]) == "all"
    assert describe(["a", "c"], ["a", "b", "c"]) == "all but b"
    assert describe(["b"], ["a", "b", "c"]) == "b"
    many = [f"seed_{k}" for k in range(1000)]
    few = ", ".join(many[:12]) + " and 8 more"
    assert describe(many[:20], many) == few
    assert describe(many[20:], many) == f"all but {few}"
