"""Pages and figures about a motion: what is shown before anything is trained."""
