"""The user's terminal."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from mimicrl.config import RunConfig
from mimicrl.console import DETAIL


class _Console(Console):
    """A console whose reader may go away: training goes on without it."""

    def on_broken_pipe(self) -> None:
        """Fall silent instead of ending the process."""
        self.quiet = True


class Terminal:
    """Tells the user what runs and how far it is: lines, and a live bar below them on a terminal.

    Args:
        config: The run.
        start: Samples at the start.
    """

    def __init__(self, config: RunConfig, start: int) -> None:
        self.console = _Console(stderr=True, highlight=False, soft_wrap=True)
        self._total = config.training.total_timesteps
        self._bar: Progress | None = None
        if self.console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=16),
                TaskProgressColumn(),
                TimeRemainingColumn(compact=True),
                TextColumn("{task.fields[detail]}"),
                console=self.console,
            )
            name = f"{config.experiment} seed {config.seed}"
            self._task = self._bar.add_task(name, total=self._total, completed=start, detail="")
            self._bar.start()

    def update(self, samples: int, detail: str) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.update(self._task, completed=min(samples, self._total), detail=detail)

    def say(self, text: str) -> None:
        """Print a line, above the bar where there is one."""
        self.console.print(text, markup=False)

    def detail(self, text: str) -> None:
        """Print a line that only a log needs; on a terminal it is a line like any other."""
        self.say(text if self._bar is not None else DETAIL + text)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._bar is not None:
            self._bar.stop()
