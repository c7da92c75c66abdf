"""The version of what memmon prints as JSON."""

from __future__ import annotations

JSON_SCHEMA_VERSION = 2
"""It rises when a name changes its meaning or goes away; new names may come at any time."""
