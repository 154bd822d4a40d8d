"""The process that evaluates beside a training: gone when the trainer is, and light."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys

from mimicrl.policy import Policy
from mimicrl.runs import RunDirectory


def test_it_answers_and_ends_with_the_trainer(trained_run: RunDirectory) -> None:
    ours, theirs = multiprocessing.Pipe()
    command = [sys.executable, "-m", "mimicrl.evaluation.beside", str(theirs.fileno()), str(trained_run.path)]
    process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stderr=subprocess.PIPE, text=True)
    theirs.close()
    ours.send((Policy.load(trained_run.policy_directory("final")), False))
    assert ours.recv().summary.episodes == trained_run.config.evaluation.episodes
    ours.close()
    assert process.wait(60) in (0, 1)
    assert process.stderr and process.stderr.read() == "", "an end as usual is nothing to tell of"
    process.stderr.close()


def test_it_does_without_pytorch() -> None:
    code = (
        "import sys, mimicrl.evaluation.evaluator, mimicrl.evaluation.beside;"
        "print({'torch', 'stable_baselines3', 'pandas'} & sys.modules.keys())"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"
