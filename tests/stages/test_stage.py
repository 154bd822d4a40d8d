"""What all stages have in common: provenance of what they wrote, leftovers, and who is to blame."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support import PLUGIN

from mimicrl import artifacts, stages
from mimicrl.config import plugins
from mimicrl.errors import ConfigError, MachineError
from mimicrl.runs import Run
from mimicrl.runs.records import Provenance
from mimicrl.stages.stage import Work, stage, working


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run")


def provenance(run: Run, name: str = "paint") -> Provenance:
    return Provenance.read(run.provenance_file(name))


def test_a_stage_signs_what_it_wrote_with_its_hashes(run: Run, tmp_path: Path) -> None:
    beside = tmp_path / "beside.txt"
    with working("paint") as work:
        work.sign_for(run, cores=2)
        work.write(run.path / "a.txt", b"a")
        beside.write_bytes(b"b")
        work.wrote(beside)
        work.result = {"color": "red"}
    record = provenance(run)
    assert record.outputs == {"a.txt": artifacts.sha256(b"a"), str(beside): artifacts.sha256(b"b")}
    assert (record.verb, record.threads, record.result) == ("paint", {"cores": 2}, {"color": "red"})
    assert (run.path / "a.txt").read_bytes() == b"a"


def test_a_stage_that_writes_elsewhere_leaves_no_provenance(tmp_path: Path) -> None:
    with working("paint") as work:
        work.write(tmp_path / "a.txt", b"a")
    assert [file.name for file in tmp_path.rglob("*")] == ["a.txt"]


def test_an_output_that_stays_the_same_is_signed_and_not_touched(run: Run) -> None:
    artifacts.write_bytes(run.path / "a.txt", b"a")
    before = (run.path / "a.txt").stat().st_mtime_ns
    with working("paint") as work:
        work.sign_for(run)
        work.write(run.path / "a.txt", b"a")
    assert (run.path / "a.txt").stat().st_mtime_ns == before
    assert provenance(run).outputs == {"a.txt": artifacts.sha256(b"a")}


def test_a_stage_that_is_complete_has_its_provenance_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    write = artifacts.write_bytes
    monkeypatch.setattr(artifacts, "write_bytes", lambda path, data: (order.append(path.name), write(path, data))[1])
    with working("paint") as work:
        work.sign_for(run)
        work.write(run.path / "first.txt", b"f")
        work.complete(run.path / "last.txt", b"l")
        with pytest.raises(AssertionError, match=r"paint wrote .*last\.txt after the file that says that it is done"):
            work.wrote(run.path / "last.txt")
    assert order == ["first.txt", "paint.json", "last.txt"]
    assert provenance(run).outputs == {"first.txt": artifacts.sha256(b"f"), "last.txt": artifacts.sha256(b"l")}


def test_a_stage_that_fails_signs_nothing_but_what_it_asks_for(run: Run) -> None:
    with pytest.raises(MachineError), working("paint") as work:
        work.sign_for(run)
        raise MachineError("no paint")
    assert not run.path.exists()
    with pytest.raises(MachineError), working("paint") as work:
        work.sign_for(run)
        work.sign()
        raise MachineError("no paint")
    assert provenance(run).outputs == {}


@pytest.mark.parametrize("write", ["write", "complete"])
def test_what_a_killed_stage_left_of_its_outputs_is_swept_and_nothing_else(run: Run, write: str) -> None:
    for name in ("a.txt", "b.txt"):
        artifacts.write_bytes(run.path / f".tmp-01234567-{name}", b"half")
    with working("paint") as work:
        work.sign_for(run)
        getattr(work, write)(run.path / "a.txt", b"a")
    assert sorted(file.name for file in run.path.glob("*.txt*")) == [".tmp-01234567-b.txt", "a.txt"]


def test_a_plugin_is_blamed_and_other_errors_pass(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(f"{PLUGIN}\n\ndef fail():\n    raise ZeroDivisionError('by zero')\n")
    (module,) = plugins.load(["bad.py"], tmp_path)
    message = r"^a plugin failed — .*bad\.py:\d+ — got ZeroDivisionError: by zero"
    with pytest.raises(ConfigError, match=message), working("paint"):
        module.fail()
    with pytest.raises(ZeroDivisionError), working("paint"):
        raise ZeroDivisionError


def test_a_verb_takes_its_functions_arguments_but_the_first() -> None:
    @stage("A run")
    def paint(work: Work, color: str, coats: int = 1) -> str:
        """Paint."""
        return f"{coats} of {color}"

    assert paint("red", coats=2) == "2 of red"
    assert (paint.__name__, paint.__doc__) == ("paint", "Paint.")


def test_every_stage_is_found_and_has_one_rule_but_status() -> None:
    names = [verb.__name__ for _, verb in stages.verbs()]
    files = {file.stem for file in Path(stages.__file__).parent.glob("*.py")} - {"__init__", "options", "stage"}
    assert sorted(names) == sorted(files)
    workflow = (Path(__file__).parents[2] / "workflow" / "Snakefile").read_text()
    included = set(re.findall(r'^include: "rules/(\w+)\.smk"$', workflow, re.MULTILINE))
    assert included == {*names, "common", "study"} - {"status"}, "a study's directory is init's, too"
