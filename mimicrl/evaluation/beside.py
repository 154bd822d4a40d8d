"""The process beside a training that evaluates its policies: ``python -m mimicrl.evaluation.beside FD RUN_DIR``."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

from mimicrl import processes
from mimicrl.envs.task import Task
from mimicrl.evaluation.evaluator import EvaluatorHere
from mimicrl.runs import RunDirectory


def main() -> None:
    """Evaluate one policy after the other until the trainer closes its end of the pipe."""
    connection = Connection(int(sys.argv[1]))
    threading.Thread(target=processes.end_with_trainer, args=(connection,), daemon=True).start()
    run = RunDirectory(Path(sys.argv[2]))
    evaluator = EvaluatorHere(Task.of_run(run), run.config.evaluation)
    with contextlib.suppress(EOFError, ConnectionError):  # the trainer is gone
        while True:
            policy, shifted = connection.recv()
            evaluator.submit(policy, shifted=shifted)
            result = evaluator.result(wait=True)
            assert result is not None
            connection.send(result._replace(cpu_seconds=time.process_time()))


if __name__ == "__main__":
    main()
