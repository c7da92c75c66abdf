"""Histories out of memmon and into it: CSV, JSON Lines, Parquet, OpenMetrics, other recorders' logs."""
