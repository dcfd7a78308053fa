"""Nets as ONNX files."""
