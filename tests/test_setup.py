"""`make setup` makes an environment, mends a half-made one, and says what is missing before it makes anything."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
LOCK = "torch==2.13.0\nnumpy==2.4.6 --hash=sha256:0\n"
VERSION = "{}.{}".format(*sys.version_info[:2])
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
# In pip's place: notes what it is asked for and installs nothing but the name of a build of torch. It refuses what
# stands in $REFUSE, as pip does when an index cannot be reached.
PIP = """
import os, shutil, sys
from pathlib import Path

words = sys.argv[1:]
with open(os.environ["CALLS"], "a") as calls:
    print(*words, file=calls)
packages = Path(__file__).parents[1]
pin = words[-1]
if pin == os.environ.get("REFUSE"):
    sys.exit("ERROR: No matching distribution found for " + pin)
if "uninstall" in words:
    for folder in packages.glob("torch-*.dist-info"):
        shutil.rmtree(folder)
elif pin.startswith("torch=="):
    for folder in packages.glob("torch-*.dist-info"):
        shutil.rmtree(folder)
    folder = packages / f"torch-{pin[7:]}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\\nName: torch\\nVersion: {pin[7:]}\\n")
    (folder / "RECORD").touch()
"""
# In Python's place: the real one, but its environments get the pip above, and it may be of another version.
PYTHON = """#!/bin/sh
case "$*" in
*version_info*) echo {version}; exit;;
*ensurepip*) exit {no_ensurepip};;
"-m venv "*) "{python}" -m venv --without-pip "$3" || exit
    packages=$(echo "$3"/lib/python*/site-packages)
    mkdir "$packages/pip"
    cp "$PIP" "$packages/pip/__main__.py"
    echo "#!$PWD/$3/bin/python" >"$3/bin/pip"
    exit {interrupted};;
esac
exec "{python}" "$@"
"""


class Setup(NamedTuple):
    """How a setup ended, and what it asked pip for."""

    code: int
    output: str
    calls: list[str]


class Project:
    """A folder with all that `setup.sh` takes, on a machine without a card whose Python is a stand-in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.venv = folder / ".venv"
        self.programs = folder / "programs"
        (folder / "containers").mkdir()
        self.programs.mkdir()
        for name in ("setup.sh", "pyproject.toml"):
            shutil.copy(ROOT / name, folder)
        (folder / "containers" / "requirements.lock").write_text(LOCK)
        (folder / "no-pip").write_text(PIP)
        self.put("python3")

    def put(self, name: str, version: str = VERSION, no_ensurepip: int = 0, interrupted: int = 0) -> None:
        """Have a command be a stand-in for Python."""
        text = PYTHON.format(
            version=version, no_ensurepip=no_ensurepip, interrupted=interrupted, python=Path(sys.executable).resolve()
        )
        self.program(name, text)

    def program(self, name: str, text: str) -> None:
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def setup(self, **environment: str) -> Setup:
        calls = self.folder / "calls"
        calls.write_text("")
        environment = {
            "PATH": f"{self.venv / 'bin'}:{self.programs}:/usr/bin:/bin",
            "CALLS": str(calls),
            "PIP": str(self.folder / "no-pip"),
            **environment,
        }
        command = [str(self.folder / "setup.sh")]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return Setup(done.returncode, done.stdout, calls.read_text().splitlines())

    @property
    def torch(self) -> list[str]:
        """The builds of torch that are installed."""
        return [folder.name for folder in self.venv.glob("lib/python*/site-packages/torch-*.dist-info")]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def ready(project: Project) -> Project:
    """A project whose environment is complete."""
    done = project.setup()
    assert done.code == 0, done.output
    return project


def test_a_setup_installs_by_hash_then_torch_then_the_project(project: Project) -> None:
    done = project.setup()
    assert done.code == 0, done.output
    asked = [line.split("--disable-pip-version-check ")[-1] for line in done.calls]
    assert asked == [
        "--no-deps --require-hashes -r /dev/stdin",
        f"--timeout 15 --retries 2 --extra-index-url {CPU_INDEX} torch==2.13.0+cpu",
        "--no-deps --no-build-isolation --editable .",
        "check",
    ]
    assert (project.venv / ".setup").exists()


def test_a_complete_environment_is_kept(ready: Project) -> None:
    (ready.venv / "mine").touch()
    assert ready.setup().code == 0
    assert (ready.venv / "mine").exists()


def no_pip(project: Project) -> None:
    for folder in project.venv.glob("lib/python*/site-packages/pip"):
        shutil.rmtree(folder)


def interrupted(project: Project) -> None:
    shutil.rmtree(project.venv)
    project.put("python3", interrupted=1)
    assert project.setup().code == 5
    project.put("python3")
    (project.venv / "mine").touch()


def python_removed(project: Project) -> None:
    for name in ("python", "python3"):
        (project.venv / "bin" / name).unlink()
        (project.venv / "bin" / name).symlink_to("/usr/bin/python3.no-more")


def python_too_old(project: Project) -> None:
    (project.venv / "bin" / "python").unlink()
    (project.venv / "bin" / "python").write_text("#!/bin/sh\necho 3.8\n")
    (project.venv / "bin" / "python").chmod(0o755)


def moved(project: Project) -> None:
    (project.venv / "bin" / "pip").write_text("#!/somewhere/else/.venv/bin/python\n")


def a_folder(project: Project) -> None:
    shutil.rmtree(project.venv)
    project.venv.mkdir()
    (project.venv / "mine").touch()


def a_dangling_link(project: Project) -> None:
    shutil.rmtree(project.venv)
    project.venv.symlink_to("nowhere")


