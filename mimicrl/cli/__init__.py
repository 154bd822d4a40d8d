"""The command line, ``mimicrl VERB …``. `app` collects all verbs; a group of verbs, such as `motion`, has a module."""

from mimicrl.cli.app import main

__all__ = ["main"]
