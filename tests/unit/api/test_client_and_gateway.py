"""The SDK against the real gateway: its application over real tables, called without a network."""

from __future__ import annotations

import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from edgepress_client import Client
from edgepress_client.cli import app as command_line
from edgepress_client.cli.invocation import Invocation
from edgepress_client.cli.terminal import SafeConsole
from edgepress_client.errors import (
    AuthenticationError,
    InvalidRequestError,
    PermissionDeniedError,
    QuotaExceededError,
    ResourceNotFoundError,
    StateConflictError,
)
from edgepress_client.files import FileExistsAlreadyError
from edgepress_client.following import JobEventStream
from edgepress_client.specs import Spec
from edgepress_common.artifacts import CorruptArtifactError
from edgepress_common.devices import Announcement
from edgepress_common.errors import ConflictError, InvalidInputError, NotFoundError, QuotaError
from fakes.gateway_app import GatewayApp, sqlite_gateway
from fakes.gateway_process import running_gateway
from fakes.job_gateway import FakeGateway, make_job, make_step
from fakes.jobs import small_spec
from fakes.keras_files import keras_file, small_cnn
from fakes.packed import INT8, show_images


def client_of(app: GatewayApp, token: str | None = None) -> Client:
    """A client that reaches a gateway's application as its test client does."""
    return Client("http://127.0.0.1", token, transport=app.client._transport)


@pytest.fixture
def app(tmp_path: Path) -> GatewayApp:
    """A gateway on SQLite."""
    return sqlite_gateway(tmp_path)


@pytest.fixture
def client(app: GatewayApp) -> Iterator[Client]:
    """A client of it."""
    with client_of(app) as found:
        yield found


def test_a_job_is_submitted_in_every_form(client: Client, tmp_path: Path) -> None:
    """A `JobSpec`, a dictionary, a JSON file and a YAML file."""
    spec = small_spec()
    (tmp_path / "job.json").write_text(spec.model_dump_json())
    (tmp_path / "job.yaml").write_text(
        "name: yaml\ndataset: {kind: builtin, image_size: 32}\nmodel: {architecture: resnet18}\n"
    )
    forms: list[Spec] = [spec, spec.model_dump(mode="json"), tmp_path / "job.json", str(tmp_path / "job.yaml")]
    ids = {client.jobs.submit(form).id for form in forms}
    assert len(ids) == 4
    assert {job.id for job in client.jobs.list()} == ids
    assert client.jobs.get("latest").spec().name == "yaml"
    assert client.jobs.validate(spec).plan.steps


def test_a_finished_job_has_its_report(app: GatewayApp, client: Client, tmp_path: Path) -> None:
    """Rows, a recommendation, documents; and the job itself, with the results of its steps."""
    job = client.jobs.get(app.finished_job())
    assert job.wait().state == job.wait(timeout_seconds=5).state == "succeeded"
    report = job.report()
    assert report.complete
    assert [row.export for row in report.rows]
    assert job.recommendation().devices[0].candidates
    assert job.report_document("csv").startswith(b"pipeline")
    step = job.view().pipelines[0].steps[0]
    assert job.step(step.key).result is not None
    other = client.jobs.get(app.finished_job(name="other"))
    assert [each.id for each in client.jobs.compare([job.id, other.id]).jobs] == [job.id, other.id]
    with pytest.raises(NotFoundError, match="does not have a file 'base' 'none'"):
        job.download("base", "none", tmp_path / "x.tflite")


def test_a_file_is_downloaded_whole_and_never_over_another(tmp_path: Path) -> None:
    """Overwriting is an option; a damaged file is never left."""
    gateway, export = FakeGateway(), make_step("int8", kind="export")
    gateway.looks = [make_job(export, state="succeeded")]
    artifact = gateway.add_artifact(b"a model")
    gateway.add_detail(export, {"tflite": artifact})
    target = tmp_path / "new" / "model.tflite"
    with Client("http://gateway", transport=gateway.transport) as client:
        job = client.jobs.get("job-1")
        assert job.download("base", "int8", target).read_bytes() == b"a model"
        target.write_bytes(b"mine")
        with pytest.raises(FileExistsAlreadyError, match=r"model\.tflite"):
            job.download("base", "int8", target)
        assert target.read_bytes() == b"mine"
        assert job.download("base", "int8", target, overwrite=True).read_bytes() == b"a model"
        gateway.artifacts[artifact.sha256] = b"half"
        with pytest.raises(CorruptArtifactError):
            job.download("base", "int8", target, overwrite=True)
    assert [path.read_bytes() for path in target.parent.iterdir()] == [b"a model"]


