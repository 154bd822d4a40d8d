"""What results depend on: an added feature that is off leaves fingerprints alone."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import create_model

from mimicrl.schema import NO_RESULT, Neutral, NonNegative, Section, essence


class Bonus(Section):
    weight: NonNegative = 0.0
    scale: float = 1.0

    @property
    def is_off(self) -> bool:
        return self.weight == 0


class Early(Section):
    length: int = 3
    widths: tuple[int, ...] = (1, 2)


class Late(Early):
    lead_s: Annotated[float, Neutral(0.0)] = 0.02
    cores: Annotated[int, NO_RESULT] = 1
    bonus: Bonus = Bonus()


def test_what_results_depend_on_is_plain_json() -> None:
    assert essence(Early()) == {"length": 3, "widths": [1, 2]}


def test_a_neutral_value_is_life_before_the_field() -> None:
    assert essence(Late(lead_s=0.0)) == essence(Early())


def test_another_value_than_the_neutral_one_counts() -> None:
    assert essence(Late())["lead_s"] == 0.02


@pytest.mark.parametrize("cores", [1, 8])
def test_a_field_without_effect_never_counts(cores: int) -> None:
    assert "cores" not in essence(Late(cores=cores))


@pytest.mark.parametrize("scale", [0.1, 1.0, 30.0])
def test_a_section_that_is_off_is_left_out_whole(scale: float) -> None:
    assert "bonus" not in essence(Late(bonus=Bonus(scale=scale)))


def test_a_section_that_is_on_counts_with_its_values() -> None:
    assert essence(Late(bonus=Bonus(weight=0.5)))["bonus"] == {"weight": 0.5, "scale": 1.0}


def test_another_default_is_another_life() -> None:
    changed = create_model("Changed", __base__=Early, length=(int, 4))
    assert essence(changed()) != essence(Early())
