"""The configuration's JSON schemas, for editors: ``python -m mimicrl.config.schema workflow/schemas``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from mimicrl.config.models import RunSections, StudyConfig

MODELS = {"study": StudyConfig, "experiment": RunSections}


def schemas() -> dict[str, str]:
    """Return the text of each schema by file name."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {
        f"{name}.schema.json": json.dumps(dialect | model.model_json_schema(), indent=2, ensure_ascii=False) + "\n"
        for name, model in MODELS.items()
    }


def main() -> None:
    """Write the schemas into the folder named on the command line."""
    for name, text in schemas().items():
        (Path(sys.argv[1]) / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
