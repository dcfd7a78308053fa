"""Nets as PyTorch source, and as programs that torch itself exports."""
