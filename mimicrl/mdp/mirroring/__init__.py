"""Mirroring methods: how the symmetry of walking enters learning. Each file of this folder but `base` is one.

The name of the file is what `mdp.mirroring` takes. Nothing lists the methods again.
"""

from __future__ import annotations

import functools

from mimicrl import discovery
from mimicrl.mdp.mirroring.base import Mirroring


@functools.cache
def methods() -> dict[str, Mirroring]:
    """Return the mirroring methods by name."""
    return {name: method() for name, method in discovery.one_per_file(Mirroring, __name__).items()}


def description() -> str:
    """Return what the configuration says about its choice, with the first sentence about each method."""
    about = (f"{name}: {(type(method).__doc__ or '').splitlines()[0]}" for name, method in methods().items())
    return " ".join(["How the symmetry of walking enters learning.", *about])
