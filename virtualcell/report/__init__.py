"""Templates, parameters, self-contained pages"""
from ..namespaces import open_room

__all__ = open_room(__name__, {
    "answer": ("Answer",),
    "parameters": ("template_parameters", "templates",),
    "render": ("run_report",),
    "show": ("show_record", "show_results", "show_table",),
})
