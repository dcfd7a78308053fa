"""Nets as PyTorch programs."""
