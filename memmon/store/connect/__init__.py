"""Engines, sessions, write-ahead log, files; database errors told as memmon's."""
