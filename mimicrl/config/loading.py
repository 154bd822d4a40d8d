"""Turns YAML files into validated models. All errors of a file are reported at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, PydanticUserError, ValidationError

from mimicrl import yaml
from mimicrl.config import plugins
from mimicrl.config.models import RENAMED, Models, RunConfig, RunSections, StudyConfig, composed
from mimicrl.errors import ConfigError
from mimicrl.mdp.config import composed as mdp_composed
from mimicrl.mdp.terms import Term
from mimicrl.yaml import Location

Model = TypeVar("Model", bound=BaseModel)


def load_study(path: Path) -> StudyConfig:
    """Read and check a study file, and merge in the presets that experiments `use`.

    Raises:
        ConfigError: Something is wrong. `problems` lists all errors, one line each.
    """
    data, lines = yaml.load(path)
    models = _models(data, path, path.parent)
    experiments, problems = data.get("experiments"), []
    if isinstance(experiments, dict):
        for name, experiment in experiments.items():
            try:
                experiments[name] = _with_preset(path, experiment, models)
            except ConfigError as error:
                problems += error.problems or (str(error),)
    return _validate(models.study, data, path, lines, tuple(problems))


def load_run(path: Path) -> RunConfig:
    """Read and check a run's resolved configuration.

    Raises:
        ConfigError: Something is wrong.
    """
    data, lines = yaml.load(path)
    return _validate(_models(data, path, path.parent / plugins.FOLDER).run, data, path, lines)


def resolve(study: StudyConfig, experiment: str, seed: int, overrides: Iterable[str] = ()) -> RunConfig:
    """Return the resolved configuration of one run.

    Args:
        study: The study.
        experiment: Name of one of its experiments.
        seed: Seed of the run. The study need not list this seed.
        overrides: Settings in the form ``key.path=value``, where the value is YAML.

    Raises:
        ConfigError: There is no such experiment, or an override is wrong.
    """
    if experiment not in study.experiments:
        near = difflib.get_close_matches(experiment, study.experiments, 1)
        raise ConfigError(
            "no such experiment",
            where=f"study {study.study}",
            got=experiment,
            expected=f"one of {', '.join(study.experiments)}",
            fix=f"did you mean {near[0]}?" if near else "",
        )
    chosen, sections = study.experiments[experiment], set(RunSections.model_fields)
    data: dict[str, Any] = chosen.model_dump(mode="json", include=sections)
    # The default speed is left out, so that an override may set a file.
    data["motion"] = chosen.motion.model_dump(mode="json", exclude_unset=True)
    data |= {"study": study.study, "experiment": experiment, "seed": seed, "plugins": list(study.plugins)}
    for override in overrides:
        _apply(data, override)
    return _validate(composed(type(chosen.mdp)).run, data, Path("--set"), {})


def deep_merge(base: dict[str, Any], update: dict[str, Any]) -> dict[str, Any]:
    """Return `base` with the values of `update`. Mappings of the same kind are merged. Everything else is replaced."""
    if update.get("kind", base.get("kind")) != base.get("kind"):
        return update
    merged = dict(base)
    for key, value in update.items():
        old = merged.get(key)
        merged[key] = deep_merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _with_preset(study: Path, experiment: Any, models: Models) -> Any:
    if experiment is None:
        return {}
    if not isinstance(experiment, dict) or not isinstance(experiment.get("use"), str):
        return experiment
    preset = study.parent / experiment["use"]
    data, lines = yaml.load(preset)
    _validate(models.sections, data, preset, lines)
    return deep_merge(data, experiment)


def _models(data: dict[str, Any], path: Path, folder: Path) -> Models:
    """Return the types for the content of a file, which may name plugins in `folder`."""
    names = data.get("plugins") or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return composed()  # the validation by these types says what is wrong
    modules = plugins.load(names, folder)
    try:
        return composed(mdp_composed(*modules))
    except (PydanticUserError, TypeError, ValueError) as error:  # for example, two terms have the same name
        problem = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise ConfigError("the plugins' terms do not fit", where=path, got=problem, fix="correct the plugin") from error


def _apply(data: dict[str, Any], override: str) -> None:
    key, sign, text = override.partition("=")
    if not sign:
        raise ConfigError("an override needs a value", where="--set", got=override, expected="key.path=value")
    *parents, last = key.strip().split(".")
    if key.strip() in ("study", "experiment", "seed", "plugins"):
        raise ConfigError("an override may not make it another run", where="--set", got=override)
    place = data
    for parent in parents:
        place = place.setdefault(parent, {})
        if not isinstance(place, dict):
            raise ConfigError("an override goes through a value", where="--set", got=override)
    value = yaml.parse(text)
    if last == "kind" and place.get("kind") != value:
        place.clear()  # the values of another kind do not fit
    place[last] = value


def _validate(
    model: type[Model], data: dict[str, Any], path: Path, lines: dict[Location, int], earlier: tuple[str, ...] = ()
) -> Model:
    """Check `data`. Raise one error with all problems, including those found `earlier`."""
    problems = earlier
    try:
        valid = model.model_validate_json(yaml.as_json(data, path))
        if not problems:
            return valid
    except ValidationError as error:
        problems += tuple(_describe(model, problem, path, lines) for problem in error.errors())
    if len(problems) == 1:
        raise ConfigError(problems[0])
    raise ConfigError(
        f"{len(problems)} errors in the configuration", problems=problems, where=path, fix="correct the lines above"
    )


def _describe(model: type[BaseModel], problem: Any, path: Path, lines: dict[Location, int]) -> str:
    location: Location = tuple(part for part in problem["loc"] if part != "[key]")
    line = next((lines[location[:n]] for n in range(len(location), 0, -1) if location[:n] in lines), None)
    where = f"{path}:{line}" if line else str(path)
    key = ".".join(map(str, location))
    renamed = next((new for old, new in RENAMED.items() if f".{key}".endswith(f".{old}")), None)
    if problem["type"] == "extra_forbidden" and renamed:
        return f"{where} {key}: unknown key — it is called {renamed} now"
    if problem["type"] == "extra_forbidden":
        fields = _fields_at(model, location[:-1])
        near = difflib.get_close_matches(str(location[-1]), fields, 1)
        hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(fields)}"
        return f"{where} {key}: unknown key — {hint}"
    message = problem["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    got = problem.get("input")
    silent = isinstance(got, dict | list | tuple) or problem["type"] in ("missing", "value_error")
    shown = "" if silent else f" — got {got!r}"
    return f"{where} {key}: {message}{shown}" if key else f"{where}: {message}{shown}"


def _fields_at(model: Any, location: Location) -> list[str]:
    """Return the field names of the model at a path of keys."""
    for part in location:
        fields = getattr(model, "model_fields", None)
        if fields is not None:
            model = fields[part].annotation
        else:  # a union of terms: take the term that `part` names; a dict[str, X]: take X
            kinds = get_args(model)
            terms = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Term)]
            model = next((term for term in terms if term.name() == part), kinds[-1])
    return list(model.model_fields)
