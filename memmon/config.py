"""Settings (ground layer)."""
