"""Machine-level code: tested against the readable reference in the notebook that uses it."""
