"""One file per group of ONNX operators; each is found by being here."""
