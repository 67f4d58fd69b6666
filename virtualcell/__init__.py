"""A virtual cell lab: constraints, data, models, virtual screens and the loop, in notebooks

Modules:

- `virtualcell.kernels.tcell`: Exact stochastic simulation of the T-cell commitment model, compiled by numba."""

__version__ = "0.0.1"
