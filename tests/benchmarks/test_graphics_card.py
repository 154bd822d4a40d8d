from __future__ import annotations

import pytest
import torch

from benchmarks import graphics_card


def test_without_a_card_there_is_nothing_to_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit, match="no graphics card"):
        next(graphics_card.tables(quick=True))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no graphics card")
def test_the_short_version_compares_processor_and_card(quick) -> None:
    preset, wide, updates = quick("graphics_card").tables
    assert updates["rows"][0]["the card, µs a sample"]["median"] > 0
    assert (
        [row["stack"] for row in preset["rows"]]
        == [row["stack"] for row in wide["rows"]]
        == ["the processor", "the card"]
    )
