"""Comparison of jobs: their measurements of the same pipeline and export, the differences of their specs, and names."""
