"""The report: a study on one page that needs no network, no script and no other file."""
