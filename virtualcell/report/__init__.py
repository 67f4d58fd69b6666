"""Templates, parameters, self-contained pages"""
from ..namespaces import open_room

__all__ = open_room(__name__, {
    "render": ("run_report", "show_record", "show_results", "show_table", "template_parameters", "templates",),
})
