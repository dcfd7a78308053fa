"""Prediction: images in, classes, detections or features out."""
