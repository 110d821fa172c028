"""Reports of devices are checked, and every stored result can be shown."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgepress_api.database import StepRow
from edgepress_common.devices import Announcement, EvaluationLease
from edgepress_common.results import EvaluationResult, PackResult, StepResult
from edgepress_common.spec import JobSpec
from fakes.gateway_app import JSON, GatewayApp, copied_gateway, sqlite_gateway
from fakes.jobs import ANNOUNCEMENT, artifact, evaluation_result, made_up_test, small_spec, with_test_split

Json = dict[str, Any]
PROGRESS = '{"stage": "runs", "fraction": 0.5}'
MEASURES_TEST = ANNOUNCEMENT.model_copy(update={"measures_test": True})


def prepared(folder: Path, change: Callable[[StepResult], StepResult] | None = None) -> Path:
    """The folder of a gateway with a job whose evaluations can begin. Each test has a copy."""
    gateway = sqlite_gateway(folder)
    if change is not None:
        gateway.workforce.change = change
    gateway.submit()
    gateway.workforce.finish_all_steps()
    gateway.database.close()
    return folder


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a gateway with a job."""
    return prepared(tmp_path_factory.mktemp("ready"))


@pytest.fixture(scope="module")
def ready_with_test(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a gateway with a job on a data set with a test split."""
    return prepared(tmp_path_factory.mktemp("ready_with_test"), with_test_split)


@pytest.fixture(scope="module")
def leased(ready: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[GatewayApp, EvaluationLease]:
    """A gateway and a lease of pi4, for reports that are refused and so change nothing."""
    gateway = copied_gateway(ready, tmp_path_factory.mktemp("leased") / "gateway")
    return gateway, lease(gateway)


@pytest.fixture(scope="module")
def leased_with_test(
    ready_with_test: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[GatewayApp, EvaluationLease]:
    """The same, of a job with a test split."""
    gateway = copied_gateway(ready_with_test, tmp_path_factory.mktemp("leased_with_test") / "gateway")
    return gateway, lease(gateway, MEASURES_TEST)


@pytest.fixture
def gateway(ready: Path, tmp_path: Path) -> GatewayApp:
    """A gateway with a job whose evaluations can begin."""
    return copied_gateway(ready, tmp_path / "gateway")


def lease(gateway: GatewayApp, announcement: Announcement = ANNOUNCEMENT) -> EvaluationLease:
    """A lease of the device pi4."""
    response = gateway.client.post("/v1/devices/pi4/lease", content=announcement.model_dump_json(), headers=JSON)
    return EvaluationLease.model_validate_json(response.content)


def post(gateway: GatewayApp, taken: EvaluationLease, verb: str, content: str) -> Any:
    """Return the answer of the gateway to a report of pi4."""
    path = f"/v1/devices/pi4/leases/{taken.step_key}/{taken.attempt}/{verb}"
    return gateway.client.post(path, content=content, headers=JSON)


def result() -> Json:
    """A result that is accepted."""
    found: Json = evaluation_result("pi4").model_dump(mode="json")
    return found


def _set(*path: str | int, value: object) -> Callable[[Json], None]:
    def change(content: Any) -> None:
        for name in path[:-1]:
            content = content[name]
        content[path[-1]] = value

    return change


ENERGY = {"mean_mj": 4.0, "low_mj": 3.9, "high_mj": 4.1, "idle_watts": 2.5, "images": 900, "sensor": "hwmon ina219"}
ROOFLINE = {
    "int8_gmacs": 14.0,
    "float32_gmacs": 7.0,
    "gigabytes_per_second": 4.0,
    "arithmetic_ms": 1.0,
    "memory_ms": 0.5,
    "floor_ms": 1.0,
    "memory_bound_ms": 0.0,
}
OPERATORS = {"operator": "CONV_2D", "types": "int8 x int8", "count": 20, "delegated": 20, "macs": 10**8}
_LATENCY = ("measurements", 0, "latency_ms")
_WRONG: list[tuple[str, tuple[str | int, ...], object]] = [
    ("images", ("images",), 0),
    ("images", ("images",), -5),
    ("images", ("images",), 10**400),
    ("", ("images",), 5),
    ("accuracy", ("accuracy",), 5),
    ("accuracy", ("accuracy",), -1),
    ("accuracy", ("accuracy",), 1e308),
    ("", ("accuracy",), 0.5),
    ("precision", ("precision",), 1.5),
    ("recall", ("recall",), -0.1),
    ("f1", ("f1",), 2),
    ("confusion", ("confusion",), []),
    ("confusion", ("confusion",), [[4]]),
    ("confusion", ("confusion",), [[3, 0, 0], [0, 0, 0], [0, 1, 0]]),
    ("confusion", ("confusion",), [[1, 0], [1, 2]]),
    ("confusion[0][0]", ("confusion",), [[-2, 4], [1, 1]]),
    ("", ("confusion",), [[2, 0], [1]]),
    ("measurements", ("measurements",), []),
    ("measurements", ("measurements", 0, "threads"), 2),
    ("measurements[0].latency_ms.min", (*_LATENCY, "min"), 0),
    ("measurements[0].latency_ms.max", (*_LATENCY, "max"), 1e308),
    ("measurements[0].latency_ms.runs", (*_LATENCY, "runs"), 0),
    ("measurements[0].latency_ms", (*_LATENCY, "p50"), 2.15),
    ("measurements[0].latency_ms", (*_LATENCY, "mean"), 0.5),
    ("measurements[0].latency_ms", (*_LATENCY, "p50_low"), 0.5),
    ("measurements[0].load_ms", ("measurements", 0, "load_ms"), -1),
    ("measurements[0].accuracy", ("measurements", 0, "accuracy"), 7),
    ("measurements[0].accuracy", ("measurements", 0, "accuracy"), None),
    ("measurements[0].total_seconds", ("measurements", 0, "total_seconds"), -1),
    ("peak_memory_bytes", ("peak_memory_bytes",), -1),
    ("operator_times", ("operator_times",), [{"operator": "ADD", "calls": 1, "mean_ms": 1}] * 50_000),
    ("operator_times[0].mean_ms", ("operator_times",), [{"operator": "ADD", "calls": 1, "mean_ms": -1}]),
    ("surroundings.board", ("surroundings", "board"), "x" * 3_000_000),
    ("surroundings.cores", ("surroundings", "cores"), 0),
    ("surroundings.temperature_after_c", ("surroundings", "temperature_after_c"), 1e300),
    ("figures.energy_mj", ("figures",), {"energy_mj": 1e300}),
    ("measurements[0].energy", ("measurements", 0, "energy"), ENERGY | {"low_mj": 5}),
    ("measurements[0].energy.images", ("measurements", 0, "energy"), ENERGY | {"images": 0}),
    ("measurements[0].roofline.floor_ms", ("measurements", 0, "roofline"), ROOFLINE | {"floor_ms": -1}),
    ("measurements[0].roofline.int8_gmacs", ("measurements", 0, "roofline"), ROOFLINE | {"int8_gmacs": 0}),
    ("operators[0].count", ("operators",), [OPERATORS | {"count": 0}]),
    ("reliability", ("reliability",), [{"images": 4, "confidence": 0.5, "accuracy": 0.5}] * 16),
    ("", ("reliability",), [{"images": 3, "confidence": 0.5, "accuracy": 0.5}]),
    ("surroundings.reference_ms", ("surroundings", "reference_ms"), 0),
    ("figures", ("figures",), {f"figure {number}": 1.0 for number in range(1000)}),
    ("device", ("device",), "pi5"),
    ("model_sha256", ("model_sha256",), "a" * 64),
    ("", ("right_images",), base64.b64encode(b"\x0f").decode()),
    ("", ("right_images",), base64.b64encode(bytes(100)).decode()),
    ("", ("right_images",), "not base64"),
]


@pytest.mark.parametrize(("field", "path", "value"), _WRONG)
def test_an_impossible_result_is_refused(
    leased: tuple[GatewayApp, EvaluationLease], field: str, path: tuple[str | int, ...], value: object
) -> None:
    """With the field; the lease stays the device's."""
    gateway, taken = leased
    content = result()
    _set(*path, value=value)(content)
    answer = post(gateway, taken, "finish", json.dumps(content))
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-request"), answer.text
    errors = answer.json()["errors"]
    assert any(error["field"].startswith(field) for error in errors), answer.text
    assert all(error["message"] for error in errors)
    assert len(answer.content) < 10_000
    assert post(gateway, taken, "renew", PROGRESS).status_code == 204


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_a_number_that_is_not_finite_is_refused(gateway: GatewayApp, number: str) -> None:
    """Wherever it stands."""
    content = json.dumps(result()).replace('"accuracy": 0.75', f'"accuracy": {number}')
    assert post(gateway, lease(gateway), "finish", content).status_code in {400, 422}


WRONG = {"predicted": [0], "scores": [0.75], "true_scores": [0.25]}


def test_wrong_images_are_not_accepted_without_right_ones(gateway: GatewayApp) -> None:
    """It would not be known which images they are."""
    answer = post(gateway, lease(gateway), "finish", json.dumps(result() | {"wrong_images": WRONG}))
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (WRONG, 204),
        ({"predicted": [1]}, 422),
        ({"predicted": [2]}, 422),
        ({"predicted": [0, 0]}, 422),
        ({"scores": []}, 422),
        ({"scores": [1.01]}, 422),
        ({"true_scores": [-0.1]}, 422),
    ],
)
def test_wrong_images_must_agree_with_the_confusion_matrix(gateway: GatewayApp, change: Json, status: int) -> None:
    """One of four images is wrong: an image of class 1 that is taken for class 0."""
    content = result() | {"right_images": base64.b64encode(b"\x0d").decode(), "wrong_images": WRONG | change}
    answer = post(gateway, lease(gateway), "finish", json.dumps(content))
    assert answer.status_code == status, answer.text


