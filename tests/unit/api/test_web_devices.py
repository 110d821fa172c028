"""The devices' protocol over HTTP, see `edgepress_common.devices`."""

import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from edgepress_common import __version__
from edgepress_common.answers.caller import Caller
from edgepress_common.answers.devices import DeviceList
from edgepress_common.devices import EvaluationLease
from edgepress_common.messages import Progress, StepFailure
from fakes.gateway_app import JSON, GatewayApp, sqlite_gateway
from fakes.jobs import ANNOUNCEMENT, evaluation_result

PROGRESS = Progress(fraction=0.5).model_dump_json()
FAILURE = StepFailure(code="failed", message="no", retryable=True).model_dump_json()
RESULT = evaluation_result("pi4").model_dump_json()


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway with a job whose evaluations can begin."""
    gateway = sqlite_gateway(tmp_path)
    gateway.submit()
    gateway.workforce.finish_all_steps()
    return gateway


def lease(gateway: GatewayApp, device: str = "pi4") -> EvaluationLease:
    """A device asks, and gets a lease."""
    response = gateway.client.post(f"/v1/devices/{device}/lease", content=ANNOUNCEMENT.model_dump_json(), headers=JSON)
    assert response.status_code == 200
    return EvaluationLease.model_validate_json(response.content)


def say(gateway: GatewayApp, lease_: EvaluationLease, verb: str, content: str, device: str = "pi4") -> int:
    """A device says something of its lease; how that is taken."""
    path = f"/v1/devices/{device}/leases/{lease_.step_key}/{lease_.attempt}/{verb}"
    return int(gateway.client.post(path, content=content, headers=JSON).status_code)


def test_a_device_takes_renews_and_finishes(gateway: GatewayApp) -> None:
    """Then the result is the step's; said again, it changes nothing."""
    taken = lease(gateway)
    assert say(gateway, taken, "renew", PROGRESS) == 204
    assert gateway.client.get(f"/v1/steps/{taken.step_key}").json()["progress"]["fraction"] == 0.5
    assert say(gateway, taken, "finish", RESULT) == 204
    assert say(gateway, taken, "finish", RESULT) == 409
    step = gateway.client.get(f"/v1/steps/{taken.step_key}").json()
    assert (step["state"], step["holder"], step["result"]["accuracy"]) == ("succeeded", "pi4", 0.75)


def test_a_device_that_fails_gives_the_step_back(gateway: GatewayApp) -> None:
    """The step is a new attempt for the next device that asks."""
    taken = lease(gateway)
    assert say(gateway, taken, "fail", FAILURE) == 204
    leases = [lease(gateway, "pi5"), lease(gateway, "pi5")]
    assert (taken.step_key, 2) in [(each.step_key, each.attempt) for each in leases]


@pytest.mark.parametrize(("verb", "content"), [("renew", PROGRESS), ("finish", RESULT), ("fail", FAILURE)])
def test_only_the_device_of_a_lease_can_use_it(gateway: GatewayApp, verb: str, content: str) -> None:
    """Refused are another device, an earlier attempt, and a worker's step."""
    taken = lease(gateway)
    assert say(gateway, taken, verb, content, device="pi5") == 409
    assert say(gateway, taken.model_copy(update={"attempt": 2}), verb, content) == 409
    assert say(gateway, taken.model_copy(update={"step_key": "0" * 64}), verb, content) == 409
    gateway.submit(training={"epochs": 7})
    (training,) = gateway.workforce.take()
    workers = taken.model_copy(update={"step_key": training.step_key, "attempt": training.attempt})
    assert say(gateway, workers, verb, content) == 409
    assert gateway.client.get(f"/v1/steps/{taken.step_key}").json()["state"] == "running"


def test_a_request_without_work_waits_for_the_given_time(tmp_path: Path) -> None:
    """The answer is empty."""
    gateway = sqlite_gateway(tmp_path)
    start = time.monotonic()
    response = gateway.client.post(
        "/v1/devices/pi4/lease?wait_seconds=0.4", content=ANNOUNCEMENT.model_dump_json(), headers=JSON
    )
    assert (response.status_code, response.content) == (204, b"")
    assert time.monotonic() - start >= 0.4


