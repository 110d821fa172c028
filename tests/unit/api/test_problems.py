"""Every error is a problem that says what was wrong, and reveals no internals."""

import inspect
from pathlib import Path

import pytest
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from edgepress_api.web.problems import KIND_OF_ERROR, KINDS, kind_of, kind_of_status
from edgepress_common import errors
from fakes.gateway_app import JSON, GatewayApp, spec_json, sqlite_gateway

# What only a worker or an evaluator can find, and tells in a failed step.
NOT_OF_A_REQUEST = {
    errors.StepFailedError,
    errors.DivergedError,
    errors.ConversionError,
    errors.BrokenPromiseError,
    errors.ProcessCrashedError,
    errors.StepCancelledError,
}


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway."""
    return sqlite_gateway(tmp_path)


def test_every_error_of_the_vocabulary_has_a_kind_of_its_own() -> None:
    """None falls through to the server's own fault."""
    found = {error for _, error in inspect.getmembers(errors, inspect.isclass) if issubclass(error, Exception)}
    found -= NOT_OF_A_REQUEST | {errors.EdgepressError}
    for error in found:
        example = error([]) if issubclass(error, errors.InvalidSpecError) else error("no")
        assert kind_of(example) is not KINDS["internal"], error
    assert set(KIND_OF_ERROR.values()) <= set(KINDS.values())


@pytest.mark.parametrize("status", [400, 404, 405, 406, 409, 413, 415, 416, 418, 422, 500, 503, 507])
def test_every_status_has_a_kind(status: int) -> None:
    """The kind has the same class, and the same status where there is one."""
    assert kind_of_status(status).status // 100 == status // 100


@pytest.mark.parametrize(
    ("method", "path", "status", "detail"),
    [
        ("GET", "/v1/nothing", 404, "/v1/nothing does not exist; accepted: the paths that /openapi.json lists"),
        ("GET", "/v1/jobs/", 404, "/v1/jobs/ does not exist; accepted: the paths that /openapi.json lists"),
        ("PUT", "/v1/jobs/job-1", 405, "PUT is not a method of /v1/jobs/job-1; accepted: DELETE, GET, HEAD"),
        ("PATCH", "/v1/jobs", 405, "PATCH is not a method of /v1/jobs; accepted: GET, HEAD, POST"),
        ("POST", "/", 405, "POST is not a method of /; accepted: GET, HEAD"),
        ("GET", "/v1/jobs/job-1", 404, "job 'job-1' does not exist"),
        ("GET", "/problems/x", 404, f"'x' is not a kind of problem; accepted: {', '.join(KINDS)}"),
        ("GET", "/v1/jobs?page_token=x", 422,
         ("page_token: is not a page token of this listing "
          "(accepted: the next_page_token of a page with the same filters)")),
        ("GET", f"/v1/jobs?name={'x' * 201}", 422,
         "name: is too long (accepted: text of at most 200 characters (List only jobs with exactly this name))"),
        ("GET", "/v1/jobs?page_siz=0", 422,
         ("page_siz: unknown field; did you mean 'page_size'? (accepted: state, name, q, project, tag, network, "
          "dataset, device, created_from, created_before, page_size, page_token)")),
        ("GET", "/v1/jobs?state=done", 422,
         "state: is not a known value (accepted: queued, running, succeeded, partly_succeeded, failed, cancelled)"),
    ],
)  # fmt: skip
def test_an_error_says_what_is_wrong_and_what_is_accepted(
    gateway: GatewayApp, method: str, path: str, status: int, detail: str
) -> None:
    """The answer is problem+json, for errors of any origin."""
    response = gateway.client.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert (problem["status"], problem["detail"], problem["instance"]) == (status, detail, path.partition("?")[0])
    assert problem["type"] != "/problems/invalid-spec"
    assert gateway.client.get(problem["type"]).text.startswith(problem["title"])


def test_methods_that_a_path_takes_are_in_allow(gateway: GatewayApp) -> None:
    """All of them, though each has a route of its own."""
    assert gateway.client.put("/v1/jobs/job-1").headers["allow"] == "DELETE, GET, HEAD"


def test_a_body_that_is_too_large_is_refused(gateway: GatewayApp) -> None:
    """Announced or not."""
    large = b"x" * 2_000_000
    announced = gateway.client.post("/v1/jobs", content=large, headers=JSON)
    in_pieces = gateway.client.post("/v1/jobs", content=iter([large[:900_000], large[900_000:]]), headers=JSON)
    for response in (announced, in_pieces):
        assert (response.status_code, response.json()["type"]) == (413, "/problems/too-large")
        assert "1048576" in response.json()["detail"]


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_spec_of_another_type_is_refused(gateway: GatewayApp, content_type: str) -> None:
    """The error says which types are accepted."""
    response = gateway.client.post("/v1/jobs", content=spec_json(), headers={"Content-Type": content_type})
    assert (response.status_code, response.json()["type"]) == (415, "/problems/unsupported-media-type")
    assert response.json()["detail"].endswith("accepted: application/json, application/yaml")


class _Failing:
    """A database that fails in a given way."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def read(self) -> None:
        raise self._error


def test_a_fault_of_the_server_tells_nothing_of_it(gateway: GatewayApp) -> None:
    """The client learns that it is one, and gets the security headers all the same."""
    client = gateway.with_adapters(database=_Failing(RuntimeError("secret password")))
    response = client.get("/v1/jobs/job-1")
    assert (response.status_code, response.json()["type"]) == (500, "/problems/internal")
    assert "secret" not in response.text
    assert "content-security-policy" in response.headers


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OperationalError("SELECT secret", {}, Exception("secret host")), 503),
        (NoConnectionError("secret"), 503),
        (DataError("SELECT secret", {}, Exception("secret")), 422),
    ],
)
def test_what_the_database_says_stays_inside(gateway: GatewayApp, error: Exception, status: int) -> None:
    """An unavailable database is 503 with a time to retry; a value that it can't store is an error of the client."""
    response = gateway.with_adapters(database=_Failing(error)).get("/v1/jobs/job-1")
    assert response.status_code == status
    assert "secret" not in response.text
    assert ("retry-after" in response.headers) == (status == 503)


def test_an_answer_names_a_reasonable_number_of_errors(gateway: GatewayApp) -> None:
    """A body with a thousand errors is answered with a hundred."""
    content = b'{"name": "x", ' + b", ".join(b'"k%d": 1' % number for number in range(1000)) + b"}"
    problem = gateway.client.post("/v1/jobs", content=content, headers=JSON).json()
    assert len(problem["errors"]) == 100
    assert problem["detail"].endswith("; and 97 more")
