"""Torch modules for what Caffe means and torch does not; each imports only torch.

`ops.NAME` loads the file it is in when first asked for, by the rule that `InnerProduct` is in
`inner_product.py`.
"""

import pkgutil
from functools import cache
from importlib import import_module
from typing import Any


@cache
def _files() -> dict[str, str]:
    return {m.name.replace("_", ""): m.name for m in pkgutil.iter_modules(__path__)}


def __getattr__(name: str) -> Any:
    """Return the op called `name`."""
    file = _files().get(name.lower())
    if file is None:
        raise AttributeError(f"no op is called {name}")
    return getattr(import_module(f"{__name__}.{file}"), name)
