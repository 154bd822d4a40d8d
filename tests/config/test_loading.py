"""From files to models: presets, overrides, and all errors at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mimicrl import yaml
from mimicrl.config import RunConfig, StudyConfig, load_run, load_study, resolve
from mimicrl.config.models import RENAMED
from mimicrl.errors import ConfigError

MINIMAL = "study: demo\nexperiments:\n  walk: {}\n"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def study(tmp_path: Path, text: str = MINIMAL) -> StudyConfig:
    return load_study(write(tmp_path / "study.yaml", text))


def problems(tmp_path: Path, text: str) -> list[str]:
    """Return the problems of a study, told without its folder."""
    with pytest.raises(ConfigError) as caught:
        study(tmp_path, text)
    return [problem.removeprefix(f"{tmp_path}/") for problem in caught.value.problems or [caught.value.what]]


def test_the_shortest_study_is_all_defaults(tmp_path: Path) -> None:
    run = resolve(study(tmp_path), "walk", 3)
    assert run == RunConfig(study="demo", experiment="walk", seed=3)
    assert study(tmp_path, "study: demo\nexperiments:\n  walk:\n") == study(tmp_path)


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("motion.speed_mps=0.9", "training.total_timesteps=1e6"),
        ("training.learning_rate={kind: exponential, start: 1e-3, end: 1e-5}",),
        ("mdp.action.kind=torque",),
        ("training.net_arch.pi=[64]", "mdp.terminations.tracking.rotation_rad=null"),
    ],
)
def test_a_resolved_run_is_written_and_read_back(tmp_path: Path, overrides: tuple[str, ...]) -> None:
    run = resolve(study(tmp_path), "walk", 3, overrides)
    text = yaml.dump(run.model_dump(mode="json"))
    again = load_run(write(tmp_path / "config.yaml", text))
    assert again == run
    assert yaml.dump(again.model_dump(mode="json")) == text


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("traning: {}", "traning: unknown key — did you mean training?"),
        ("training: {gama: 0.9}", "training.gama: unknown key — did you mean gamma?"),
        (
            "mdp: {rewards: {root: {hight_scale: 1}}}",
            "mdp.rewards.root.hight_scale: unknown key — did you mean height_scale?",
        ),
        *(
            (f"{old.replace('.', ': {')}: 1}}", f"{old}: unknown key — it is called {new} now")
            for old, new in RENAMED.items()
        ),
        ("motion: {xyz: 1}", "motion.xyz: unknown key — known here: speed_mps, file"),
        ("training: {batch_size: 100}", "training: batch_size must divide n_envs × n_steps: 16 × 64 = 1024 is no mu"),
        ("motion: {speed_mps: 3}", "motion.speed_mps: input should be less than or equal to 1.95 — got 3"),
        ("training: {n_envs: 1.5}", "training.n_envs: input should be a valid integer — got 1.5"),
        ("training: 3", "training: input should be an object — got 3"),
        ("training: [3]", "training: input should be an object"),
        ("training: {learning_rate: {start: 1e-3}}", "training.learning_rate.kind: field required"),
    ],
)
def test_a_wrong_line_is_named_with_its_number_and_remedy(tmp_path: Path, line: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        study(tmp_path, f"study: demo\nexperiments:\n  walk:\n    {line}\n")
    assert str(caught.value).startswith(f"{tmp_path}/study.yaml:4 experiments.walk.{problem}")


def test_all_errors_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    text = """\
study: ../demo
sedes: [1]
seeds: [1, -1]
experiments:
  walk:
    motion:
      speed_mps: 3
    training:
      gamma: 2
  Run: {}
"""
    assert [problem.split(":", 2)[:2] for problem in problems(tmp_path, text)] == [
        ["study.yaml", "1 study"],
        ["study.yaml", "3 seeds.1"],
        ["study.yaml", "7 experiments.walk.motion.speed_mps"],
        ["study.yaml", "9 experiments.walk.training.gamma"],
        ["study.yaml", "10 experiments.Run"],
        ["study.yaml", "2 sedes"],
    ]


def test_an_empty_study_misses_its_parts(tmp_path: Path) -> None:
    assert problems(tmp_path, "") == ["study.yaml study: field required", "study.yaml experiments: field required"]


def test_presets_lie_below_what_the_study_says(tmp_path: Path) -> None:
    write(tmp_path / "presets" / "slow.yaml", "motion: {speed_mps: 0.9}\ntraining: {gamma: 0.9, n_envs: 8}\n")
    text = "study: s\nexperiments:\n  walk:\n    use: presets/slow.yaml\n    training: {gamma: 0.95}\n"
    run = resolve(study(tmp_path, text), "walk", 1)
    assert run.motion.speed_mps == 0.9
    assert (run.training.gamma, run.training.n_envs) == (0.95, 8)


def test_errors_of_presets_and_of_the_study_are_told_together(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", "training:\n  gama: 0.9\n  n_envs: 1.5\n")
    text = """\