HALF_MADE: dict[Callable[[Project], None], str] = {
    no_pip: "it has no pip that runs",
    interrupted: "making it was interrupted",
    python_removed: "its Python does not start",
    python_too_old: "its Python is 3.8, and the project takes 3.11 or newer",
    moved: "it was moved here from another folder",
    a_folder: "making it was interrupted",
    a_dangling_link: "making it was interrupted",
}


@pytest.mark.parametrize("harm", HALF_MADE, ids=lambda harm: harm.__name__)
def test_a_half_made_environment_is_made_anew(ready: Project, harm: Callable[[Project], None]) -> None:
    (ready.venv / "mine").touch()
    harm(ready)
    done = ready.setup()
    assert done.code == 0, done.output
    assert f"make setup: .venv is made anew: {HALF_MADE[harm]}\n" in done.output
    assert not (ready.venv / "mine").exists()
    assert ready.torch == ["torch-2.13.0+cpu.dist-info"]


def test_another_python_that_is_asked_for_makes_it_anew(ready: Project) -> None:
    ready.put("python3.99", version="3.99")
    done = ready.setup(PYTHON="python3.99")
    assert f".venv is made anew: its Python is {VERSION}, and python3.99 is 3.99\n" in done.output


def test_a_package_that_was_interrupted_is_installed_again(ready: Project) -> None:
    (folder,) = ready.venv.glob("lib/python*/site-packages/torch-*.dist-info")
    (folder / "RECORD").unlink()
    done = ready.setup()
    assert any(line.endswith(" torch==2.13.0+cpu") for line in done.calls)
    assert (folder / "RECORD").exists()


REFUSED: dict[str, tuple[Callable[[Project], None], dict[str, str], str]] = {
    "too old": (
        lambda project: project.put("python3", version="3.9"),
        {},
        r"Python is too old — \S+/programs/python3 — got 3\.9, expected 3\.11 or newer — install a newer one .*",
    ),
    "no ensurepip": (
        lambda project: project.put("python3", no_ensurepip=1),
        {},
        r"Python cannot make a virtual environment — \S+ — got no module ensurepip, expected ensurepip and venv — "
        rf"apt-get install python{re.escape(VERSION)}-venv .*",
    ),
    "not there": (
        lambda _: None,
        {"PYTHON": "python3.98"},
        r"there is no Python — python3\.98 — got no such command, .* — apt-get install python3 python3-venv, .*",
    ),
    "broken": (
        lambda project: project.program("python3", "#!/bin/sh\nexit 1\n"),
        {},
        r"Python does not start — \S+ — got an error, .*",
    ),
    "no such build": (
        lambda _: None,
        {"TORCH": "gpu"},
        r"there is no such build of PyTorch — TORCH — got gpu, expected cpu, cuda or the URL of an index — .*",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_missing_is_told_before_anything_is_made(project: Project, case: str) -> None:
    harm, environment, told = REFUSED[case]
    harm(project)
    done = project.setup(**environment)
    assert done.code == 5
    assert re.fullmatch(f"make setup: {told}\n", done.output)
    assert not project.venv.exists()


def test_a_python_that_cannot_make_another_leaves_what_is_there(ready: Project) -> None:
    no_pip(ready)
    ready.put("python3", no_ensurepip=1)
    assert ready.setup().code == 5
    assert ready.venv.exists()


@pytest.mark.parametrize(
    ("card", "chosen", "build", "indexes"),
    [
        (False, "", "2.13.0+cpu", [CPU_INDEX]),
        (True, "", "2.13.0", []),
        (True, "cpu", "2.13.0+cpu", [CPU_INDEX]),
        (False, "cuda", "2.13.0", []),
        (False, "https://elsewhere", "2.13.0", ["https://elsewhere"]),
    ],
)
def test_the_build_of_torch_fits_the_machine_unless_one_is_chosen(
    project: Project, card: bool, chosen: str, build: str, indexes: list[str]
) -> None:
    project.program("nvidia-smi", "#!/bin/sh\necho 'GPU 0: a card'\n" if card else "#!/bin/sh\nexit 9\n")
    done = project.setup(TORCH=chosen)
    assert project.torch == [f"torch-{build}.dist-info"]
    assert [word for line in done.calls for word in line.split() if "://" in word] == indexes


def test_a_choice_changes_the_build_and_stays(ready: Project) -> None:
    ready.setup(TORCH="cuda")
    assert ready.torch == ["torch-2.13.0.dist-info"]
    ready.setup()
    assert ready.torch == ["torch-2.13.0.dist-info"]
    ready.setup(TORCH="cpu")
    assert ready.torch == ["torch-2.13.0+cpu.dist-info"]


def test_where_the_index_of_cpu_builds_cannot_be_reached_the_usual_build_is_taken_until_it_can(
    project: Project,
) -> None:
    done = project.setup(REFUSE="torch==2.13.0+cpu")
    assert done.code == 0
    assert f"make setup: the CPU build of PyTorch cannot be had — {CPU_INDEX} — got the error above" in done.output
    assert project.torch == ["torch-2.13.0.dist-info"]
    project.setup()
    assert project.torch == ["torch-2.13.0+cpu.dist-info"]


def test_an_interrupted_installation_is_no_setup(ready: Project) -> None:
    assert ready.setup(REFUSE=".").code != 0
    assert not (ready.venv / ".setup").exists()
    assert ready.setup().code == 0
    assert (ready.venv / ".setup").exists()


def test_the_smallest_python_is_that_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert re.fullmatch(r">=3\.\d+", project["requires-python"]), "as setup.sh reads it"
    assert os.access(ROOT / "setup.sh", os.X_OK)