def test_how_a_file_runs_is_stored(gateway: GatewayApp) -> None:
    """Energy, roofline, operators and confidences; they are figures and explanations of the row."""
    taken = lease(gateway)
    content = result() | {
        "operators": [OPERATORS],
        "reliability": [{"images": 4, "confidence": 0.65, "accuracy": 0.75}],
    }
    content["measurements"][0] |= {"energy": ENERGY, "roofline": ROOFLINE}
    content["surroundings"] |= {"reference_ms": 0.3, "instructions": ["asimd"]}
    assert post(gateway, taken, "finish", json.dumps(content)).status_code == 204
    job = gateway.client.get("/v1/jobs").json()["jobs"][0]["id"]
    row = gateway.client.get(f"/v1/jobs/{job}/report?format=json").json()["rows"][0]
    assert (row["energy_mj"], row["energy_mj_low"], row["reference_ms"]) == (4.0, 3.9, 0.3)
    assert (row["roofline_share"], row["ece"]) == (pytest.approx(0.5), pytest.approx(0.1))
    assert row["explanations"][0].startswith("It reaches 50 % of what the device can do with 1 thread")


def test_right_images_must_agree_with_the_confusion_matrix(gateway: GatewayApp) -> None:
    """Three of four images are right, so three bits are set."""
    content = result() | {"right_images": base64.b64encode(b"\x0b").decode()}
    assert post(gateway, lease(gateway), "finish", json.dumps(content)).status_code == 204


