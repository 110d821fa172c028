"""A short run of what ``make fuzz`` does at length."""

from pathlib import Path

import pytest

from fakes.fuzzer import Fuzzer
from fakes.gateway_app import sqlite_gateway


@pytest.mark.slow
def test_no_request_is_answered_with_a_fault_or_with_another_users_data(tmp_path: Path) -> None:
    """One by one and in sequences, over every operation."""
    gateway = sqlite_gateway(tmp_path, host="0.0.0.0")
    figures = Fuzzer(gateway, seed_=1).send(300)
    assert figures.requests >= 300
    assert figures.stateful >= 50
    assert {200, 404, 422} <= set(figures.statuses)
    paths = gateway.client_as("x", "read").get("/openapi.json").json()["paths"]
    described = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert set(figures.operations) == described
