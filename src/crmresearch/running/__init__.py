"""Composes it all: which studies can run, papermill, cache, locks, editions."""
