"""Changing what a run's JSON files say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DROP = object()


def edit_json(path: Path, **changes: Any) -> None:
    """Set values; `DROP` removes the key."""
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not DROP}))
