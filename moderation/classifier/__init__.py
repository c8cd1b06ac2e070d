"""The embedded back end: the encoder that comes with ockit, tuned, and linear heads on its vectors; no torch."""
