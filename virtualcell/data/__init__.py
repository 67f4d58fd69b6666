"""Read, annotate and check what a team has measured; public data by name"""
from ..namespaces import open_room

__all__ = open_room(__name__, {
    "datasets": ("data_digest", "fetch", "list_datasets",),
    "dialects": ("apply_mapping", "guess_mapping",),
    "guides": ("assign_guides",),
    "knowledge": ("coverage", "gene_ontology", "machinery_score", "read_knowledge",),
    "quality": ("CellLimits", "flag_cells", "flag_guides", "flag_table", "screen_quality", "separation",),
    "readers": ("read_10x", "read_h5ad",),
    "schema": ("check_cells", "set_status", "status_table", "trainable",),
})
