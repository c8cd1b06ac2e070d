"""Which models there are, where their files lie, and whether one fits this machine."""
