"""A short run of what ``make fuzz`` does at length."""

from pathlib import Path

import pytest

from fakes.fuzzer import Fuzzer
from fakes.gateway_app import sqlite_gateway
from fakes.input_fuzzer import InputFuzzer
from fakes.worker_fuzzer import WorkerFuzzer


@pytest.mark.slow
def test_no_request_is_answered_with_a_fault_or_with_another_users_data(tmp_path: Path) -> None:
    """One by one and in sequences, over every operation."""
    gateway = sqlite_gateway(tmp_path, host="0.0.0.0")
    figures = Fuzzer(gateway, seed_=1).send(300)
    assert figures.requests >= 300
    assert figures.stateful >= 50
    assert {200, 403, 404, 422} <= set(figures.statuses)
    paths = gateway.client_as("x", "read").get("/openapi.json").json()["paths"]
    described = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert set(figures.operations) == described


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_hostile_inputs_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    """Archives, .keras files, specs, requests for events and results of a device; see `InputFuzzer` for the checks."""
    gateway = sqlite_gateway(tmp_path, host="0.0.0.0", max_upload_bytes=4 << 20)
    fuzzer = InputFuzzer(gateway, seed=1)
    fuzzer.send(40)
    assert [statuses.total() for statuses in fuzzer.statuses.values()] == [40] * 5
    assert {kind for kind, statuses in fuzzer.statuses.items() if statuses[422]} == set(fuzzer.statuses)
    assert min(fuzzer.statuses["archives"][201], fuzzer.statuses["models"][201], fuzzer.statuses["results"][204]) > 0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_worker_refuses_or_processes_any_upload(tmp_path: Path) -> None:
    """Archives and .keras files that no gateway has checked; see `WorkerFuzzer` for the checks."""
    fuzzer = WorkerFuzzer(tmp_path, seed=1)
    fuzzer.send(25)
    assert [outcomes.total() for outcomes in fuzzer.outcomes.values()] == [25] * 2
    assert all(outcomes["refused"] and outcomes["accepted"] for outcomes in fuzzer.outcomes.values())
