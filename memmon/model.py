"""Values that travel between layers."""
