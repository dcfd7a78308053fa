"""The update rules, one file each; torch is imported when one is asked for."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netdef.training.rules.update_rule import UpdateRule

TYPES = ("SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam", "AdamW")
"""What a solver's `type` can be: all of Caffe's, and AdamW. Each is in the file of its name."""

WITHOUT_MOMENTUM = ("AdaGrad", "RMSProp")
"""Those that have no use for `momentum`; the reference refuses it."""


def rule_of(type: str) -> "type[UpdateRule]":
    """Return the class of an update rule."""
    return getattr(import_module(f"{__name__}.{type.lower()}"), type)
