"""Comparison of jobs: their measurements of the same pipeline and export, and the differences of their specs."""