study: s
seeds: [1, -1]
experiments:
  good: {use: ok.yaml, training: {gama: 1}}
  bad: {use: a.yaml}
  lost: {use: gone.yaml}
  again: {use: b.yaml}
  own:
    motion: {speed_mps: 3}
"""
    write(tmp_path / "b.yaml", "use: a.yaml\n")
    write(tmp_path / "ok.yaml", "training: {n_envs: 8}\n")
    told = problems(tmp_path, text)
    wanted = [
        "a.yaml:3 training.n_envs: input should be a valid integer — got 1.5",
        "a.yaml:2 training.gama: unknown key — did you mean gamma?",
        "cannot read the configuration — ",
        "b.yaml:1 use: unknown key — known here: ",
        "study.yaml:2 seeds.1: ",
        "study.yaml:9 experiments.own.motion.speed_mps: ",
        "study.yaml:4 experiments.good.training.gama: unknown key — did you mean gamma?",
    ]
    assert sorted(told) == sorted(next(line for line in told if line.startswith(start)) for start in wanted)


def test_a_conflict_between_preset_and_study_is_told_at_the_study(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", "training: {batch_size: 256}\n")
    assert problems(tmp_path, "study: s\nexperiments:\n  walk:\n    use: a.yaml\n    training: {n_envs: 2}\n") == [
        "study.yaml:5 experiments.walk.training: batch_size must divide n_envs × n_steps: "
        "2 × 64 = 128 is no multiple of 256"
    ]


def test_later_overrides_win_and_values_are_yaml(tmp_path: Path) -> None:
    run = resolve(
        study(tmp_path), "walk", 1, ["training.gamma=0.9", "training.gamma = 0.95", "logging.tensorboard=false"]
    )
    assert run.training.gamma == 0.95
    assert run.logging.tensorboard is False


@pytest.mark.parametrize("motion", ["{}", "{file: other.npz}"])
def test_an_override_may_name_a_motion_file(tmp_path: Path, motion: str) -> None:
    found = resolve(
        study(tmp_path, f"study: s\nexperiments:\n  walk: {{motion: {motion}}}\n"), "walk", 1, ["motion.file=walk.npz"]
    )
    assert (found.motion.file, found.motion.speed_mps) == ("walk.npz", None)


def test_an_override_by_a_file_beside_a_speed_that_was_given_is_refused(tmp_path: Path) -> None:
    loaded = study(tmp_path, "study: s\nexperiments:\n  walk: {motion: {speed_mps: 1.0}}\n")
    with pytest.raises(ConfigError, match=r"^--set motion: .*speed_mps"):
        resolve(loaded, "walk", 1, ["motion.file=walk.npz"])
    assert resolve(loaded, "walk", 1, ["motion.file=walk.npz", "motion.speed_mps=null"]).motion.file == "walk.npz"


@pytest.mark.parametrize(
    ("override", "text"),
    [
        ("traning.gamma=0.9", "--set traning: unknown key — did you mean training?"),
        ("training.gama=0.9", "--set training.gama: unknown key — did you mean gamma?"),
        ("training.gamma=2", "--set training.gamma: input should be less than or equal to 1 — got 2"),
        ("training.gamma", "an override needs a value — --set — got training.gamma, expected key.path=value"),
        ("training.gamma.x=1", "an override goes through a value — --set — got training.gamma.x=1"),
        ("training.gamma=[", "not a YAML value — --set — got ["),
        *(
            (f"{key}=3", f"an override may not make it another run — --set — got {key}=3")
            for key in ("seed", "study", "experiment", "plugins")
        ),
    ],
)
def test_a_wrong_override_is_refused(tmp_path: Path, override: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(study(tmp_path), "walk", 1, [override])
    assert str(caught.value) == text


@pytest.mark.parametrize(("name", "fix"), [("wlak", "did you mean walk?"), ("zzz", "")])
def test_an_unknown_experiment_is_refused_with_the_nearest(tmp_path: Path, name: str, fix: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(study(tmp_path), name, 1)
    text = f"no such experiment — study demo — got {name}, expected one of walk"
    assert str(caught.value) == text + (f" — {fix}" if fix else "")


def test_reading_a_configuration_imports_nothing_heavy() -> None:
    code = "import sys, mimicrl.config; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "pydantic" in loaded
    assert not {"torch", "mujoco", "pandas", "scipy", "stable_baselines3"} & set(loaded)
