"""Plots: figures as PNG files. The only package that imports matplotlib."""
