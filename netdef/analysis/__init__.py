"""What a net costs: parameters, operations and memory, per layer and in total."""

from netdef.analysis.columns import Column, columns, headline, notes
from netdef.analysis.figures import Figures
from netdef.analysis.layer_row import LayerRow
from netdef.analysis.render_text import render_text, table_lines
from netdef.analysis.summary import Summary, summarize
from netdef.analysis.to_dict import to_dict

__all__ = [
    "Column",
    "Figures",
    "LayerRow",
    "Summary",
    "columns",
    "headline",
    "notes",
    "render_text",
    "summarize",
    "table_lines",
    "to_dict",
]
