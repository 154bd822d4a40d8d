"""The command line, ``mimicrl VERB …``: a module for the verbs of each thing there is."""

from mimicrl.cli.app import main

__all__ = ["main"]
