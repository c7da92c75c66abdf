"""Histories in: JSON Lines, CSV, logs of other profilers."""