def test_a_device_that_waits_gets_what_turns_up(tmp_path: Path) -> None:
    """Long before its time is over."""
    gateway = sqlite_gateway(tmp_path)
    answers = []
    thread = threading.Thread(
        target=lambda: answers.append(
            gateway.client.post(
                "/v1/devices/pi4/lease?wait_seconds=60", content=ANNOUNCEMENT.model_dump_json(), headers=JSON
            )
        )
    )
    thread.start()
    gateway.submit()
    gateway.workforce.finish_all_steps()
    thread.join(timeout=30)
    assert [answer.status_code for answer in answers] == [200]


def test_a_device_that_waits_is_let_go_when_the_server_stops(tmp_path: Path) -> None:
    """With nothing, as if its time were over."""
    gateway = sqlite_gateway(tmp_path)
    gateway.is_stopping = True
    response = gateway.client.post(
        "/v1/devices/pi4/lease?wait_seconds=60", content=ANNOUNCEMENT.model_dump_json(), headers=JSON
    )
    assert response.status_code == 204


@pytest.mark.parametrize("machine", [r"\u0000", r"\ud800"])
def test_what_no_database_can_hold_is_refused(gateway: GatewayApp, machine: str) -> None:
    """Before it is stored, so that the list of devices can always be written."""
    content = ANNOUNCEMENT.model_dump_json().replace("x86_64", machine)
    response = gateway.client.post("/v1/devices/pi4/lease", content=content, headers=JSON)
    assert (response.status_code, response.json()["type"]) == (400, "/problems/malformed-body")
    assert response.json()["detail"].startswith("machine has a character that can't be stored")
    assert "pi4" not in gateway.client.get("/v1/devices").text


def test_devices_are_listed_with_what_they_do(gateway: GatewayApp) -> None:
    """Online for two minutes after they were heard of, which renewing counts as."""
    taken = lease(gateway)
    gateway.now += timedelta(seconds=50)
    assert say(gateway, taken, "renew", PROGRESS) == 204
    gateway.now += timedelta(seconds=100)
    listed = DeviceList.model_validate_json(gateway.client.get("/v1/devices").content)
    assert [(each.name, each.online, each.running) for each in listed.devices] == [("pi", False, 0), ("pi4", True, 1)]
    assert listed.devices[1].announcement == ANNOUNCEMENT
    assert listed.waiting_for_any == 1


@pytest.mark.parametrize(
    ("path", "content", "content_type", "status", "field"),
    [
        ("pi4/lease", '{"machine": "x"}', "application/json", 422, "cores"),
        ("pi4/lease", "[]", "application/json", 422, "body"),
        ("pi4/lease", "", "application/json", 422, "body"),
        ("pi4/lease", "{", "application/json", 400, "body"),
        ("pi4/lease", "{}", "text/plain", 415, "Content-Type"),
        ("pi4/lease?wait_seconds=61", ANNOUNCEMENT.model_dump_json(), "application/json", 422, "wait_seconds"),
        ("Pi%204/lease", ANNOUNCEMENT.model_dump_json(), "application/json", 404, "name"),
        (f"pi4/leases/{'0' * 64}/0/renew", PROGRESS, "application/json", 404, "attempt"),
        (f"pi4/leases/{'0' * 64}/1/renew", '{"fraction": 2}', "application/json", 422, "fraction"),
        (f"pi4/leases/{'0' * 64}/1/finish", RESULT.replace('"runs":4', '"runs":"x"'), "application/json", 422,
         "measurements[0].latency_ms.runs"),
    ],
)  # fmt: skip
def test_wrong_reports_name_what_is_wrong(
    gateway: GatewayApp, path: str, content: str, content_type: str, status: int, field: str
) -> None:
    """The field, as the device wrote it."""
    response = gateway.client.post(f"/v1/devices/{path}", content=content, headers={"Content-Type": content_type})
    assert response.status_code == status
    assert field in [error["field"] for error in response.json()["errors"]]


def _ask(gateway: GatewayApp, **changes: object) -> tuple[int, str]:
    """The answer to a device that is called pi9."""
    content = ANNOUNCEMENT.model_copy(update=changes).model_dump_json()
    answer = gateway.client.post("/v1/devices/pi9/lease", content=content, headers=JSON)
    return answer.status_code, answer.text


