"""Checkpoints in any order of saves, kills, damage and restarts: the newest valid one is found, two are always kept."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mimicrl import artifacts, faultpoints
from mimicrl.envs.task import Task
from mimicrl.errors import RunLocked
from mimicrl.learning.ppo import MimicPPO
from mimicrl.runs import Run, lock
from mimicrl.training import vec_envs
from mimicrl.training.checkpoints import record, snapshot, store
from mimicrl.training.checkpoints.record import TrainingRecord

INTERVAL = 128
FILES = st.sampled_from(["tensors.safetensors", "state.json", "manifest.json"])
POINTS = st.sampled_from([name for name in faultpoints.POINTS if name.startswith(("checkpoint.", "directory."))])
# Reached after these, a checkpoint is complete.
COMPLETE = ("directory.renamed", "checkpoint.saved", "directory.trashed", "checkpoint.pruned")


class Killed(BaseException):
    """What nothing catches."""


class Checkpoints(RuleBasedStateMachine):
    """A folder of checkpoints and what should be in it: `marks` of the valid ones by samples, and the damaged ones."""

    run: Run
    learner: MimicPPO

    @initialize()
    def begin(self) -> None:
        self.place = Path(tempfile.mkdtemp())
        self.folder = self.place / "checkpoints"
        self.folder.mkdir()
        self.marks: dict[int, int] = {}
        self.damaged: set[int] = set()
        self.samples = self.saves = 0
        self.alive = True

    def teardown(self) -> None:
        shutil.rmtree(self.place)

    def attempt(self, work: Callable[[], None], point: str | None) -> bool:
        """Do something during which the process may be killed; return whether it was."""
        frozen = self.place / "as-it-was"

        def reach(name: str) -> None:
            if name == point:
                shutil.copytree(self.folder, frozen)
                raise Killed

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(faultpoints, "reach", reach)
            try:
                work()
            except Killed:
                # Whatever was cleaned up on the way out, a killed process would not have been able to.
                shutil.rmtree(self.folder)
                frozen.rename(self.folder)
                self.alive = False
        return not self.alive

    def save(self) -> None:
        self.learner.num_timesteps = self.samples
        state = TrainingRecord(**snapshot.counters(self.learner), seconds=self.saves).model_dump(mode="json")
        with lock.hold(self.run.lock_file, "mimicrl train"):
            with pytest.raises(RunLocked), lock.hold(self.run.lock_file, "mimicrl train"):
                pass  # a second trainer
            store.save(self.folder, self.run.fingerprint, self.samples, snapshot.arrays(self.learner), state)

    @precondition(lambda self: self.alive)
    @rule(intervals=st.integers(1, 3))
    def train_and_save(self, intervals: int) -> None:
        for _ in range(intervals):
            self.save_next(None)

    @precondition(lambda self: self.alive)
    @rule(point=POINTS)
    def train_and_be_killed_while_saving(self, point: str) -> None:
        self.save_next(point)

    def save_next(self, point: str | None) -> None:
        self.samples += INTERVAL
        self.saves += 1
        before = set(store.samples_saved(self.folder))
        killed = self.attempt(self.save, point)
        if not killed or point in COMPLETE:
            self.marks[self.samples] = self.saves
        pruned = before - set(store.samples_saved(self.folder))
        assert pruned <= set(self.superfluous()), "one of the last two valid ones was removed"
        if not killed or point == "checkpoint.pruned":
            assert pruned == set(self.superfluous()), "one stayed that is not needed"
        for samples in pruned:
            self.marks.pop(samples, None)
            self.damaged.discard(samples)

    def superfluous(self) -> list[int]:
        """What is older than the last two valid ones."""
        *_, second, _ = [-1, -1, *sorted(self.marks)]
        return [samples for samples in self.marks.keys() | self.damaged if samples < second]

    @precondition(lambda self: self.marks)
    @rule(data=st.data(), name=FILES, share=st.floats(0, 1))
    def damage(self, data: st.DataObject, name: str, share: float) -> None:
        samples = data.draw(st.sampled_from(sorted(self.marks)))
        file = self.folder / f"step-{samples:012d}" / name
        content = bytearray(file.read_bytes())
        place = int(share * (len(content) - 2))  # the manifest's last byte is the end of its line
        if data.draw(st.booleans()):
            content = content[:place]
        else:
            content[place] ^= 1
        file.write_bytes(content)
        del self.marks[samples]
        self.damaged.add(samples)

    @rule()
    def start_again(self) -> None:
        self.start(None)

    @rule()
    def start_again_and_be_killed_at_once(self) -> None:
        self.start("directory.trashed")

    def start(self, point: str | None) -> None:
        """What a trainer does at its start."""
        self.alive = True
        artifacts.sweep(self.folder)
        assert not [path for path in self.folder.iterdir() if artifacts.is_leftover(path)]
        found, _ = store.newest(self.folder, self.run.fingerprint)
        if found is None and self.damaged:
            self.alive = False  # exit code 3, and nothing is touched
            return
        if found is not None:
            snapshot.restore(found, record.read(found)[0], self.learner)
        self.samples = self.learner.num_timesteps if found else 0
        before = set(store.samples_saved(self.folder))
        self.attempt(lambda: store.set_aside_newer(self.folder, self.samples), point)
        gone = before - set(store.samples_saved(self.folder))
        assert gone <= self.damaged
        assert all(samples > self.samples for samples in gone)
        self.damaged -= gone
        if self.alive:
            assert not [samples for samples in self.damaged if samples > self.samples]

    @invariant()
    def the_newest_valid_one_is_found(self) -> None:
        found, problems = store.newest(self.folder, self.run.fingerprint)
        newest = max(self.marks, default=None)
        assert (found.samples if found else None) == newest
        if found:
            assert found.state["seconds"] == self.marks[found.samples]
        assert len(problems) == len([samples for samples in self.damaged if newest is None or samples > newest])

    @invariant()
    def nothing_else_is_there(self) -> None:
        assert set(store.samples_saved(self.folder)) == self.marks.keys() | self.damaged
        others = [path for path in self.folder.iterdir() if not path.name.startswith(("step-", "aside-step-"))]
        assert all(map(artifacts.is_leftover, others))
        assert not others or not self.alive


@pytest.mark.fault(2)
def test_any_history_of_a_folder_of_checkpoints(prepare: Callable[..., Run], tmp_path: Path) -> None:
    run = prepare(tmp_path / "run")
    environments = vec_envs.make(run, Task.of_run(run), 1)
    environments.seed(1)
    learner = MimicPPO(run.config.training, environments, 1)
    learner.learn(INTERVAL)
    machine = type("CheckpointsOfOneLearner", (Checkpoints,), {"run": run, "learner": learner})
    run_state_machine_as_test(machine, settings=settings(max_examples=60, stateful_step_count=20))
