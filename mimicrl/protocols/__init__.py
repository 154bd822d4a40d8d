"""Protocols: the parameters of evaluations. Each file of this folder but `base` is one.

The name of the file is what ``mimicrl evaluate --protocol`` takes. Nothing lists the protocols again.
"""

from __future__ import annotations

import difflib
import functools

from mimicrl import discovery
from mimicrl.errors import ConfigError
from mimicrl.protocols.base import Protocol
from mimicrl.protocols.standard import Standard

__all__ = ["STANDARD", "Protocol", "Standard", "choose", "found"]

STANDARD = "standard"
"""The protocol of the workflow, whose parameters the configuration holds in `evaluation`."""


@functools.cache
def found() -> dict[str, type[Protocol]]:
    """Return the protocols of this folder by name."""
    return discovery.one_per_file(Protocol, __name__)


def choose(name: str, settings: Standard) -> Protocol:
    """Return a protocol by name: the standard one as the study sets it, another one with its own values.

    Args:
        name: The protocol.
        settings: The section `evaluation` of a run's configuration.

    Raises:
        ConfigError: There is no such protocol.
    """
    if name == STANDARD:
        return settings
    if name not in found():
        near = difflib.get_close_matches(name, found(), 1)
        raise ConfigError(
            "there is no such protocol",
            where="--protocol",
            got=name,
            expected=", ".join(found()),
            fix=f"did you mean {near[0]}?" if near else "",
        )
    return found()[name]()
