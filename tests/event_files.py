"""What TensorBoard's files of a folder hold, read record by record: nothing is purged as TensorBoard itself would."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from tensorboard.backend.event_processing.event_file_loader import EventFileLoader


def tensorboard_steps(folder: Path) -> dict[str, list[int]]:
    """Return the steps of each tag over all files, sorted, as often as they stand there."""
    steps: dict[str, list[int]] = defaultdict(list)
    for file in sorted(folder.iterdir()):
        for event in EventFileLoader(str(file)).Load():
            for value in event.summary.value:
                steps[value.tag].append(event.step)
    return {tag: sorted(numbers) for tag, numbers in steps.items()}
