"""Interactive design in the notebook"""
from ..namespaces import open_room

__all__ = open_room(__name__, {
    "designer": ("ScreenDesigner",),
})
