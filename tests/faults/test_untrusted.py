"""Files from someone else: they can neither run code nor reach out of the run's folders."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from stage_calls import train

from mimicrl import artifacts
from mimicrl.config import load_run, load_study
from mimicrl.errors import ArtifactError, ConfigError, MimicError, MotionError, WalkerError
from mimicrl.motions import MotionClip, formats
from mimicrl.policy import Policy
from mimicrl.runs import Run
from mimicrl.walkers import Walker, library


class Bomb:
    """What unpickles to a file that should not be there."""

    def __init__(self, canary: Path) -> None:
        self._canary = canary

    def __reduce__(self) -> Any:
        return Path.write_text, (self._canary, "someone else's code ran")


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    return tmp_path / "canary"


@pytest.fixture
def bomb(canary: Path) -> bytes:
    """A pickle that leaves the canary, and does so when it is loaded."""
    data = pickle.dumps(Bomb(canary))
    pickle.loads(data)
    assert canary.exists()
    canary.unlink()
    return data


def zipped(bomb: bytes, *names: str) -> bytes:
    """An archive as PyTorch and Stable-Baselines3 write it, each entry a bomb."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, bomb)
    return content.getvalue()


@pytest.mark.fault(13)
@pytest.mark.parametrize("disguise", ["plain", "torch", "stable-baselines3"])
def test_a_policy_that_is_a_pickle_is_refused_unread(copied_run: Run, bomb: bytes, canary: Path, disguise: str) -> None:
    entries = {"torch": ("archive/data.pkl",), "stable-baselines3": ("data", "policy.pth")}
    weights = bomb if disguise == "plain" else zipped(bomb, *entries[disguise])
    folder = copied_run.policy_directory("final")
    about = artifacts.read_json(folder / "policy.json")
    (folder / "policy.safetensors").write_bytes(weights)
    artifacts.write_json(folder / "policy.json", about | {"weights_sha256": artifacts.sha256(weights)})
    with pytest.raises(ArtifactError, match=r"^a policy's weights cannot be read — .*policy\.safetensors"):
        Policy.load(folder)
    assert not canary.exists()


@pytest.mark.fault(13)
def test_a_checkpoint_that_is_a_pickle_is_refused_unread(copied_run: Run, bomb: bytes, canary: Path) -> None:
    for path in copied_run.training.checkpoints_directory.iterdir():
        manifest = artifacts.read_json(path / "manifest.json")
        for name in manifest["files"]:
            (path / name).write_bytes(bomb)
            manifest["files"][name] = {"bytes": len(bomb), "sha256": artifacts.sha256(bomb)}
        artifacts.write_json(path / "manifest.json", manifest)
    with pytest.raises(ArtifactError, match=r"^no checkpoint can be read"):
        train(copied_run, cores=1)
    assert not canary.exists()


@pytest.mark.fault(13)
@pytest.mark.parametrize("ending", [".npz", ".txt", ".mat"])
def test_a_motion_that_is_a_pickle_is_refused_unread(
    tmp_path: Path, walker: Walker, bomb: bytes, canary: Path, ending: str
) -> None:
    (tmp_path / f"clip{ending}").write_bytes(bomb)
    with pytest.raises(MotionError):
        formats.read(tmp_path / f"clip{ending}", walker)
    assert not canary.exists()


def test_a_clip_with_pickled_objects_is_refused_unread(tmp_path: Path, canary: Path) -> None:
    objects = np.array([Bomb(canary)], dtype=object)
    np.savez(tmp_path / "clip.npz", times_s=objects, name=objects)
    with pytest.raises(MotionError, match="not a motion clip of this project"):
        MotionClip.load(tmp_path / "clip.npz")
    assert not canary.exists()


@pytest.mark.parametrize("load", [load_study, load_run])
@pytest.mark.parametrize(
    "tag",
    ["!!python/object/apply:os.system ['touch {canary}']", "!!python/name:os.system", "!include {canary}", "&a [*a]"],
)
def test_a_configuration_with_yaml_tags_is_refused(tmp_path: Path, canary: Path, load: Any, tag: str) -> None:
    (tmp_path / "study.yaml").write_text(f"study: {tag.format(canary=canary)}\n")
    with pytest.raises(ConfigError):
        load(tmp_path / "study.yaml")
    assert not canary.exists()


NAMES = ["..", "../out", "/etc", "a/b", "a\\b", ".hidden", "-x", "", "a" * 65, "a\nb", "a\n", "a\x00", "a b", "ü", "A"]


@pytest.mark.fault(51)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("what", ["study", "experiment", "walker"])
def test_names_cannot_leave_their_folder(tmp_path: Path, name: str, what: str) -> None:
    experiment = {"walker": {"name": name}} if what == "walker" else {}
    content = {
        "study": name if what == "study" else "fine",
        "experiments": {name if what == "experiment" else "fine": experiment},
    }
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError):
        load_study(tmp_path / "study.yaml")


REACHES_OUT = {
    "an include": ("<worldbody>", '<include file="{secret}"/><worldbody>'),
    "a mesh": ("<asset>", '<asset><mesh name="m" file="{secret}"/>'),
    "a texture": ("<asset>", '<asset><texture name="t" type="2d" file="{secret}"/>'),
    "a height field": ("<asset>", '<asset><hfield name="h" file="{secret}" size="1 1 1 1"/>'),
    "a model": ("<asset>", '<asset><model name="m" file="{secret}"/>'),
    "a plugin": ("<asset>", '<extension><plugin plugin="x"/></extension><asset>'),
    "an entity": ("<mujoco ", '<!DOCTYPE m [<!ENTITY e SYSTEM "file://{secret}">]><mujoco '),
}


@pytest.mark.fault(51)
@pytest.mark.parametrize("what", REACHES_OUT)
def test_a_walkers_mjcf_cannot_reach_for_other_files(tmp_path: Path, what: str) -> None:
    secret = tmp_path / "secret.xml"
    secret.write_text("<mujocoinclude/>")
    before, after = REACHES_OUT[what]
    source = library.bundled("walker3d").xml
    xml = source.replace(before, after.format(secret=secret), 1)
    assert xml != source
    with pytest.raises(WalkerError):
        Walker.from_xml(xml, name="foreign")


@pytest.mark.parametrize("file", ["config.yaml", "motion.npz", "walker/walker.xml", "walker/walker.yaml"])
def test_files_that_were_exchanged_since_init_are_told(copied_run: Run, file: str) -> None:
    with (copied_run.path / file).open("ab") as handle:
        handle.write(b"\n")
    with pytest.raises(MimicError):
        train(Run(copied_run.path), cores=1)


@pytest.mark.fault(52)
def test_no_environment_variable_with_a_secret_is_recorded(
    prepare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WANDB_API_KEY", "MY_TOKEN", "DB_PASSWORD"):
        monkeypatch.setenv(name, "canary-secret")
    run = prepare(tmp_path / "run", training={"total_timesteps": 128})
    train(run, cores=1)
    files = [path for path in run.path.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert [path for path in files if b"canary-secret" in path.read_bytes()] == []
    assert os.environ["MY_TOKEN"] == "canary-secret"
