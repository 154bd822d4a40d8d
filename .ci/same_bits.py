"""Does this version compute what an earlier one did? ``python .ci/same_bits.py --study configs/demo.yaml``.

Clones both commits into temporary folders, runs one study in each with the packages of this environment, and compares
weights by hash, and episodes and tables by value. What was renamed in between stands in the tables below.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
# What may differ: times, places, and the names of code and of training states.
VARYING = (
    *("train_seconds", "evaluation_seconds", "training_seconds", "cpu_seconds", "seconds"),
    *("fingerprint", "code_sha256", "lock_sha256", "container", "host", "cpu", "mixed"),
)
# Columns: old name → new name, by table.
RENAMED: dict[str, dict[str, str]] = {
    "evaluations.parquet": {"imitation_reward": "reward", "stable": "stable_episodes"},
    "metrics.parquet": {"eval/imitation_reward": "eval/reward", "eval/stable": "eval/stable_episodes"},
    "runs.parquet": {"stable": "stable_episodes"},
    "experiments.parquet": {"stable": "stable_episodes"},
}
# Columns that are not compared to the bit, with the largest relative difference: evaluations in training used to sum
# the joint error episode by episode, and now do it joint by joint, as the tables always did.
ROUNDED: dict[str, dict[str, float]] = {
    "evaluations.parquet": {"joint_error_deg": 1e-14},
    "metrics.parquet": {"eval/joint_error_deg": 1e-14},
}


def main() -> int:
    """Run both and compare; return 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--old", default="40e378e")
    parser.add_argument("--new", default="HEAD")
    parser.add_argument("--study", default="configs/smoke.yaml", help="its path in both commits")
    parser.add_argument("--keep", type=Path, help="folder for the results, else temporary")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        old, new = (_results(folder / name, getattr(options, name), options.study) for name in ("old", "new"))
        lines = [line for comparison in (_policies, _tables) for line in comparison(old, new)]
    print(*lines, sep="\n")
    differing = [line for line in lines if not line.startswith("equal")]
    print(
        f"{options.old} and {options.new}, {options.study}: {len(lines) - len(differing)} equal, {len(differing)} not"
    )
    return 1 if differing or not lines else 0


def _results(clone: Path, commit: str, study: str) -> Path:
    """Run a study in a clone of a commit; return the folder of its results."""
    if not clone.exists():
        subprocess.run(["git", "clone", "--quiet", "--shared", ROOT, clone], check=True)
        # A branch's name means this checkout's, which the clone knows as another.
        wanted = subprocess.run(
            ["git", "rev-parse", commit], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.strip()
        subprocess.run(["git", "checkout", "--quiet", wanted], cwd=clone, check=True)
    environment = os.environ | {"PYTHONPATH": str(clone), "MIMICRL_ALLOW_HOST": "1"}
    command = [Path(sys.executable).with_name("snakemake"), "--cores", "2", "--quiet", "all", "--configfile", study]
    subprocess.run(command, cwd=clone, env=environment, check=True, stdout=sys.stderr)
    return next(path.parent for path in (clone / "results").glob("*/study.yaml"))


def _runs(study: Path) -> list[Path]:
    return sorted(path.parent.relative_to(study) for path in study.glob("*/seed_*/outcome.json"))


def _policies(old: Path, new: Path) -> list[str]:
    lines = []
    for run in sorted({*_runs(old), *_runs(new)}):
        for name in ("init", "best", "final"):
            file = run / "policies" / name / "policy.safetensors"
            found = [_sha256(study / file) for study in (old, new)]
            lines.append(f"{_verdict(found[0] == found[1] != 'missing')} {file} {' '.join(h[:16] for h in found)}")
    return lines


def _tables(old: Path, new: Path) -> list[str]:
    per_run = [
        run / name for run in _runs(old) for name in ("episodes.parquet", "evaluations.parquet", "metrics.parquet")
    ]
    files = [*per_run, Path("tables/runs.parquet"), Path("tables/experiments.parquet")]
    return [line for file in files for line in _table(old / file, new / file, file)]


def _table(old: Path, new: Path, name: Path) -> list[str]:
    before, after = pd.read_parquet(old), pd.read_parquet(new)
    renamed, rounded = RENAMED.get(name.name, {}), ROUNDED.get(name.name, {})
    lines = []
    columns = [column for column in map(str, before.columns) if not _varies(column)]
    for column in columns:
        wanted = renamed.get(column, column)
        if wanted not in after:
            lines.append(f"LACKS {name} {column} → {wanted}")
        elif column in rounded:
            if not np.allclose(before[column], after[wanted], rtol=rounded[column], atol=0, equal_nan=True):
                lines.append(f"DIFFERS {name} {column}: {list(before[column])} {list(after[wanted])}"[:300])
        elif not _same(before[column], after[wanted]):
            lines.append(f"DIFFERS {name} {column} → {wanted}: {list(before[column])} {list(after[wanted])}"[:300])
    within = f", {', '.join(rounded)} within rounding" if rounded else ""
    return lines or [f"equal {name}: {len(before)} rows, {len(columns)} columns{within}"]


def _varies(column: str) -> bool:
    return any(column == name or column.startswith(f"{name}_") or column.endswith(f"/{name}") for name in VARYING) or (
        column in ("time/fps", "time/time_elapsed")
    )


def _same(before: pd.Series, after: pd.Series) -> bool:
    """Return whether two columns hold the same values, to the last bit where they are numbers."""
    return _values(before) == _values(after)


def _values(column: pd.Series) -> list[Any]:
    """Return a column's values as such that compare equal: None for whatever is not there."""
    plain = (value.tolist() if isinstance(value, np.ndarray) else value for value in column)
    return [value if isinstance(value, list) or pd.notna(value) else None for value in plain]


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "missing"


def _verdict(equal: bool) -> str:
    return "equal" if equal else "DIFFERS"


if __name__ == "__main__":
    sys.exit(main())
