"""Which settings of an experiment differ from the defaults, and what they mean."""

from __future__ import annotations

from typing import Any, NamedTuple, get_args

from mimicrl.analysis.formatting import NOTHING, value
from mimicrl.config import ExperimentConfig


class Setting(NamedTuple):
    """A setting that differs from its default, all as text."""

    key: str
    value: str
    default: str
    meaning: str


def changed_settings(experiment: dict[str, Any]) -> list[Setting]:
    """Return the settings of an experiment of ``study.yaml`` that differ from the schema's defaults.

    A value left out of the file is None. The parameters of plugins are all listed, as a report runs no plugin and so
    does not know their defaults.
    """
    sections = ExperimentConfig().model_dump(mode="json", exclude={"use", "seeds"})
    defaults = _flat({name: section for name, section in sections.items() if name in experiment})
    given = _flat({name: section for name, section in experiment.items() if name in sections})
    return [
        Setting(
            key=key,
            value=value(given.get(key)),
            default=value(defaults[key]) if key in defaults else NOTHING,
            meaning=_meaning(key) or "Not a built-in setting: a plugin's parameter.",
        )
        for key in {**defaults, **given}
        if given.get(key) != defaults.get(key)
    ]


def _flat(tree: dict[str, Any], above: str = "") -> dict[str, Any]:
    leaves: dict[str, Any] = {}
    for key, content in tree.items():
        leaves |= _flat(content, f"{above}{key}.") if isinstance(content, dict) else {f"{above}{key}": content}
    return leaves


def _meaning(key: str) -> str:
    """Return the schema's description of a key such as ``mdp.rewards.pose.scale``, empty for an unknown key."""
    model: Any = ExperimentConfig
    meaning = ""
    for part in key.split("."):
        kinds = get_args(model) or (model,)  # the kinds of action, of which one has the field
        field = next((kind.model_fields[part] for kind in kinds if part in getattr(kind, "model_fields", {})), None)
        if field is None:
            return ""
        model, meaning = field.annotation, (field.description or "").replace("`", "")
    return meaning
