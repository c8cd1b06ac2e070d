"""One thin module a command: options in, a call of the layer below, output out."""
