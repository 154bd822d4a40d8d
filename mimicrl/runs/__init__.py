"""Studies and runs on the disk.

What lies where (`layout`), what the files hold (`records`, `summary`), whose they are (`identity`, `fingerprint`), who
may write (`lock`), how far a run is (`state`), and where results come from (`provenance`, `container`).
"""

from mimicrl.runs.layout import Checkpoint, Run, Study

__all__ = ["Checkpoint", "Run", "Study"]
