"""What this machine can do, told before hours are spent on it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from mimicrl import provenance
from mimicrl.rendering import gl, video


def examine(*, videos: bool = True) -> dict[str, Any]:
    """Return what matters here of the machine; a picture and a video are really made.

    Args:
        videos: Whether videos are to be made here.

    Raises:
        MachineError: OpenGL or ffmpeg is missing and videos need it; the message says how to install it.
    """
    return {
        "cpu": provenance.cpu(),
        "versions": provenance.versions(),
        "opengl": asdict(gl.choose()) if videos else None,
        "ffmpeg": video.check_ffmpeg() if videos else None,
    }


def describe(found: dict[str, Any]) -> list[str]:
    """Return what `examine` found, a line each."""
    cpu, opengl, ffmpeg = found["cpu"], found["opengl"], found["ffmpeg"]
    return [
        f"processor  {cpu['model']}, {cpu['cores']} usable cores",
        f"versions   {', '.join(f'{name} {version}' for name, version in found['versions'].items())}",
        f"OpenGL     {opengl['backend']}: {opengl['renderer']}" if opengl else "OpenGL     not asked for",
        f"ffmpeg     {ffmpeg}, writes H.264" if ffmpeg else "ffmpeg     not asked for",
    ]
