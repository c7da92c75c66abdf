"""Run memmon's command line: `python -m memmon`."""
