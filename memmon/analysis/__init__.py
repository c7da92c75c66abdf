"""Pure judgements over a History: no store, no clock, no psutil.

The line under each constant says what it is, in which unit, and where it comes from: a source, a convention,
or one of two words. "Tuned": set while the rule around it was tried on simulated histories (the tuning seeds of
benchmarks/detection, never the seeds that its tables show). "Chosen": set by reasoning, for the effect that is
named; nothing is known that would forbid a neighbouring value.
"""
