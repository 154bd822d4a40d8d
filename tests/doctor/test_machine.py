"""Memory, control groups of both versions, and a file that is really written."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest

from mimicrl.doctor import machine
from mimicrl.errors import MachineError


def write(files: dict[str, str], folder: Path) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text + "\n")


def limits(tmp_path: Path, groups: str, **files: str) -> tuple[object, object]:
    write({name.replace("__", "/"): text for name, text in files.items()}, tmp_path / "root")
    (tmp_path / "cgroup").write_text(groups)
    found = machine.limits(tmp_path / "cgroup", tmp_path / "root")
    return found["memory_bytes"], found["cores"]


def test_memory_is_that_of_this_machine() -> None:
    found = machine.memory()
    total, available = found["total_bytes"], found["available_bytes"]
    assert total == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert available is not None and 0 < available <= total


def test_memory_that_is_not_told_is_not_known(tmp_path: Path) -> None:
    nothing = {"total_bytes": None, "available_bytes": None}
    assert machine.memory(tmp_path / "none") == nothing
    (tmp_path / "meminfo").write_text("MemFree: many kB\n\nMemTotal:\n")
    assert machine.memory(tmp_path / "meminfo") == nothing
    (tmp_path / "meminfo").write_text("MemTotal:       16 kB\n")
    assert machine.memory(tmp_path / "meminfo") == {"total_bytes": 16384, "available_bytes": None}


def test_without_control_groups_there_is_no_limit(tmp_path: Path) -> None:
    assert machine.limits(tmp_path / "none", tmp_path) == {"memory_bytes": None, "cores": None}
    assert limits(tmp_path, "0::/\n") == (None, None)


def test_version_2_tells_the_tightest_limit_from_its_group_upwards(tmp_path: Path) -> None:
    groups = "0::/slurm/job_7/step_0\n"
    write({"memory.max": "1"}, tmp_path)  # above the root; not a group's
    assert limits(tmp_path, groups, slurm__job_7__step_0__memory_max="7") == (None, None), "another file"
    write({"memory.max": "max", "cpu.max": "max 100000"}, tmp_path / "root" / "slurm" / "job_7" / "step_0")
    assert limits(tmp_path, groups) == (None, None)
    write({"memory.max": "4096", "cpu.max": "150000 100000"}, tmp_path / "root" / "slurm" / "job_7")
    assert limits(tmp_path, groups) == (4096, 1.5)
    write({"memory.max": "8192", "cpu.max": "50000 100000"}, tmp_path / "root" / "slurm")
    assert limits(tmp_path, groups) == (4096, 0.5)


def test_version_1_has_a_tree_for_each_controller(tmp_path: Path) -> None:
    root = tmp_path / "root"
    groups = "9:name=systemd:/\n4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n0::/\n"
    write({"memory.limit_in_bytes": "9223372036854771712"}, root / "memory")
    write({"cpu.cfs_quota_us": "-1", "cpu.cfs_period_us": "100000"}, root / "cpu")
    assert limits(tmp_path, groups) == (None, None)
    write({"memory.limit_in_bytes": "4096"}, root / "memory" / "docker" / "abc")
    write({"cpu.cfs_quota_us": "250000", "cpu.cfs_period_us": "100000"}, root / "cpu" / "docker" / "abc")
    assert limits(tmp_path, groups) == (4096, 2.5)


def test_a_container_sees_its_own_group_at_the_top(tmp_path: Path) -> None:
    write({"memory.max": "4096", "cpu.max": "200000 100000"}, tmp_path / "root")
    assert limits(tmp_path, "0::/not/seen/here\n") == (4096, 2.0)


@pytest.mark.parametrize("name", [".", "results", "a/b/results"])
def test_writing_leaves_no_trace(tmp_path: Path, name: str) -> None:
    found = machine.try_writing(tmp_path / name)
    assert found["directory"] == str(tmp_path / name)
    assert 0 < found["free_bytes"] < os.statvfs(tmp_path).f_blocks * os.statvfs(tmp_path).f_frsize
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "unmounted")
    for name, why in (("file", "Not a directory"), ("file/results", "Not a directory"), ("link", "No such file or d")):
        with pytest.raises(MachineError, match=f"cannot write a file — {tmp_path / name} — got {why}"):
            machine.try_writing(tmp_path / name)


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> object:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(MachineError, match=r"the disk is full — .* — got No space left on device — free some space"):
        machine.try_writing(tmp_path)
