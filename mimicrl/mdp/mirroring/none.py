"""No mirroring: the policy has to learn both legs."""

from __future__ import annotations

from mimicrl.mdp.mirroring.base import Mirroring


class NoMirroring(Mirroring):
    """The policy sees and moves the real world at all times."""
