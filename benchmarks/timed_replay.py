"""``mimicrl replay`` that tells what its stages took: ``python -m benchmarks.timed_replay FILE RUN_DIR``."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import paired
from mimicrl import artifacts, cli
from mimicrl.rendering import gl


class Watched:
    """Pictures, and the time that drawing them takes.

    Args:
        pictures: The pictures, each drawn when it is asked for.

    Attributes:
        wall_s: Time.
        cpu_s: Processor time of this process, which draws them.
    """

    def __init__(self, pictures: Iterator[Any]) -> None:
        self.wall_s = self.cpu_s = 0.0
        self._pictures = pictures

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        try:
            return next(self._pictures)
        finally:
            self.wall_s += time.perf_counter() - wall_s
            self.cpu_s += time.process_time() - cpu_s


def main() -> None:
    """Be the command line, with a watch on three of its functions."""
    file = Path(sys.argv.pop(1))
    # What the command line does before it imports these.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gl.defer()
    from mimicrl.evaluation import replay
    from mimicrl.rendering import film, video

    took: dict[str, Any] = {}
    roll, frames, write = replay.roll, film.frames, video.write

    def watched_roll(*words: Any, **options: Any) -> replay.Replay:
        with paired.stopwatch() as took["rollout"]:
            return roll(*words, **options)

    def watched_frames(*words: Any, **options: Any) -> Iterator[Any]:
        took["pictures"] = Watched(frames(*words, **options))
        return took["pictures"]

    def watched_write(*words: Any, **options: Any) -> int:
        with paired.stopwatch() as took["pictures and encoding"]:
            return write(*words, **options)

    replay.roll, film.frames, video.write = watched_roll, watched_frames, watched_write
    sys.argv.insert(1, "replay")
    try:
        cli.main()
    finally:
        artifacts.write_json(file, {name: {"wall_s": each.wall_s, "cpu_s": each.cpu_s} for name, each in took.items()})


if __name__ == "__main__":
    main()
