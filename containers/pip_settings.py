"""Give the build of the image this machine's pip settings: certificates, indexes, folders of wheels.

``python pip_settings.py FOLDER`` writes ``FOLDER/pip.conf`` and prints what to give to ``apptainer build --bind``. The
build sees the folder as /mnt, which exists in every base image; what the settings name on this machine stands below it.
"""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

_INSIDE = Path("/mnt")
_COPIED = ("cert", "extra-index-url", "find-links", "index-url", "no-index", "proxy", "timeout", "trusted-host")
_SECTIONS = ("global", "install", ":env:")  # a later one overrides an earlier one


def settings() -> dict[str, str]:
    """Return the settings of pip here that matter for where packages come from."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    lines = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()  # none where there is no pip
    found = {}
    for section in _SECTIONS:
        for line in lines:
            key, _, value = line.partition("=")
            if key.removeprefix(f"{section}.") in _COPIED:
                found[key.removeprefix(f"{section}.")] = ast.literal_eval(value)
    return found


def write(found: dict[str, str], folder: Path) -> str:
    """Write ``pip.conf`` and what it names into a folder.

    Args:
        found: Settings by name; values of several words name several places.
        folder: The folder, which the build sees as /mnt.

    Returns:
        What to bind, in Apptainer's words.
    """
    folder.mkdir(parents=True, exist_ok=True)
    binds, lines = [f"{folder.resolve()}:{_INSIDE}:ro"], ["[global]"]
    for name, value in found.items():
        words = []
        for word in value.split():
            place = Path(word.removeprefix("file://"))
            if place.is_absolute() and place.is_file():
                shutil.copy(place, folder / name)
                word = str(_INSIDE / name)
            elif place.is_absolute() and place.is_dir():
                # Pages of an index may link to files beside it.
                root = place.parent if name.endswith("index-url") else place
                target = f"{len(binds)}"
                (folder / target).mkdir(exist_ok=True)  # where it is bound to, as the folder is read-only inside
                binds.append(f"{root}:{_INSIDE / target}:ro")
                scheme = "file://" if word.startswith("file://") else ""
                word = f"{scheme}{_INSIDE / target / place.relative_to(root)}"
            words.append(word)
        lines.append(f"{name} = {' '.join(words)}")
    (folder / "pip.conf").write_text("\n".join(lines) + "\n")
    return ",".join(binds)


if __name__ == "__main__":
    print(write(settings(), Path(sys.argv[1])))
