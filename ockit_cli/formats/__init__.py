"""File formats, read with bounds and written exactly: GGUF."""
