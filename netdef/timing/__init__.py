"""How long each layer of a net takes."""
