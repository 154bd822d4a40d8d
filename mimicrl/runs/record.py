"""The base of all records: frozen, with a strict way to read a file, and a lenient one for those who only look on."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any, ClassVar, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from mimicrl import artifacts
from mimicrl.errors import ArtifactError, ConfigError


class Record(BaseModel):
    """The content of a file; keys that it does not know are left out when it is read."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="ignore", allow_inf_nan=False, use_attribute_docstrings=True
    )

    MADE_BY: ClassVar[str] = "the verb that writes it"
    """The command that makes the file again."""

    @classmethod
    def read(cls, path: Path, *, made_by: str = "") -> Self:
        """Read a file.

        Args:
            path: The file.
            made_by: The command that makes it again, for the errors.

        Raises:
            ArtifactError: It is missing or damaged.
            ConfigError: An older version of the program made it.
        """
        made_by = made_by or cls.MADE_BY
        try:
            return cls.parse(path.read_bytes(), path, made_by=made_by)
        except OSError as error:
            raise ArtifactError(
                "a file of the run cannot be read", where=path, got=error.strerror, fix=f"make it with {made_by}"
            ) from error

    @classmethod
    def parse(cls, data: bytes, path: Path, *, made_by: str = "") -> Self:
        """Return the content of the file at `path`; see `read`."""
        again = f"make it again with {made_by or cls.MADE_BY}"
        form = "JSON" if path.suffix == ".json" else "YAML"
        try:
            # The parser in C is three times as fast as the strict one for what people write.
            loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
            content = json.loads(data) if form == "JSON" else loader(data).get_single_data()
        except (ValueError, RecursionError, yaml.YAMLError) as error:
            raise ArtifactError(f"not valid {form}", where=path, got=" ".join(str(error).split()), fix=again) from error
        if "format" in cls.model_fields and isinstance(content, dict) and "format" not in content:
            raise ConfigError("made by an older version of mimicrl", where=path, fix="use another folder for results")
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"]))
            raise ArtifactError(
                "a file of the run is damaged",
                where=path,
                got=f"{field}: {first['msg']}" if field else first["msg"],
                fix=again,
            ) from error

    @classmethod
    def find(cls, path: Path) -> Self | None:
        """Return the content of a file, or None if it is missing, damaged or of an older version."""
        try:
            return cls.read(path)
        except (ArtifactError, ConfigError):
            return None

    @classmethod
    def find_last(cls, path: Path) -> Self | None:
        """Return the last whole row of a file of JSON lines, or None if no such row can be read."""
        try:
            return cls.parse(path.read_bytes().split(b"\n")[-2], path.with_suffix(".json"))
        except (ArtifactError, ConfigError, IndexError, OSError):
            return None

    @classmethod
    def refuse_older(cls, path: Path) -> None:
        """Refuse a file of an older version of the program. A file that is missing or damaged may be written again.

        Raises:
            ConfigError: An older version of the program made the file.
        """
        with contextlib.suppress(ArtifactError):
            cls.read(path)

    def as_json(self) -> dict[str, Any]:
        """Return the content of the file."""
        return self.model_dump(mode="json")

    def to_bytes(self) -> bytes:
        """Return the content as the bytes of a file."""
        return artifacts.json_bytes(self.as_json())

    def write(self, path: Path) -> None:
        """Write the file atomically."""
        artifacts.write_bytes(path, self.to_bytes())
