"""Folding old rows, pruning, room on the disk."""
