"""Findings become a `Report` (plain data), and a report becomes a string: text, HTML or JSON."""
