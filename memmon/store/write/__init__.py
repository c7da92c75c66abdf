"""Writing batches; how runs ended."""