def test_a_job_is_cancelled_retried_and_deleted(client: Client) -> None:
    """A call that its state does not allow is a conflict, in the common vocabulary too."""
    job = client.jobs.submit(small_spec())
    with pytest.raises(StateConflictError):
        job.delete()
    assert job.cancel().state == "cancelled"
    with pytest.raises(ConflictError):
        job.cancel()
    assert job.retry().state == "queued"
    job.cancel()
    job.delete()
    with pytest.raises(ResourceNotFoundError):
        job.view()


def test_an_invalid_spec_names_its_fields(client: Client) -> None:
    """Each field is named with its value, and what is accepted."""
    with pytest.raises(InvalidRequestError) as raised:
        client.jobs.submit(small_spec().model_dump(mode="json") | {"model": {"architecture": "resnet19"}})
    assert isinstance(raised.value, InvalidInputError)
    (problem,) = raised.value.problem.errors
    assert (problem.field, problem.value) == ("model.architecture", "resnet19")


def test_tokens_have_errors_of_their_own(tmp_path: Path) -> None:
    """No valid token; one that does not allow it; one of a user who may not see the job."""
    app = sqlite_gateway(tmp_path, host="0.0.0.0")
    job_id = app.submit()
    with client_of(app, "edgepress_wrong_token") as client, pytest.raises(AuthenticationError):
        client.jobs.get(job_id).view()
    with client_of(app, app.token("reader", "read")) as client, pytest.raises(PermissionDeniedError):
        client.jobs.submit(small_spec())
    with client_of(app, app.token("other", "submit", "read")) as client, pytest.raises(NotFoundError):
        client.jobs.get(job_id).view()


@pytest.mark.parametrize(("status", "expected"), [(429, QuotaExceededError), (507, QuotaError)])
def test_quotas(status: int, expected: type[Exception]) -> None:
    """Quotas of jobs and of bytes have one error."""
    answer = httpx.Response(status, json={"title": "x", "status": status, "detail": "too many"})
    with Client("http://g", transport=httpx.MockTransport(lambda _: answer)) as client, pytest.raises(expected):
        client.jobs.submit(small_spec())


def test_a_folder_of_images_is_uploaded_as_a_zip(client: Client, tmp_path: Path) -> None:
    """The zip has only the images; the answer has the spec's field; progress is reported from beginning to end."""
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        (tmp_path / "pets" / name / "1.png").write_bytes(b"image of a " + name.encode())
    (tmp_path / "pets" / "notes.txt").write_text("mine")
    sent: list[tuple[int, int]] = []
    view = client.datasets.upload(tmp_path / "pets", sent=lambda done, total: sent.append((done, total)))
    assert (view.name, view.media_type, view.dataset.kind) == ("pets", "application/zip", "upload")
    assert sent[0] == (0, view.size_bytes)
    assert sent[-1] == (view.size_bytes, view.size_bytes)
    assert [found.sha256 for found in client.datasets.list()] == [view.sha256]
    assert client.datasets.get(view.sha256) == view
    client.datasets.delete(view.sha256)
    assert list(client.datasets.list()) == []


