"""The public detection benchmark: run `python -m benchmarks.detection` from the checkout."""
