"""Rows: readers of uploaded formats, the canonical rows file, draws and jitter."""
