"""Submits, streams, polls and reads a typed report with the client that openapi-python-client generates.

Run by `test_generated_clients` in an environment with only that generator: ``python FILE URL TOKEN``.
"""

# mypy: disable-error-code="import-not-found"
# The test verifies the types once the client is generated.

import json
import sys
from io import BytesIO

from generated.python_client import AuthenticatedClient
from generated.python_client.api.datasets import upload_dataset
from generated.python_client.api.jobs import (
    follow_job,
    show_one_job,
    show_report,
    show_report_as_csv,
    submit_job,
)
from generated.python_client.models import (
    BuiltinDataset,
    ClusterStage,
    JobEvent,
    JobSpec,
    JobView,
    Model,
    ModelArchitecture,
    Pipeline,
    PipelineExportsItemType0,
    Problem,
    PruneStage,
    Report,
)
from generated.python_client.types import File


def main(url: str, token: str) -> None:
    """Fail if a call fails, or an answer is not of the type that is described."""
    client = AuthenticatedClient(url, token)
    job = submit_job.sync(client=client, body=_spec(), idempotency_key="once")
    assert isinstance(job, JobView), job
    stream = follow_job.sync(job.id, client=client, last_event_id_header=0)
    assert isinstance(stream, str)
    states = [event.data["state"] for event in _events(stream) if event.type_ == "job"]
    assert states[-1] == "succeeded", states
    polled = show_one_job.sync(job.id, client=client)
    assert isinstance(polled, JobView)
    assert polled.state == "succeeded"
    report = show_report.sync(job.id, client=client)
    assert isinstance(report, Report)
    assert report.complete
    assert {row.accuracy for row in report.rows} == {0.75}
    csv = show_report_as_csv.sync(job.id, client=client)
    assert isinstance(csv, str)
    assert len(csv.splitlines()) == 1 + len(report.rows)
    refused = upload_dataset.sync(client=client, body=File(BytesIO(b"no archive")), name="x")
    assert isinstance(refused, Problem)
    assert refused.status == 422


def _spec() -> JobSpec:
    prune, cluster = PruneStage(kind="prune", epochs=2), ClusterStage(kind="cluster", epochs=1)
    compressed = Pipeline(name="p", stages=[prune, cluster], exports=[PipelineExportsItemType0.INT8])
    return JobSpec(
        name="python",
        dataset=BuiltinDataset(kind="builtin", image_size=32),
        model=Model(architecture=ModelArchitecture.RESNET18),
        pipelines=[Pipeline(name="base", exports=[PipelineExportsItemType0.FLOAT32]), compressed],
    )


def _events(stream: str) -> list[JobEvent]:
    data = [json.loads(line.removeprefix("data: ")) for line in stream.splitlines() if line.startswith("data: ")]
    return [JobEvent.from_dict(event) for event in data if "type" in event]


if __name__ == "__main__":
    main(*sys.argv[1:])
