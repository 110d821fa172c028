"""The stages: one file per method, one line each in `METHODS`."""

from edgepress_worker.methods.method import Material
from edgepress_worker.methods.stage import METHODS, run_stage

__all__ = ["METHODS", "Material", "run_stage"]
