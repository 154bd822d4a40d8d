"""What an experiment sets to other values than the defaults, and what that means."""

from __future__ import annotations

from typing import Any, get_args

from mimicrl.analysis import text
from mimicrl.config import ExperimentConfig


def changed(experiment: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what an experiment of ``study.yaml`` sets to other values than the schema's defaults.

    Returns:
        ``key``, ``value``, ``default`` and ``meaning`` of each, as text. A value left out of the file is None there.
    """
    sections = ExperimentConfig().model_dump(mode="json", exclude={"use", "seeds"})
    defaults = _flat({name: section for name, section in sections.items() if name in experiment})
    given = _flat({name: section for name, section in experiment.items() if name in sections})
    keys = [key for key in {**defaults, **given} if given.get(key) != defaults.get(key)]
    return [
        {
            "key": key,
            "value": text.value(given.get(key)),
            "default": text.value(defaults.get(key)),
            "meaning": _meaning(key),
        }
        for key in keys
    ]


def _flat(tree: dict[str, Any], above: str = "") -> dict[str, Any]:
    leaves: dict[str, Any] = {}
    for key, value in tree.items():
        leaves |= _flat(value, f"{above}{key}.") if isinstance(value, dict) else {f"{above}{key}": value}
    return leaves


def _meaning(key: str) -> str:
    """Return what the schema says of a key such as ``mdp.rewards.pose.scale``; nothing of a key it does not know."""
    model: Any = ExperimentConfig
    meaning = ""
    for part in key.split("."):
        kinds = get_args(model) or (model,)  # of terms that one key chooses between, any that has the field
        field = next((kind.model_fields[part] for kind in kinds if part in getattr(kind, "model_fields", {})), None)
        if field is None:
            return ""
        model, meaning = field.annotation, (field.description or "").replace("`", "")
    return meaning
