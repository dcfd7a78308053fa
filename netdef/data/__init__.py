"""Where batches come from: sources, the transformer, the loader, the shape probe, and data tools.

Nothing is imported here, so that asking a database for its shape costs no numpy and no torch.
"""
