"""Measures Edgepress against what its work must cost; prints a table. ``make bench``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

# As pytest has it: fakes are shared with the tests.
sys.path.insert(0, str(Path(__file__).parents[1]))

_MEASURES = (
    "packing",
    "input_pipeline",
    "compression",
    "channels",
    "quick",
    "evaluation",
    "latency",
    "coded",
    "scheduling",
    "status",
    "idle",
    "streams",
    "fleet",
    "trials",
)


def main() -> None:
    """Runs the measures named on the command line, or all."""
    chosen = sys.argv[1:] or list(_MEASURES)
    unknown = set(chosen) - set(_MEASURES)
    if unknown:
        sys.exit(f"no measure {', '.join(sorted(unknown))}; accepted: {', '.join(_MEASURES)}")
    for name in chosen:
        for figure in importlib.import_module(name).measure():
            print(figure.line(), flush=True)  # noqa: T201 - this is its output


if __name__ == "__main__":
    main()
