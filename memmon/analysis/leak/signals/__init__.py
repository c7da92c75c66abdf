"""Several signals, one verdict: the parts of memory that the allocators count, each judged as the whole is."""
