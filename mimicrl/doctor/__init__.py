"""What this machine can do, told before hours are spent on it."""

from mimicrl.doctor.findings import Findings, examine
from mimicrl.doctor.lines import describe

__all__ = ["Findings", "describe", "examine"]
