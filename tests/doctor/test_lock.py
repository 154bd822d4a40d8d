"""What is installed against the lock: only differences matter."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from mimicrl.doctor import lock as locks

INSTALLED = {"numpy": "2.4.6", "torch": "2.13.0+cpu", "typing-extensions": "4.1", "wandb": None, "mujoco": None}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some packages; of the two that are not there one is that of an extra."""

    def version(name: str) -> str:
        found = INSTALLED.get(name)
        if found is None:
            raise metadata.PackageNotFoundError(name)
        return found

    required = ["numpy==2.4.6", "MuJoCo>=3 ; python_version > '3'", 'wandb==0.31.0; extra == "wandb"']
    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(metadata, "requires", lambda _: required)


def compare(tmp_path: Path, *pins: str) -> dict[str, Any]:
    (tmp_path / "requirements.lock").write_text("# numpy==1.0\n" + "".join(f"{pin}\n" for pin in pins))
    found = locks.compare(tmp_path / "requirements.lock")
    assert found is not None and found["file"] == str(tmp_path / "requirements.lock")
    return found


def test_what_agrees_is_only_counted(tmp_path: Path, installed: None) -> None:
    hashed = "numpy==2.4.6 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11"
    found = compare(tmp_path, hashed, "torch==2.13.0", "typing_extensions==4.1 ; python_version < '4'")
    assert (found["compared"], found["differences"]) == (3, {})


def test_differences_are_told(tmp_path: Path, installed: None) -> None:
    found = compare(tmp_path, "numpy==2.4.5", "torch==2.14.0", "Typing.Extensions==4.1")
    assert found["differences"] == {
        "numpy": {"installed": "2.4.6", "locked": "2.4.5"},
        "torch": {"installed": "2.13.0+cpu", "locked": "2.14.0"},
    }


def test_a_missing_package_counts_where_it_is_needed(tmp_path: Path, installed: None) -> None:
    found = compare(tmp_path, "wandb==0.31.0", "mujoco==4.0.0", "unheard-of==1.0")
    assert found["compared"] == 1
    assert found["differences"] == {"mujoco": {"installed": None, "locked": "4.0.0"}}


def test_the_lock_is_found_beside_the_package_or_where_one_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    checkout = Path(__file__).parents[2] / "containers" / "requirements.lock"
    assert locks.find() == checkout
    monkeypatch.setattr(locks, "_PACKAGE", tmp_path / "site-packages" / "mimicrl")
    assert locks.find() is None and locks.compare() is None
    (tmp_path / "containers").mkdir()
    (tmp_path / "containers" / "requirements.lock").write_text("")
    assert locks.find() == tmp_path / "containers" / "requirements.lock"


def test_all_packages_that_are_needed_are_in_the_real_lock() -> None:
    found = locks.compare()
    assert found is not None and found["compared"] > 20
    assert {"numpy", "mujoco", "torch"} <= locks._required()
    assert not {"wandb", "pytest"} & locks._required()
