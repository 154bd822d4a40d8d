"""The terminal prints what it is told, and its reader may go away."""

from __future__ import annotations

import io

from mimicrl.training.reporting.terminal import Terminal


def test_the_terminal_prints_markup_as_it_is(tiny, capsys) -> None:
    terminal = Terminal(tiny(), 0)
    terminal.say("got [red]3[/red] of [4, 5]")
    terminal.update(3, "detail")  # without a terminal there is no bar
    terminal.close()
    assert capsys.readouterr().err == "got [red]3[/red] of [4, 5]\n"


def test_a_reader_that_goes_away_silences_the_terminal(tiny) -> None:
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    terminal = Terminal(tiny(), 0)
    terminal.console.file = Gone()
    terminal.say("one")
    terminal.say("two")
    assert terminal.console.quiet
