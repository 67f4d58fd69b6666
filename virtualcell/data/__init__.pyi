# Written by tools/help.py: what this package loads on first use

from .datasets import data_digest as data_digest, fetch as fetch, list_datasets as list_datasets
from .dialects import apply_mapping as apply_mapping, guess_mapping as guess_mapping
from .guides import assign_guides as assign_guides
from .knowledge import coverage as coverage, gene_ontology as gene_ontology, machinery_score as machinery_score, read_knowledge as read_knowledge
from .quality import CellLimits as CellLimits, flag_cells as flag_cells, flag_guides as flag_guides, flag_table as flag_table, screen_quality as screen_quality, separation as separation
from .readers import read_10x as read_10x, read_h5ad as read_h5ad
from .schema import check_cells as check_cells, set_status as set_status, status_table as status_table, trainable as trainable
