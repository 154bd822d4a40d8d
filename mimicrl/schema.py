"""What all sections of the configuration share: strictness, the kinds of values, and what a result depends on.

A fingerprint of a configuration must forget what is off, or every feature that is ever added would train all earlier
studies again. So a section says when it `is_off`, a field added later says which value equals life before it
(`Neutral`), and a field that changes no result says that, too (`NO_RESULT`).
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"

Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Seeds = Annotated[tuple[Seed, ...], Field(min_length=1)]


@dataclass(frozen=True)
class Neutral:
    """Marks a field by the value at which everything is as it was before the field existed.

    ``lead_s: Annotated[float, Neutral(0.0)] = 0.02`` may be added to any section: at 0 it leaves fingerprints alone.
    """

    value: Any


NO_RESULT = object()
"""Marks a field, as in ``Annotated[…, NO_RESULT]``, that changes no result, so that a fingerprint leaves it out."""


class Section(BaseModel):
    """A part of the configuration: immutable, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _as_python_says_it(cls, values: Any) -> Any:
        """Take from Python what YAML allows, too: lists where tuples are meant, and NumPy's whole numbers."""
        return {name: _plain(value) for name, value in values.items()} if isinstance(values, dict) else values

    @property
    def is_off(self) -> bool:
        """Whether the section does nothing, whatever its other values say."""
        return False


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_plain, value))
    return int(value) if isinstance(value, Integral) and not isinstance(value, bool) else value


def essence(section: Section) -> dict[str, Any]:
    """Return what of a section results depend on, as JSON can hold it.

    Left out are fields that change no result, fields at their neutral value, and sections that are off.
    """
    found = {}
    values = section.model_dump(mode="json")
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        neutral = next((mark for mark in field.metadata if isinstance(mark, Neutral)), None)
        if NO_RESULT in field.metadata or (neutral is not None and value == neutral.value):
            continue
        if not isinstance(value, Section):
            found[name] = values[name]
        elif not value.is_off:
            found[name] = essence(value)
    return found
