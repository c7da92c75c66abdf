"""History: what the analysis judges."""
