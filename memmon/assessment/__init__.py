"""The one value that says everything about a source at one time, and how it comes about; every face is drawn from it."""
