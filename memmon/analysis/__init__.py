"""Pure judgements over a History: no store, no clock, no psutil."""
