"""Rubrics written by a model: what it is shown, how its drafts are read, and the gates that they pass."""
