from __future__ import annotations

import itertools
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import paired
from benchmarks.paired import Slice, Spread

BURN_S = 0.1
# Answers each line with one, after a tenth of a second of work.
BURNER = f"""
import sys, time
for line in sys.stdin:
    end = time.process_time() + {BURN_S}
    while time.process_time() < end:
        pass
    print(flush=True)
"""
positive = st.floats(1e-3, 1e3)
slices = st.lists(st.builds(Slice, positive, positive, positive), min_size=1, max_size=6)


def burn() -> float:
    end = time.process_time() + BURN_S
    while time.process_time() < end:
        pass
    return 1.0


def burn_elsewhere() -> float:
    subprocess.run([sys.executable, "-c", BURNER], input="\n", text=True, check=True, capture_output=True)
    return 1.0


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.randoms())
def test_a_spread_is_of_the_values_in_any_order(values: list[float], chance) -> None:
    spread = Spread.of(values)
    shuffled = chance.sample(values, len(values))
    assert spread == Spread.of(shuffled)
    assert spread.low <= spread.median <= spread.high
    assert {spread.low, spread.high} <= set(values)


def test_a_spread_of_one_value_shows_it_alone() -> None:
    assert str(Spread.of([0.5])) == "0.5"
    assert str(Spread.of([0.5, 0.25, 2.0])) == "0.5 (0.25–2)"


@given(slices, st.data())
def test_a_ratio_does_not_see_the_machine_drift(mine: list[Slice], data) -> None:
    # The other one does three units in the time that mine takes for two, however fast the machine is in a round.
    drift = data.draw(st.lists(positive, min_size=len(mine), max_size=len(mine)))
    drifted = [Slice(each.units, each.wall_s * d, each.cpu_s * d) for each, d in zip(mine, drift, strict=True)]
    other = [Slice(1.5 * each.units, each.wall_s, each.cpu_s) for each in drifted]
    for clock in ("wall", "cpu"):
        gain, loss = paired.times(other, drifted, clock), paired.times(drifted, other, clock)
        assert [gain.low, gain.median, gain.high] == pytest.approx([1.5] * 3)
        assert [loss.low, loss.median, loss.high] == pytest.approx([1 / 1.5] * 3)


@given(slices)
def test_nothing_takes_more_than_itself(mine: list[Slice]) -> None:
    assert paired.excess(mine, mine, "cpu") == Spread(0.0, 0.0, 0.0)
    assert paired.times(mine, mine, "wall") == Spread(1.0, 1.0, 1.0)


def test_rate_and_costs_are_a_unit() -> None:
    mine = [Slice(units=10.0, wall_s=2.0, cpu_s=4.0)]
    assert paired.rate(mine).median == 5.0
    assert paired.cost(mine, "wall").median == 0.2
    assert paired.cost(mine, "cpu", 1e6).median == 400_000.0
    assert paired.excess(mine, [Slice(10.0, 1.0, 1.0)], "cpu").median == pytest.approx(0.3)


def test_contenders_work_in_turn_and_the_first_rounds_do_not_count() -> None:
    calls: list[str] = []

    def work(name: str, units: float):
        return lambda: calls.append(name) or units * len(calls)

    told = paired.alternate({"a": work("a", 1.0), "b": work("b", 10.0)}, rounds=2, warm_up=1)
    assert calls == ["a", "b"] * 3
    assert [each.units for each in told["a"]] == [3.0, 5.0]
    assert [each.units for each in told["b"]] == [40.0, 60.0]


@pytest.mark.parametrize(("seconds", "steps"), [(0.0, 1), (1.0, 1), (3.0, 3)])
def test_lasting_work_is_done_until_the_time_is_over_but_once_at_least(
    seconds: float, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    work = paired.lasting(seconds, lambda: calls.append(1), units=64.0)
    with monkeypatch.context() as patched:
        seconds_passed = itertools.count()  # one at each look at the clock
        patched.setattr(time, "perf_counter", lambda: float(next(seconds_passed)))
        units = work()
    assert (units, len(calls)) == (64.0 * steps, steps)


def test_own_processor_time_counts_and_waiting_does_not() -> None:
    with paired.stopwatch() as worked:
        burn()
    with paired.stopwatch() as waited:
        time.sleep(BURN_S)
    assert worked.cpu_s >= BURN_S and waited.wall_s >= BURN_S > waited.cpu_s


def test_processor_time_of_a_child_that_ended_counts() -> None:
    with paired.stopwatch() as took:
        burn_elsewhere()
    assert took.cpu_s >= BURN_S


def test_processor_time_of_living_descendants_counts() -> None:
    in_between = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BURNER!r}])"
    command = [sys.executable, "-c", in_between]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        words, answers = process.stdin, process.stdout
        assert words is not None and answers is not None

        def ask() -> float:
            words.write("\n")
            words.flush()
            answers.readline()
            return 1.0

        ask()  # the grandchild is up
        assert len(set(paired.descendants(process.pid))) == 1
        (told,) = paired.alternate({"asked": ask}, rounds=1, warm_up=0)["asked"]
        words.close()
    assert told.cpu_s >= BURN_S


def test_a_run_is_the_default_preset_but_for_what_is_given(tmp_path: Path) -> None:
    plain = paired.prepare(tmp_path / "plain").config
    run = paired.prepare(tmp_path / "other", training={"n_envs": 32}).config
    assert run.training == plain.training.model_copy(update={"n_envs": 32})
    assert (run.mdp, run.experiment) == (plain.mdp, "other")


def test_a_command_that_fails_ends_the_benchmark_with_its_words() -> None:
    assert paired.call(sys.executable, "-c", "print('fine')") == "fine\n"
    assert paired.call(sys.executable, "-c", "import os; print(os.environ['A'])", environment={"A": "1"}) == "1\n"
    with pytest.raises(SystemExit, match="sorry"):
        paired.call(sys.executable, "-c", "import sys; sys.exit('sorry')")
