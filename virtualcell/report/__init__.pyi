# Written by tools/help.py: what this package loads on first use

from .answer import Answer as Answer
from .parameters import template_parameters as template_parameters, templates as templates
from .render import run_report as run_report
from .show import show_record as show_record, show_results as show_results, show_table as show_table
