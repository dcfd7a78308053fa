"""Training a net as a solver file says."""