@pytest.fixture
def gateway_with_test(ready_with_test: Path, tmp_path: Path) -> GatewayApp:
    """A gateway with a job on a data set with a test split, whose evaluations can begin."""
    return copied_gateway(ready_with_test, tmp_path / "gateway")


def test_the_lease_has_the_test_split_for_a_device_that_measures_it(gateway_with_test: GatewayApp) -> None:
    """An older evaluator gets the lease that it knows."""
    taken = lease(gateway_with_test, MEASURES_TEST)
    assert (taken.test_images, taken.test_labels) == (artifact("1"), artifact("2"))
    assert taken.artifacts == (taken.model, taken.images, taken.labels, artifact("1"), artifact("2"))
    older = lease(gateway_with_test, ANNOUNCEMENT)
    assert {"test_images", "test_labels"} & older.model_dump().keys() == set()
    assert older.artifacts == (older.model, older.images, older.labels)


def test_the_lease_has_the_coded_file_for_a_device_that_decodes(gateway: GatewayApp) -> None:
    """An older evaluator gets the lease that it knows; the files that it downloads are the same."""
    taken = lease(gateway, ANNOUNCEMENT.model_copy(update={"decodes": True}))
    assert taken.coded == {taken.model.sha256: artifact("9")}
    older = lease(gateway, ANNOUNCEMENT)
    assert "coded" not in older.model_dump()
    assert older.artifacts == taken.artifacts


