"""Rules of the whole project: short files, no code from data files, one lock that agrees with pyproject."""

from __future__ import annotations

import ast
import importlib.util
import re
import tomllib
from pathlib import Path

import groups
import pytest
import yaml as pyyaml

from mimicrl import yaml

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "containers" / "requirements.lock"
MAX_LINES = 400

CODE_CARRIERS = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
UNSAFE_ARGUMENTS = {("allow_pickle", True), ("shell", True), ("weights_only", False)}


def files(*folders: str, endings: tuple[str, ...]) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*") if path.name.endswith(endings))


def unsafe(code: str) -> list[str]:
    """What in `code` runs, or could run, what a data file says."""
    tree = ast.parse(code)
    found = []
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module or "")
    found += [f"import {name}" for name in sorted(imported) if name.split(".")[0] in CODE_CARRIERS]
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = ast.unparse(call.func)
        loads_yaml = "yaml" in imported and name.startswith("yaml.") and "load" in name and name != "yaml.safe_load"
        if loads_yaml or name in {"eval", "exec", "os.system"}:
            found.append(ast.unparse(call))
        found += [
            f"{word.arg}={word.value.value}"
            for word in call.keywords
            if isinstance(word.value, ast.Constant) and (word.arg, word.value.value) in UNSAFE_ARGUMENTS
        ]
    return found


def locked() -> dict[str, list[str]]:
    """The pins of the lock, `name==version`, each with its hashes."""
    pins: dict[str, list[str]] = {}
    for line in LOCK.read_text().replace("\\\n", "").splitlines():
        if not line.startswith("#"):
            pin, *hashes = line.split()
            pins[normal(pin)] = hashes
    return pins


def normal(pin: str) -> str:
    name, version = re.sub(r"\[.*?\]", "", pin).split("==")
    return f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}"


def test_every_file_reads_in_one_sitting() -> None:
    paths = files("mimicrl", "tests", "benchmarks", "workflow", endings=(".py", ".smk", "Snakefile"))
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in paths}
    assert len(lengths) > 40
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from cloudpickle import loads",
        "def f():\n    import pickle",
        "eval(text)",
        "exec(text)",
        "os.system(text)",
        "np.load(path, allow_pickle=True)",
        "torch.load(path, weights_only=False)",
        "subprocess.run(text, shell=True)",
        "import yaml\nyaml.load(text, yaml.Loader)",
        "import yaml\nyaml.unsafe_load(text)",
    ],
)
def test_unsafe_code_is_found(code: str) -> None:
    assert len(unsafe(code)) == 1


@pytest.mark.parametrize(
    "code",
    [
        "policy.eval()",
        "np.load(path)",
        "torch.load(path, weights_only=True)",
        "import yaml\nyaml.safe_load(text)",
        '"""No pickle, no eval(x)."""',
    ],
)
def test_safe_code_is_left_alone(code: str) -> None:
    assert unsafe(code) == []


def test_data_files_run_no_code() -> None:
    found = {str(path.relative_to(ROOT)): set(unsafe(path.read_text())) for path in files("mimicrl", endings=(".py",))}
    # The one exception is a safe loader by inheritance.
    assert {name: calls for name, calls in found.items() if calls} == {
        "mimicrl/yaml.py": {"yaml.load(text, _StrictLoader)"}
    }
    assert issubclass(yaml._StrictLoader, pyyaml.SafeLoader)


def test_the_lock_holds_every_direct_dependency_at_its_pin() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    direct = [*project["dependencies"], *(pin for extra in project["optional-dependencies"].values() for pin in extra)]
    assert {normal(pin) for pin in direct} - locked().keys() == set()


def test_all_packages_but_torch_are_locked_by_hash() -> None:
    unhashed = [pin for pin, hashes in locked().items() if not hashes]
    assert [pin.split("==")[0] for pin in unhashed] == ["torch"]


def test_the_lock_names_no_source_and_no_gpu_package() -> None:
    text = LOCK.read_text()
    pins = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    assert "://" not in text
    assert re.findall(r"^-.*|.* @ .*|.*\+.*|^(?:nvidia|triton|cuda|mimicrl).*", pins, re.MULTILINE) == []


def test_the_citation_is_of_this_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = pyyaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])


def test_git_ignores_results_but_keeps_their_explanation() -> None:
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {"/results/*", "!/results/README.md", ".venv/"} <= set(ignored)


def test_help_lists_every_verb() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE) == phony[0].split()


def test_what_the_container_imports_is_there() -> None:
    definition = (ROOT / "containers" / "mimicrl.def").read_text()
    imports = re.findall(r"from (mimicrl\S*) import ([\w, ]+)", definition)
    assert len(imports) > 1
    for module, names in imports:
        for name in names.split(", "):
            found = importlib.import_module(module)
            assert hasattr(found, name) or importlib.util.find_spec(f"{module}.{name}"), f"{module} has no {name}"


def test_groups_and_slow_tests_are_there() -> None:
    assert [name for name in (*groups.GROUPS, *groups.SLOW) if not (groups.TESTS / name).exists()] == []


@pytest.mark.parametrize("folder", ["cluster", "container"])
def test_what_shares_slurm_or_the_image_runs_in_one_process(folder: str) -> None:
    assert {groups.group_of(file.relative_to(groups.TESTS)) for file in (groups.TESTS / folder).glob("test_*.py")} == {
        "machine"
    }
