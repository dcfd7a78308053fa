"""The layer types, one file each; `netdef.catalog` imports those that a net needs."""
