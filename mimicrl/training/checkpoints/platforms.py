"""The platform: what the bits of a training depend on besides its run. On another one it goes on, to other bits."""

from __future__ import annotations

from typing import Any

from mimicrl import machine

_PACKAGES = ("torch", "mujoco", "numpy")


def describe() -> dict[str, Any]:
    """Return processor, vector instructions and versions."""
    cpu, versions = machine.cpu(), machine.versions()
    return {
        "CPU": cpu["model"],
        "vector instructions": cpu["vector_instructions"],
        **{name: versions[name] for name in _PACKAGES},
    }


def history(earlier: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Continue the list of platforms that a training ran on.

    Args:
        earlier: The platforms so far, as a checkpoint has them.

    Returns:
        The list with this platform as its last, and what differs from the one before, nothing at a training's start.
    """
    here = describe()
    changed = differences(earlier[-1], here) if earlier else []
    return ([*earlier, here] if changed or not earlier else earlier), changed


def differences(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return in words what differs between two platforms of `describe`."""
    return [
        f"{name} {_lacking(then.get(name), now[name])}, now {_lacking(now[name], then.get(name))}"
        for name in now
        if then.get(name) != now[name]
    ]


def _lacking(value: Any, other: Any) -> str:
    """Return a value in words; of a list, what the other one lacks."""
    if isinstance(value, list) and isinstance(other, list):
        return " ".join(word for word in value if word not in other) or "without them"
    return str(value)
