"""What a reader sees of a study in the default profile: few lines, all of them named, and every error."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from snakemake_calls import ROOT, snakemake
from support import PLUGIN, TINY

from mimicrl import console
from mimicrl.config.loading import deep_merge

PROFILE = ["--workflow-profile", str(ROOT / "workflow" / "profiles" / "default")]
# It fails in training, where there are four simulations; `init` tries a term with other numbers of rows.
FAILS = PLUGIN.replace(
    "return view.action\n",
    "if view.state.phase.shape[0] == 4:\n            raise RuntimeError('later')\n        return view.action\n",
)


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """The folder, the exit code and the output of a study of two experiments, of which one fails in training."""
    folder = tmp_path_factory.mktemp("console")
    good = deep_merge(TINY, {"training": {"total_timesteps": 1024}})
    bad = TINY | {"mdp": {"observations": {"last_action": {"enabled": True}}}}
    content = {"study": "tiny", "seeds": [1], "video": False, "plugins": ["terms.py"]}
    content["experiments"] = {"good": good, "bad": bad}
    (folder / "study.yaml").write_text(yaml.safe_dump(content))
    (folder / "terms.py").write_text(FAILS)
    return folder, *snakemake(folder, *PROFILE)


def test_a_training_prints_a_few_named_lines_and_its_log_has_all(printed: tuple[Path, int, str]) -> None:
    folder, _, output = printed
    log = (folder / "results/tiny/good/seed_1/logs/train.log").read_text().splitlines()
    evaluations = [line for line in log if " samples: " in line and line.startswith(console.DETAIL)]
    assert len(evaluations) == 1024 // TINY["evaluation"]["eval_freq"]
    shown = [line for line in log if not line.startswith(console.DETAIL) and "runs code of" not in line]
    assert len(shown) <= 8
    assert shown[0] == "trains tiny/good/seed_1: 1,024 samples"
    assert [line.split(":")[0] for line in shown[1:]] == ["25 %", "50 %", "75 %", "falls"]
    assert [line for line in shown if f"good/seed_1: {line}" not in output.splitlines()] == []
    assert console.DETAIL not in output


def test_a_failing_job_is_shown_with_its_error_and_its_log(printed: tuple[Path, int, str]) -> None:
    _, code, output = printed
    assert code == 1
    told = [line for line in output.splitlines() if "mimicrl train: a plugin failed" in line]
    assert len(told) == 3, "each attempt"
    assert all(line.startswith("bad/seed_1: ") for line in told)
    assert "RuntimeError: later" in told[0]
    assert "Error in rule train:" in output
    assert "log: results/tiny/bad/seed_1/logs/train.log (check log file(s) for error details)" in output


def test_snakemake_does_not_account_for_each_job(printed: tuple[Path, int, str]) -> None:
    _, _, output = printed
    assert "rule init:" not in output
    assert "Select jobs to execute" not in output
    assert "Finished jobid" not in output
