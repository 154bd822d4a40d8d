"""What a folder holds is found by looking into it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mimicrl import discovery, protocols
from mimicrl.protocols import Protocol


@pytest.mark.parametrize(("content", "count"), [("", 0), ("class A(Protocol): ...\nclass B(Protocol): ...", 2)])
def test_a_file_holds_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, count: int) -> None:
    define = "from mimicrl.protocols.standard import Standard as Protocol\n"
    (tmp_path / f"defines_{count}.py").write_text(define + content)
    monkeypatch.setattr(protocols, "__path__", [*protocols.__path__, str(tmp_path)])
    with pytest.raises(TypeError, match=rf"defines_{count}\.py must define one Protocol, got {count}$"):
        discovery.one_per_file(Protocol, "mimicrl.protocols")
