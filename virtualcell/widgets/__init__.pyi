# Written by tools/help.py: what this package loads on first use

from .designer import ScreenDesigner as ScreenDesigner
