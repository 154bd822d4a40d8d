"""How long a video takes: ``python -m benchmarks.rendering [--quick] [--json FILE]``.

Trains the default preset until it walks; this time does not count. Then it makes the video of 20 s that every run gets:
640 × 480 pixels, 30 pictures per second, the reference beside the walker. The command is ``mimicrl replay``.
`benchmarks.timed_replay` measures the parts of the command. First the 20 episodes of the evaluation are rolled out
while OpenGL is tried. Then one thread draws pictures while ffmpeg encodes them in another process. The rest of the time
is the start: Python, imports, files. "× real time" is seconds of video per second of wall time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import paired, report
from benchmarks.paired import Slice
from benchmarks.report import Spread, Table
from mimicrl import artifacts
from mimicrl.runs import Run

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """The size of the measurement.

    Attributes:
        samples: Samples of the training.
        seconds: Length of the evaluation's episodes [s], and of the video unless the walker falls earlier.
        rounds: Number of videos.
    """

    samples: int = 150_000
    seconds: float = 20.0
    rounds: int = 5


QUICK = Settings(samples=1024, seconds=1.0, rounds=1)


def stages(run: Run, file: Path) -> dict[str, Slice]:
    """Make a run's video.

    Args:
        run: A trained run.
        file: The file for the times of the stages.

    Returns:
        The time of the whole and of its stages, in units of seconds of video. The first is the sum of the others.
    """
    with paired.stopwatch() as took:
        paired.call(sys.executable, "-m", "benchmarks.timed_replay", str(file), str(run.path), cwd=ROOT)
    seconds = about(run)["duration_s"]
    whole = Slice(seconds, took.wall_s, took.cpu_s)
    inside = {name: Slice(seconds, **each) for name, each in artifacts.read_json(file).items()}
    rollout, film = inside["rollout"], inside["pictures and encoding"]
    return {
        "mimicrl replay": whole,
        "of which start": less(whole, rollout, film),
        "rollout": rollout,
        "pictures and encoding": film,
    }


def about(run: Run) -> dict:
    """Return the record of a run's video."""
    return artifacts.read_json(run.path / "provenance" / "replay.json")["result"]


def less(whole: Slice, *parts: Slice) -> Slice:
    """Return what the whole took besides its parts."""
    wall_s, cpu_s = sum(part.wall_s for part in parts), sum(part.cpu_s for part in parts)
    return Slice(whole.units, whole.wall_s - wall_s, whole.cpu_s - cpu_s)


def measure(settings: Settings, folder: Path) -> Iterator[Table]:
    """Measure.

    Args:
        settings: The size of the measurement.
        folder: The folder for the run.
    """
    run = paired.prepare(
        folder / "video",
        training={"total_timesteps": settings.samples},
        evaluation={"eval_freq": settings.samples + 1, "seconds": settings.seconds},
    )
    paired.call(sys.executable, "-m", "mimicrl", "train", str(run.path))
    videos = [stages(run, folder / "stages.json") for _ in range(settings.rounds)]
    slices = {name: [video[name] for video in videos] for name in videos[0]}
    rows = [
        {
            "stage": name,
            "wall s": Spread.of(each.wall_s for each in mine),
            "CPU s": Spread.of(each.cpu_s for each in mine),
            "× real time": paired.rate(mine),
        }
        for name, mine in slices.items()
    ]
    made = about(run)
    yield Table(f"A video of {made['duration_s']:g} s, drawn by {made['renderer']} through {made['backend']}", rows)


def main() -> None:
    """Run the benchmark and print its table."""
    arguments = report.parser(__doc__, "a walker that falls at once: hardly one second of video").parse_args()
    with TemporaryDirectory() as folder:
        report.publish(measure(QUICK if arguments.quick else Settings(), Path(folder)), arguments)


if __name__ == "__main__":
    main()
