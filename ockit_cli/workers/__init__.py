"""Child processes and the pipe to them. Nothing here knows a model."""
