"""Rows and columns as options."""

from typing import Any

import click


class SizeOption(click.ParamType):
    """HxW, or one number for both."""

    name = "HxW"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Return rows and columns."""
        rows, x, columns = str(value).lower().partition("x")
        columns = columns if x else rows
        if not (rows.isdecimal() and columns.isdecimal() and int(rows) and int(columns)):
            self.fail(f"{value!r} is not of the form 224x224 (rows x columns) or 224", param, ctx)
        if max(int(rows), int(columns)) > _LARGEST:
            self.fail(f"more than {_LARGEST} rows or columns", param, ctx)
        return int(rows), int(columns)


_LARGEST = 16384
