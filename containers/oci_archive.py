"""Wrap the tar of a root file system as an OCI archive of one layer: ``python oci_archive.py ROOT.tar ARCHIVE.tar``.

The layout is that of the OCI image specification 1.0: every blob is named by its SHA-256, ``index.json`` names the
manifest, and the manifest names configuration and layer.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path
from typing import Any

_TYPE = "application/vnd.oci.image"
_BLOBS = "blobs/sha256"


def write(root: Path, archive: Path) -> None:
    """Write the archive whole or not at all.

    Args:
        root: Tar of the root file system, not compressed.
        archive: The file to write.
    """
    with root.open("rb") as file:
        layer = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    configuration = _json(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"]},
            "rootfs": {"type": "layers", "diff_ids": [layer]},
        }
    )
    layers = [{"mediaType": f"{_TYPE}.layer.v1.tar", "digest": layer, "size": root.stat().st_size}]
    manifest = _json(_versioned(f"{_TYPE}.manifest.v1+json", config=_blob("config", configuration), layers=layers))
    index = _json(_versioned(f"{_TYPE}.index.v1+json", manifests=[_blob("manifest", manifest)]))
    unfinished = archive.with_name(f"{archive.name}.unfinished")
    with tarfile.open(unfinished, "w") as tar:
        for folder in ("blobs", _BLOBS):  # Apptainer does not make the folders of files
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        _add(tar, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        _add(tar, "index.json", index)
        for content in (configuration, manifest):
            _add(tar, f"{_BLOBS}/{hashlib.sha256(content).hexdigest()}", content)
        tar.add(root, f"{_BLOBS}/{layer.removeprefix('sha256:')}")
    unfinished.replace(archive)


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode()


def _versioned(kind: str, **content: Any) -> dict[str, Any]:
    return {"schemaVersion": 2, "mediaType": kind, **content}


def _blob(kind: str, content: bytes) -> dict[str, Any]:
    """Return how a document is named by another one."""
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return {"mediaType": f"{_TYPE}.{kind}.v1+json", "digest": digest, "size": len(content)}


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
