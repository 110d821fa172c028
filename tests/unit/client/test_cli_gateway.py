"""Which gateway commands ask, and what they say when it doesn't answer."""

import httpx
import pytest

from fakes.command_line import run_command
from fakes.job_gateway import FakeGateway, make_job


def test_no_gateway_is_exit_code_3() -> None:
    """The message names the address and the ways out."""
    ran = run_command(FakeGateway(is_unavailable=True), ["jobs", "--gateway", "http://box:1234"])

    assert ran.exit_code == 3
    assert "no gateway answers at http://box:1234" in ran.err
    assert "edgepress up" in ran.err


def test_a_gateway_that_cant_answer_now_is_exit_code_3() -> None:
    """After a 503 the same request may succeed later."""
    gateway = FakeGateway()
    gateway.refuse("GET", "/v1/jobs/job-1", 503, title="Service unavailable", detail="no Redis")

    ran = run_command(gateway, ["show", "job-1"])

    assert (ran.exit_code, "no Redis" in ran.err) == (3, True)


def test_another_server_than_a_gateway_is_recognized() -> None:
    """An answer that a gateway does not send is not accepted."""
    gateway = FakeGateway(answers={("GET", "/v1/jobs"): httpx.Response(200, text="<html>")})

    ran = run_command(gateway, ["jobs"])

    assert ran.exit_code == 3
    assert "is not that of an Edgepress gateway" in ran.err


def test_an_address_that_is_none_is_refused() -> None:
    """A forgotten http:// is said to be just that."""
    ran = run_command(FakeGateway(), ["jobs", "--gateway", "localhost:8000"])

    assert (ran.exit_code, "accepted: http://host:port" in ran.err) == (2, True)


def test_the_environment_names_gateway_and_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """EDGEPRESS_GATEWAY and EDGEPRESS_TOKEN are heeded; a path in the address stays."""
    monkeypatch.setenv("EDGEPRESS_GATEWAY", "https://press.example/edge")
    monkeypatch.setenv("EDGEPRESS_TOKEN", "secret")
    answer = httpx.Response(200, content=make_job(state="cancelled").model_dump_json())
    gateway = FakeGateway(answers={("POST", "/edge/v1/jobs/job-1/cancel"): answer})

    assert run_command(gateway, ["cancel", "job-1"]).exit_code == 0
    assert str(gateway.requests[0].url) == "https://press.example/edge/v1/jobs/job-1/cancel"
    assert gateway.requests[0].headers["authorization"] == "Bearer secret"
