"""What is feasible, trusted and wanted: interventions, readouts, the program"""
from ..namespaces import open_room

__all__ = open_room(__name__, {
    "context": ("Context",),
    "delivery": ("Delivery", "Option",),
    "goal": ("Goal", "SafetyLimit",),
    "intervention": ("Intervention", "Part", "parse",),
    "program": ("Budget", "Limits", "Program", "check",),
    "readout": ("Readout",),
})