def test_a_second_device_of_a_name_is_refused_while_the_first_is_online(gateway: GatewayApp) -> None:
    """The words name both and the way out; later it takes over, and the list says what went by the name before."""
    first, second = ({"identity": letter * 32, "board": f"Raspberry Pi {letter}"} for letter in "ab")
    assert _ask(gateway, **first)[0] == 200
    status, words = _ask(gateway, **second)
    assert status == 409
    assert all(part in words for part in ("Raspberry Pi a", "Raspberry Pi b", "EDGEPRESS_DEVICE"))
    assert _ask(gateway, **first)[0] == 200, "the first is not disturbed"
    gateway.now += timedelta(seconds=121)
    assert _ask(gateway, **second)[0] in {200, 204}
    assert _ask(gateway, **first)[0] == 409
    listed = DeviceList.model_validate_json(gateway.client.get("/v1/devices").content)
    (device,) = [each for each in listed.devices if each.name == "pi9"]
    assert (device.announcement.board, device.changed_at) == ("Raspberry Pi b", gateway.now)
    assert device.previous is not None
    assert device.previous.board == "Raspberry Pi a"


def test_hardware_that_changes_under_a_name_is_said(gateway: GatewayApp) -> None:
    """Also of an evaluator that has no identity, or when its disk was moved to another board; a temperature is none."""
    assert _ask(gateway, board="Raspberry Pi 4")[0] == 200
    assert _ask(gateway, board="Raspberry Pi 4", temperature_c=50.0)[0] in {200, 204}
    assert gateway.client.get("/v1/devices").json()["devices"][-1]["previous"] is None
    gateway.now += timedelta(seconds=60)
    assert _ask(gateway, board="Raspberry Pi 5")[0] in {200, 204}
    assert gateway.client.get("/v1/devices").json()["devices"][-1]["previous"]["board"] == "Raspberry Pi 4"


def test_a_device_with_a_problem_gets_nothing_until_it_is_gone(gateway: GatewayApp) -> None:
    """The list of devices shows the problem; the evaluation waits, and costs no attempt."""

    def ask(problem: str | None) -> int:
        content = ANNOUNCEMENT.model_copy(update={"problem": problem}).model_dump_json()
        return int(gateway.client.post("/v1/devices/pi4/lease", content=content, headers=JSON).status_code)

    def shown() -> str | None:
        devices = DeviceList.model_validate_json(gateway.client.get("/v1/devices").content).devices
        return next(device.announcement.problem for device in devices if device.name == "pi4")

    assert [ask("the disk is full"), ask("the disk is full")] == [204, 204]
    assert shown() == "the disk is full"
    assert ask("x" * 201) == 422
    assert ask(None) == 200
    assert shown() is None


def test_a_token_says_what_it_is_for(gateway: GatewayApp) -> None:
    """A board that joins learns its name from its token, and whether another board has it."""
    new = Caller.model_validate_json(gateway.client_as("lab", "device", device="pi9").get("/v1/whoami").content)
    assert (new.user, new.scopes, new.device, new.known) == ("lab", ("device",), "pi9", None)
    assert new.server_version == __version__
    lease(gateway)
    known = Caller.model_validate_json(gateway.client_as("lab", "device", device="pi4").get("/v1/whoami").content).known
    assert known is not None
    assert (known.name, known.online, known.running) == ("pi4", True, 1)
    user = Caller.model_validate_json(gateway.client_as("anna", "read", "submit").get("/v1/whoami").content)
    assert (user.device, user.scopes, user.known) == (None, ("read", "submit"), None)


def test_the_latency_model_of_an_unknown_device_is_not_found(gateway: GatewayApp) -> None:
    """A device that has measured nothing that a model can be fitted on has an empty one."""
    assert gateway.client.get("/v1/devices/nowhere/latency-model").status_code == 404
    lease(gateway)
    empty = gateway.client.get("/v1/devices/pi4/latency-model").json()
    assert empty == {"device": "pi4", "runtime": None, "processor": None, "fits": []}
