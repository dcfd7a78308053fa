"""Passes over the IR: each takes a net and returns a new one, with its findings inside."""
