"""Analysis: from the files of a study to its tables, figures and report; reads files only."""