def test_test_figures_are_stored(gateway_with_test: GatewayApp) -> None:
    """Next to those of the validation split."""
    taken = lease(gateway_with_test, MEASURES_TEST)
    content = result() | {"test": made_up_test().model_dump(mode="json")}
    assert post(gateway_with_test, taken, "finish", json.dumps(content)).status_code == 204
    stored = gateway_with_test.client.get(f"/v1/steps/{taken.step_key}").json()["result"]
    assert (stored["images"], stored["test"]["images"], stored["test"]["confusion"]) == (4, 6, [[3, 0], [2, 1]])


def test_a_result_of_an_older_evaluator_has_no_test_figures(gateway_with_test: GatewayApp) -> None:
    """It is accepted; a result with figures of a split that it was not given is refused."""
    taken = lease(gateway_with_test, ANNOUNCEMENT)
    made_up = result() | {"test": made_up_test().model_dump(mode="json")}
    answer = post(gateway_with_test, taken, "finish", json.dumps(made_up))
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, ["test"])
    assert post(gateway_with_test, taken, "finish", json.dumps(result())).status_code == 204
    assert "test" not in gateway_with_test.client.get(f"/v1/steps/{taken.step_key}").json()["result"]


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("test", None),
        ("test.images", {"images": 0}),
        ("test", {"images": 7}),
        ("test", {"accuracy": 0.9}),
        ("test.accuracy", {"accuracy": 1.5}),
        ("test.f1", {"f1": -1}),
        ("test.confusion", {"confusion": [[2, 0], [2, 2]]}),
        ("test.confusion", {"confusion": [[3, 0, 0], [2, 1, 0], [0, 0, 0]]}),
        ("test.confusion", {"confusion": [[6]]}),
        ("test.confusion[0][0]", {"confusion": [[-3, 6], [2, 1]]}),
        ("test", {"right_images": base64.b64encode(b"\x1f").decode()}),
        ("test", {"right_images": base64.b64encode(bytes(100)).decode()}),
    ],
)
def test_impossible_test_figures_are_refused(
    leased_with_test: tuple[GatewayApp, EvaluationLease], field: str, change: Json | None
) -> None:
    """Missing ones of a device that announced them too; the lease stays the device's."""
    gateway, taken = leased_with_test
    right = made_up_test().model_dump(mode="json")
    content = result() if change is None else result() | {"test": right | change}
    answer = post(gateway, taken, "finish", json.dumps(content))
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-request"), answer.text
    assert all(error["field"].startswith(field) for error in answer.json()["errors"]), answer.text
    assert post(gateway, taken, "renew", PROGRESS).status_code == 204


def test_a_right_result_is_accepted_after_refused_ones(gateway_with_test: GatewayApp) -> None:
    """The attempt goes on after each refusal."""
    taken = lease(gateway_with_test, MEASURES_TEST)
    right = result() | {"test": made_up_test().model_dump(mode="json")}
    for wrong in (right | {"images": 0}, right | {"test": None}, right | {"confusion": []}):
        assert post(gateway_with_test, taken, "finish", json.dumps(wrong)).status_code == 422
    assert post(gateway_with_test, taken, "finish", json.dumps(right)).status_code == 204


