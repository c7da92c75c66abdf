"""Histories out of memmon: CSV, JSON Lines, Parquet, OpenMetrics, and the metrics of what is recorded now."""
