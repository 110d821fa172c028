"""``make fuzz``: sends 10,000 requests, 10,000 coded files and 1,000 inputs of each other kind, or other numbers."""

import argparse
import logging
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

# As pytest has it: fakes are shared with the tests.
sys.path.insert(0, str(Path(__file__).parents[1]))

from fakes.coded_fuzzer import CodedFuzzer
from fakes.fuzzer import Fuzzer
from fakes.gateway_app import sqlite_gateway
from fakes.input_fuzzer import InputFuzzer
from fakes.worker_fuzzer import WorkerFuzzer


def main() -> None:
    """Fails at the first answer that should not be."""
    arguments = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    arguments.add_argument("--requests", type=int, default=10_000)
    arguments.add_argument("--inputs", type=int, default=1_000)
    arguments.add_argument("--coded", type=int, default=5_000)
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
    with tempfile.TemporaryDirectory() as name:
        gateway = sqlite_gateway(Path(name), host="0.0.0.0", max_upload_bytes=4 << 20)
        fuzzer = InputFuzzer(gateway, asked.seed)
        fuzzer.send(asked.inputs)
        gateway.database.close()
    for kind, statuses in fuzzer.statuses.items():
        _print(kind, statuses)
    with tempfile.TemporaryDirectory() as name:
        worker = WorkerFuzzer(Path(name), asked.seed)
        worker.send(asked.inputs)
    coded = CodedFuzzer(asked.seed)
    coded.send(asked.coded)
    for kind, outcomes in (worker.outcomes | coded.outcomes).items():
        _print(kind, outcomes)
    print(f"in {time.monotonic() - began:.0f} s, with seed {asked.seed}")  # noqa: T201


def _print(kind: str, counted: "Counter[int] | Counter[str]") -> None:
    print(f"{counted.total()} {kind}: " + ", ".join(f"{what}: {count}" for what, count in sorted(counted.items())))  # noqa: T201


if __name__ == "__main__":
    main()