_BAD: list[Json] = [
    {"images": 0},
    {"images": 10**400},
    {"accuracy": -1},
    {"accuracy": 1e308},
    {"confusion": []},
    {"confusion": [[1]]},
    {"confusion": [[0] * 300] * 300},
    {"measurements": []},
    {"operator_times": [{"operator": "ADD", "calls": -1, "mean_ms": 1e308}]},
]


@pytest.mark.slow
@pytest.mark.parametrize("change", _BAD)
def test_a_result_that_was_stored_without_checks_is_left_out(gateway: GatewayApp, change: Json) -> None:
    """Reports, comparisons and the step say so, and go on to show everything else."""
    gateway.workforce.work_until_nothing_is_left()
    job = gateway.client.get("/v1/jobs").json()["jobs"][0]["id"]
    with gateway.database.write() as session:
        row = session.query(StepRow).filter(StepRow.kind == "evaluation").order_by(StepRow.key).first()
        assert row is not None
        row.result = EvaluationResult.model_validate(result() | change)
        key = row.key
    answers = {
        format_: gateway.client.get(f"/v1/jobs/{job}/report?format={format_}") for format_ in ("json", "csv", "html")
    }
    assert {format_: answer.status_code for format_, answer in answers.items()} == dict.fromkeys(answers, 200)
    report = answers["json"].json()
    assert len(report["rows"]) == 1
    assert [failure["code"] for failure in report["failures"]] == ["implausible_result"]
    assert gateway.client.get(f"/v1/jobs/{job}").status_code == 200
    step = gateway.client.get(f"/v1/steps/{key}").json()
    assert (step["result"], step["failure"]["code"]) == (None, "implausible_result")


def test_a_result_is_discarded_and_measured_again(gateway: GatewayApp) -> None:
    """The job becomes active, a device measures again, and the job ends with the new result."""
    gateway.workforce.work_until_nothing_is_left()
    job = gateway.client.get("/v1/jobs").json()["jobs"][0]["id"]
    steps = [
        step for pipeline in gateway.client.get(f"/v1/jobs/{job}").json()["pipelines"] for step in pipeline["steps"]
    ]
    (key, *_) = [step["key"] for step in steps if step["kind"] == "evaluation"]
    answer = gateway.client.delete(f"/v1/steps/{key}/result")
    assert (answer.status_code, answer.json()["state"], answer.json()["result"]) == (202, "ready", None)
    assert gateway.client.get(f"/v1/jobs/{job}").json()["state"] == "running"
    assert gateway.client.delete(f"/v1/steps/{key}/result").status_code == 409
    assert post(gateway, lease(gateway), "finish", json.dumps(result())).status_code == 204
    assert gateway.client.get(f"/v1/jobs/{job}").json()["state"] == "succeeded"
    assert gateway.client.get(f"/v1/steps/{key}").json()["result"]["device"] == "pi4"


def test_only_results_of_evaluations_are_discarded_and_only_by_their_users(gateway: GatewayApp) -> None:
    """A training's result is not; another user does not find the step; a token that only reads is refused."""
    gateway.workforce.work_until_nothing_is_left()
    job = gateway.client.get("/v1/jobs").json()["jobs"][0]["id"]
    steps = gateway.client.get(f"/v1/jobs/{job}").json()["pipelines"][0]["steps"]
    keys = {step["kind"]: step["key"] for step in steps}
    assert gateway.client.delete(f"/v1/steps/{keys['stage']}/result").status_code == 409
    path = f"/v1/steps/{keys['evaluation']}/result"
    assert gateway.client_as("eve", "submit").delete(path).status_code == 404
    assert gateway.client_as("local", "read").delete(path).status_code == 403


