"""What an operator's converter raises when no layers compute the same."""

from typing import NoReturn


class Unsupported(Exception):
    """A node that has no Caffe meaning; the text is the reason, half a sentence."""


def refuse(reason: str) -> NoReturn:
    """End the conversion of a node.

    Raises:
        Unsupported: Always.
    """
    raise Unsupported(reason)
