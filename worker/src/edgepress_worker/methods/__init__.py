"""The compression methods, one module per method; see `registry`."""

from edgepress_worker.methods.method import Material
from edgepress_worker.methods.stage import run_stage

__all__ = ["Material", "run_stage"]
