"""How far runs are, from the files they leave: no lock is taken, no trainer is disturbed, nothing heavy is imported."""

from mimicrl.status.reading import RunStatus, is_over, read
from mimicrl.status.table import table

__all__ = ["RunStatus", "is_over", "read", "table"]
