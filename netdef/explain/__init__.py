"""Explanation: which parts of an image an answer comes from, and what a blob knows of it."""