def test_archives_are_uploaded_as_they_are(app: GatewayApp, client: Client, tmp_path: Path) -> None:
    """A zip and a tar; under another name if that is given."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("cat/1.png", b"x")
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("cat/1.png"), io.BytesIO())
    for file in ("a.zip", "b.tar.gz"):
        view = client.datasets.upload(tmp_path / file, name="pets")
        assert (view.name, view.size_bytes) == ("pets", (tmp_path / file).stat().st_size)
        assert app.store.local_path(view.sha256).read_bytes() == (tmp_path / file).read_bytes()


@pytest.mark.parametrize("name", ["nowhere", "text.zip", "empty"])
def test_what_is_not_a_data_set_is_refused_before_it_is_sent(client: Client, tmp_path: Path, name: str) -> None:
    """A path that does not exist, a file that is not an archive, a folder without images."""
    (tmp_path / "text.zip").write_text("text")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInputError, match=name):
        client.datasets.upload(tmp_path / name)
    assert list(client.datasets.list()) == []


def test_a_keras_model_is_uploaded(client: Client, tmp_path: Path) -> None:
    """The answer has the text for a spec."""
    (tmp_path / "small.keras").write_bytes(keras_file(small_cnn()))
    view = client.models.upload(tmp_path / "small.keras")
    assert (view.name, view.model.architecture) == ("small.keras", "uploaded")
    assert [found.sha256 for found in client.models.list()] == [view.sha256]
    client.models.delete(view.sha256)
    with pytest.raises(NotFoundError):
        client.models.delete(view.sha256)


def test_the_catalogue_and_devices_are_listed(client: Client) -> None:
    """Methods, exports, networks and devices have typed answers."""
    assert "prune" in {method.kind for method in client.catalogue.methods()}
    assert "int8" in {export.kind for export in client.catalogue.exports()}
    assert "resnet18" in {network.name for network in client.catalogue.architectures()}
    assert client.devices.list().devices


@pytest.mark.slow
def test_a_real_gateway_streams(tmp_path: Path) -> None:
    """A watched job is seen to be cancelled by another client, without being polled for it."""
    with running_gateway(tmp_path) as (_, url), Client(url) as client, Client(url) as other:
        here = Announcement(machine="x86_64", cores=2, memory_bytes=1 << 30, runtime="LiteRT 2")
        httpx.post(f"{url}/v1/devices/host/lease", json=here.model_dump(mode="json")).raise_for_status()
        job = client.jobs.submit(small_spec())
        channel = JobEventStream(client._connection, job.id, wait=lambda _: pytest.fail("polled"))
        seen: list[str] = []
        channel.await_change()  # up to now
        thread = threading.Thread(target=other.jobs.get(job.id).cancel)
        thread.start()
        while "cancelled" not in seen:
            channel.await_change()
            seen.append(job.view().state)
        thread.join()
        assert [event.type for event in job.events()][-1] == "job"
        assert job.wait().state == "cancelled"


def upload(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Run `edgepress upload` at a real gateway; return exit code, output and errors."""
    out, err = io.StringIO(), io.StringIO()
    gateway = sqlite_gateway(folder)
    here = Invocation(SafeConsole(file=out, width=200), SafeConsole(file=err, width=200), gateway.client._transport)
    ran = CliRunner().invoke(command_line, ["upload", *arguments], obj=here, catch_exceptions=False)
    return ran.exit_code, out.getvalue(), err.getvalue()


def test_a_folder_is_uploaded_and_what_a_spec_says_is_printed(tmp_path: Path) -> None:
    """Alone on standard output; as JSON all that the gateway says."""
    images = tmp_path / "pets" / "cat"
    images.mkdir(parents=True)
    (images / "1.png").write_bytes(b"x")
    code, out, err = upload(tmp_path, str(images.parent), "--name", "my pets")
    assert code == 0
    assert out.startswith("dataset: {kind: upload, sha256: ")
    assert "uploaded my pets" in err
    (tmp_path / "other").mkdir()
    _, out, err = upload(tmp_path / "other", str(images.parent), "--json")
    assert (json.loads(out)["dataset"]["kind"], err) == ("upload", "")


def test_a_model_is_uploaded(tmp_path: Path) -> None:
    """It is told from a data set by its ending."""
    (tmp_path / "small.keras").write_bytes(keras_file(small_cnn()))
    code, out, _ = upload(tmp_path, str(tmp_path / "small.keras"))
    assert (code, out.startswith("model: {architecture: uploaded, sha256: ")) == (0, True)


@pytest.mark.parametrize(("name", "code"), [("nowhere", 2), ("text.keras", 5)])
def test_what_can_not_be_uploaded_is_refused(tmp_path: Path, name: str, code: int) -> None:
    """The client refuses unreadable files; the gateway refuses files of another type than their name says."""
    (tmp_path / "text.keras").write_text("text")
    found, out, err = upload(tmp_path, str(tmp_path / name))
    assert (found, out, "Error:" in err) == (code, "", True)


def test_samples_and_errors_are_read_with_their_images(app: GatewayApp, client: Client) -> None:
    """A page of each, and an image as PNG."""
    job = client.jobs.get(app.finished_job())
    show_images(app)
    samples = client.datasets.samples(job.id, {"split": "validation", "class_name": "1"})
    assert [image.index for image in samples.images] == [2, 3]
    assert samples.images_sha256 is not None
    assert client.datasets.image(samples.images_sha256, 2).startswith(b"\x89PNG")
    errors = job.errors(INT8, {"selection": "lost"})
    assert [image.index for image in errors.images] == [1]
    with pytest.raises(ResourceNotFoundError, match="no image 9"):
        client.datasets.image(errors.images_sha256, 9)
