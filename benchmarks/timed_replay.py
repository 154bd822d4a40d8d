"""``mimicrl replay`` with the times of its parts: ``python -m benchmarks.timed_replay FILE RUN_DIR``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from benchmarks import paired
from mimicrl import artifacts, cli
from mimicrl.rendering import opengl


def main() -> None:
    """Run the command line, with a stopwatch on two of its functions."""
    file = Path(sys.argv.pop(1))
    # The command line does this before it imports the modules below.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    opengl.defer()
    from mimicrl.evaluation import replay
    from mimicrl.rendering import encode

    took: dict[str, Any] = {}
    roll, write = replay.roll, encode.write

    def watched_roll(*words: Any, **options: Any) -> replay.Replay:
        with paired.stopwatch(()) as took["rollout"]:  # the trial of OpenGL beside it ends within the block
            return roll(*words, **options)

    def watched_write(*words: Any, **options: Any) -> int:
        with paired.stopwatch() as took["pictures and encoding"]:
            return write(*words, **options)

    replay.roll, encode.write = watched_roll, watched_write
    sys.argv.insert(1, "replay")
    try:
        cli.main()
    finally:
        artifacts.write_json(file, {name: {"wall_s": each.wall_s, "cpu_s": each.cpu_s} for name, each in took.items()})


if __name__ == "__main__":
    main()
