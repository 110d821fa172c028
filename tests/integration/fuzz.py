"""``make fuzz``: sends 10,000 requests, or as many as are asked for, and prints how they were answered."""

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path

# As pytest has it: fakes are shared with the tests.
sys.path.insert(0, str(Path(__file__).parents[1]))

from fakes.fuzzer import Fuzzer
from fakes.gateway_app import sqlite_gateway


def main() -> None:
    """Fails at the first answer that should not be."""
    arguments = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    arguments.add_argument("--requests", type=int, default=10_000)
    arguments.add_argument("--seed", type=int, default=0)
    asked = arguments.parse_args()
    logging.disable(logging.WARNING)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        gateway = sqlite_gateway(Path(name), host="0.0.0.0")
        figures = Fuzzer(gateway, asked.seed).send(asked.requests)
        gateway.database.close()
    seconds = time.monotonic() - began
    print(f"{figures.requests} requests, {figures.stateful} of them in sequences, in {seconds:.0f} s")  # noqa: T201
    print("  " + ", ".join(f"{status}: {count}" for status, count in sorted(figures.statuses.items())))  # noqa: T201
    print(f"  {len(figures.operations)} operations; no fault, nothing undescribed, nothing of another user's")  # noqa: T201


if __name__ == "__main__":
    main()
