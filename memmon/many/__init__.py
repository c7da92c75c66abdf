"""Many processes: the same judgement over any executor, pooled series."""
