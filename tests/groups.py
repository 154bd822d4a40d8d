"""Which tests run in one process, one after the other, and which are slow."""

from __future__ import annotations

from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

TESTS = Path(__file__).parent
# Folders and files below tests/ that share an expensive fixture, or what a machine has once: Slurm, the image,
# the memory that a browser takes. All other files are a group each.
GROUPS = {
    "cluster": "machine",
    "container": "machine",
    "analysis/test_report_browser.py": "machine",
    "workflow": "workflow",
}
# Folders and files below tests/ that `make test-fast` leaves out: each test takes more than a second or two.
SLOW = (
    *GROUPS,
    "resume",
    "faults/test_checkpoints.py",
    "faults/test_disk_full.py",
    "faults/test_divergence.py",
    "faults/test_history.py",
    "faults/test_video.py",
    "faults/test_workers.py",
    "faults/test_writer.py",
    "benchmarks",
    "analysis/test_report.py",
    "motions/formats/test_matlab.py",
    "training/reporting/test_wandb.py",
)


def group_of(file: Path) -> str:
    """Name the group of a file below tests/."""
    names = [str(file), *map(str, file.parents)]
    return next((GROUPS[name] for name in names if name in GROUPS), str(file))


def mark(items: list[pytest.Item]) -> None:
    """Mark each slow test with `slow`, and put the longest groups first.

    Whoever runs the tests in several processes gives a group to the next process that is free. The longest ones come
    first, so that no process is left with one of them at the end.
    """
    longest = [*dict.fromkeys(GROUPS.values()), *SLOW]
    places: dict[pytest.Item, int] = {}
    for item in items:
        file = item.path.relative_to(TESTS)
        names = [str(file), *map(str, file.parents)]
        if any(name in SLOW for name in names):
            item.add_marker(pytest.mark.slow)
        places[item] = min(
            (longest.index(name) for name in (group_of(file), *names) if name in longest), default=len(longest)
        )
    items.sort(key=places.__getitem__)  # which leaves the tests of a file in their order


class GroupScheduling(LoadScopeScheduling):
    """Gives whole groups to processes.

    pytest-xdist's own `loadgroup` writes the group into a test's id, where pytest 9.2 does not look: it groups nothing,
    and says nothing.
    """

    def _split_scope(self, nodeid: str) -> str:
        return group_of(Path(nodeid.partition("::")[0]).relative_to(TESTS.name))
