"""One turn, start to end: which model, which prompt, does it fit, generate, save."""
