"""ONNX files as nets: reading, tidying up, and one layer or a few for every operator."""
