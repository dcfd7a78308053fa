"""Comparing what computes one net: netdef in two precisions, onnxruntime, exported modules."""
