"""Pictures: one palette, one function per result, each with units, n and interval"""
from ..namespaces import open_room

__all__ = open_room(__name__, {
    "canvas": ("figure", "rule"),
    "cells": ("colony", "lineage_tree", "network", "radial_profile"),
    "distributions": ("box", "histogram", "null_qq"),
    "effects": ("forest", "heatmap", "predicted_vs_measured", "volcano"),
    "lines": ("calibration_curve", "coverage", "curves", "hits_curve", "time_course"),
    "models": ("posterior", "scorecard"),
    "palette": ("colour_map", "colour_of", "colours_for"),
    "screens": ("pareto", "ranking"),
    "tables": ("bars", "before_after", "composition", "quality", "scatter"),
})
