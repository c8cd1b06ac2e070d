"""Readers: a file of any kind to a `Document`, in a child process with limits."""
