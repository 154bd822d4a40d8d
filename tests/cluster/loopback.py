"""A real Slurm of one node on the loopback address, and studies that Snakemake runs on it through the slurm profile."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import images
import yaml
from snakemake_calls import ROOT

from mimicrl import faultpoints
from mimicrl.runs import Run
from mimicrl.training.reporting.json_lines import read_json_lines

PROFILE = ["--workflow-profile", str(ROOT / "workflow" / "profiles" / "slurm")]
# The cluster of the profile has hundreds of jobs, file systems that lag, and hours.
HASTE = ["--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "10"]
SMOKE = yaml.safe_load((ROOT / "configs" / "smoke.yaml").read_text())
LIMIT_S = 600.0


class Job(NamedTuple):
    """A job that Slurm knows of."""

    number: str
    state: str
    what: str


def available() -> None:
    """Skip where there can be no Slurm, with the reason."""
    if os.geteuid() != 0:
        images.unavailable("a Slurm for tests takes root")
    if not all(map(shutil.which, ("slurmctld", "slurmd", "munged"))):
        images.unavailable("Slurm is not installed: apt-get install slurm-wlm munge")


def up(folder: Path) -> None:
    done = ci("slurm-up", folder)
    assert done.returncode == 0, done.stdout


def down(folder: Path) -> None:
    ci("slurm-down", folder)
    # Of a container that was killed, what kept its image mounted: a session of its own, which this Slurm does not see.
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            orphan = "squashfuse_ll) S 1 " in (process / "stat").read_text()
            if orphan and images.IMAGE in [file.readlink() for file in (process / "fd").iterdir()]:
                os.kill(int(process.name), signal.SIGTERM)


def ci(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    # Into a file: the daemons keep the output open, and who reads a pipe would wait for them.
    with (folder.parent / f"{script}.txt").open("w+") as output:
        command = [str(ROOT / ".ci" / script), str(folder)]
        done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, timeout=120, text=True)
        output.seek(0)
        return subprocess.CompletedProcess(command, done.returncode, output.read())


def slurm(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout


def jobs() -> list[Job]:
    """All jobs, also those that are done, as the profile's status command sees them."""
    lines = slurm("squeue", "--noheader", "--states=all", "--sort=i", "--format=%i|%T|%k").splitlines()
    return [Job(*line.split("|", 2)) for line in lines]


def details(number: str) -> dict[str, str]:
    """What Slurm tells of a job, by name."""
    return dict(re.findall(r"(\w+)=(\S*)", slurm("scontrol", "show", "job", number)))


def wait_for(condition: Callable[[], Any], told: Callable[[], str] = str) -> Any:
    """Return what a condition gives as soon as it gives anything."""
    end = time.monotonic() + LIMIT_S
    while not (found := condition()):
        assert time.monotonic() < end, f"it never came:\n{told()}"
        time.sleep(0.1)
    return found


class Study:
    """A smoke study in a folder; its trainers can be held at a fault point until `release`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.go = folder, folder / "home", folder / "go"
        self.home.mkdir(exist_ok=True)

    def write(self, **changes: Any) -> None:
        content = SMOKE | {"image": str(images.IMAGE), "container": "required"} | changes
        (self.folder / "study.yaml").write_text(yaml.safe_dump(content))

    def run(self, seed: int) -> Run:
        return Run(self.folder / f"results/smoke/walk/seed_{seed}")

    def start(self, *words: str, hold: str | None = None) -> subprocess.Popen[str]:
        """Start Snakemake; ``hold`` is a fault point with its action, for all trainers."""
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--nocolor"]
        command += ["--configfile", "study.yaml", *PROFILE, *HASTE, *words]
        environment = os.environ | images.ENVIRONMENT | {"HOME": str(self.home)}
        if hold is not None:
            held = {faultpoints.VARIABLE: hold, faultpoints.GO: self.go.name}
            environment |= {f"APPTAINERENV_{name}": value for name, value in held.items()}
        for name in ("XDG_CACHE_HOME", "APPTAINER_CONFIGDIR"):
            environment.pop(name, None)
        with (self.folder / "output.txt").open("w") as output:
            return subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=output, stderr=subprocess.STDOUT, text=True
            )

    def finish(self, process: subprocess.Popen[str]) -> int:
        try:
            return process.wait(LIMIT_S)
        finally:
            process.kill()

    @property
    def output(self) -> str:
        return (self.folder / "output.txt").read_text()

    def by_hand(self, seed: int, hold: str) -> subprocess.Popen[str]:
        """Start a trainer that Slurm does not know of; return when it is held."""
        held = {faultpoints.VARIABLE: hold, faultpoints.GO: self.go.name}
        options = [word for name, value in held.items() for word in ("--env", f"{name}={value}")]
        command = ["apptainer", "exec", "--cleanenv", *options, "--home", str(self.folder), str(images.IMAGE)]
        with (self.folder / "by_hand.txt").open("w") as output:
            trainer = subprocess.Popen(
                [*command, "mimicrl", "train", str(self.run(seed).path)],
                cwd=self.folder,
                env=os.environ | images.ENVIRONMENT,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
            )
        told = (self.folder / "by_hand.txt").read_text
        wait_for(lambda: trainer.poll() is not None or "stall at" in told(), told)
        assert trainer.poll() is None, told()
        return trainer

    def log(self, seed: int) -> str:
        file = self.run(seed).path / "logs" / "train.log"
        return file.read_text() if file.exists() else ""

    def slurm_log(self, number: str) -> str:
        (file,) = (self.folder / ".snakemake" / "slurm_logs").rglob(f"{number}.log")
        return file.read_text()

    def attempts(self, seed: int) -> list[dict[str, Any]]:
        return read_json_lines(self.run(seed).training.attempts_file)

    def weights(self, seed: int) -> bytes:
        return (self.run(seed).policy_directory("final") / "policy.safetensors").read_bytes()