def test_a_device_cannot_control_the_terminals_of_users(gateway: GatewayApp) -> None:
    """Its control characters are replaced, in its announcement, its messages and its results."""
    escape = "\x1b]0;title\x07\x9b31m\u202e"
    content = ANNOUNCEMENT.model_copy(update={"board": escape}).model_dump_json()
    body = json.loads(ANNOUNCEMENT.model_dump_json()) | {"board": escape}
    assert gateway.client.post("/v1/devices/pi9/lease", content=json.dumps(body), headers=JSON).status_code == 200
    assert "\\u001b" in content
    announced = next(each for each in gateway.client.get("/v1/devices").json()["devices"] if each["name"] == "pi9")
    assert announced["announcement"]["board"] == "␛]0;title␇\ufffd31m\ufffd"
    failure = json.dumps({"code": "failed", "message": "m" * 9000 + escape, "retryable": False, "log": "l" * 90_000})
    taken = lease(gateway)
    assert post(gateway, taken, "fail", failure).status_code == 204
    stored = gateway.client.get(f"/v1/steps/{taken.step_key}").json()["failure"]
    assert stored["message"].endswith("m␛]0;title␇\ufffd31m\ufffd")
    assert (len(stored["message"]) < 6000, len(stored["log"]) < 21_000) == (True, True)


@pytest.mark.parametrize(
    ("verb", "content"),
    [
        ("renew", {"fraction": 0.5, "metrics": {f"m{number}": 1.0 for number in range(1000)}}),
        ("renew", {"fraction": 0.5, "message": "x" * 1_000_000}),
        ("renew", {"fraction": 0.5, "epoch": 10**30}),
        ("fail", {"code": "x" * 10_000, "message": "no", "retryable": True}),
        ("fail", {"code": "\x1b[2J", "message": "no", "retryable": True}),
    ],
)
def test_reports_are_bounded(gateway: GatewayApp, verb: str, content: Json) -> None:
    """A report that is too long is refused."""
    assert post(gateway, lease(gateway), verb, json.dumps(content)).status_code == 422


@pytest.mark.parametrize("name", ["\x1b[2J", "a\x07b", "\x9b31m", "a\u202eb", "a\x7fb", "a\u061cb", "a\nb", "a\tb"])
def test_a_spec_with_control_characters_is_refused(gateway: GatewayApp, name: str) -> None:
    """Names, and every other text of the spec: others see them in their terminals."""
    from fakes.jobs import small_spec

    spec = json.loads(small_spec().model_dump_json()) | {"name": name}
    answer = gateway.client.post("/v1/jobs", json=spec)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "name")
    assert name not in json.loads(answer.text)["detail"]
    assert gateway.client.post("/v1/jobs", json=spec | {"name": "x", "notes": "two\n\tlines"}).status_code == 202


def test_a_probe_has_a_part_of_the_images(tmp_path: Path) -> None:
    """An evaluator of an earlier release classifies all of them; any other number is refused."""

    def with_many_images(found: StepResult) -> StepResult:
        counts = {"validation_counts": (60, 60)}
        return found.model_copy(update=counts) if isinstance(found, PackResult) else found

    gateway = sqlite_gateway(tmp_path)
    gateway.workforce.change = with_many_images
    pipelines = [{"name": "p", "stages": [{"kind": "probe"}], "exports": ["float32", "int8", "float16"]}]
    spec = JobSpec.model_validate(small_spec().model_dump() | {"pipelines": pipelines})
    gateway.submission.submit(spec, gateway.now)
    gateway.workforce.finish_all_steps()
    answers = []
    for right, wrong in ((64, 0), (60, 60), (50, 0)):
        taken = lease(gateway)
        assert taken.parameters.images == 64
        measured = result() | {"images": right + wrong, "accuracy": right / (right + wrong)}
        measured |= {
            "confusion": [[right, 0], [wrong, 0]],
            "measurements": [{**each, "total_seconds": None, "accuracy": None} for each in measured["measurements"]],
        }
        answers.append(post(gateway, taken, "finish", json.dumps(measured)).status_code)
    assert answers == [204, 204, 422]
