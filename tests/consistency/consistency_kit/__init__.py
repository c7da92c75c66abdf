"""What the consistency test stands on: histories in a real store, readers of every surface, the comparison."""
