"""Walking folders: which files belong into an index, and why others do not."""
