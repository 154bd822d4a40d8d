"""What the doctor found in short lines for people."""

from __future__ import annotations

from typing import Any

_WIDTH = 11
_NAMED = 4  # packages that differ; doctor.json has all
_NOISE = "org."  # labels that Apptainer gives to every image


def describe(facts: dict[str, Any], *, videos: bool = True) -> list[str]:
    """Return what `examine` found, a line each."""
    cpu, nothing = facts["cpu"], "missing" if videos else "not asked for"
    told = {
        "processor": f"{cpu['model']}, {cpu['cores']} usable cores",
        "vectors": " ".join(cpu["vector_instructions"]) or "not known",
        "cards": ", ".join(facts["graphics_cards"]) or "none that NVIDIA's driver knows",
        "memory": _memory(facts["memory"]),
        "limits": _limits(facts["limits"]),
        "threads": ", ".join(f"{name} {value or 'not set'}" for name, value in facts["threads"].items()),
        "versions": ", ".join(f"{name} {version}" for name, version in facts["versions"].items()),
        "lock": _lock(facts["lock"]),
        "container": _container(facts["container"]),
        "Slurm": _slurm(facts["slurm"]),
        "results": _results(facts["results"]),
        "OpenGL": _opengl(facts["opengl"], nothing, facts["other_opengl"]),
        "ffmpeg": f"{facts['ffmpeg']}, writes H.264" if facts["ffmpeg"] else nothing,
    }
    return [f"{name:<{_WIDTH}}{text}" for name, text in told.items()]


def _memory(memory: dict[str, int | None]) -> str:
    total, available = memory["total_bytes"], memory["available_bytes"]
    if total is None:
        return "not known"
    return _gib(total) + (f", {_gib(available)} available" if available is not None else "")


def _limits(limits: dict[str, Any]) -> str:
    parts = [
        *([f"{_gib(limits['memory_bytes'])} of memory"] if limits["memory_bytes"] is not None else []),
        *([f"the time of {limits['cores']:g} cores"] if limits["cores"] is not None else []),
    ]
    return f"{', '.join(parts)} (control group)" if parts else "none by control groups"


def _lock(lock: dict[str, Any] | None) -> str:
    if lock is None:
        return "not found, nothing compared"
    wrong = [
        f"{name} {found['installed'] or 'missing'} instead of {found['locked']}"
        for name, found in lock["differences"].items()
    ]
    if not wrong:
        return f"all {lock['compared']} packages have the versions of {lock['file']}"
    more = [f"and {len(wrong) - _NAMED} more"] if len(wrong) > _NAMED else []
    return f"{len(wrong)} of {lock['compared']} packages differ from {lock['file']}: " + ", ".join(
        wrong[:_NAMED] + more
    )


def _container(container: dict[str, Any] | None) -> str:
    if container is None:
        return "none, this is the host"
    labels = {name: value for name, value in container["labels"].items() if not name.startswith(_NOISE)}
    return ", ".join([container["image"], *(f"{name} {value}" for name, value in labels.items())])


def _slurm(slurm: dict[str, Any]) -> str:
    job, commands = slurm["job"], " and ".join(slurm["commands"])
    if job is not None:
        words = [f"{key} {job[key]}" for key in ("partition", "node", "cores") if job[key]]
        return ", ".join([f"inside job {job['id']}", *words])
    return f"{commands} found, not inside a job" if commands else "none"


def _results(results: dict[str, Any] | None) -> str:
    return f"{results['directory']}, {_gib(results['free_bytes'])} free" if results else "cannot be written"


def _opengl(chosen: dict[str, str] | None, nothing: str, others: dict[str, dict[str, str]]) -> str:
    """Return the chosen backend, which stands first, and what the others did."""
    more = [
        f"{name}: {found['renderer']}" if "renderer" in found else f"{name} does not work: {found['problem']}"
        for name, found in others.items()
    ]
    return "; ".join([f"{chosen['backend']}: {chosen['renderer']}" if chosen else nothing, *more])


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
