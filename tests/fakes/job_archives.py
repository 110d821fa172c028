"""Jobs that leave a gateway as archives."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from sqlalchemy import delete, select

from edgepress_api.database import StepArtifactRow, StepRow
from edgepress_common.results import EvaluationResult
from fakes.gateway_app import GatewayApp

ZIP = {"Content-Type": "application/zip"}


def finished(gateway: GatewayApp, **changes: object) -> str:
    """A job that is done, whose outputs are in the store; returns its id."""
    job_id = gateway.finished_job(**changes)
    store_outputs(gateway)
    return job_id


def store_outputs(gateway: GatewayApp) -> None:
    """Give each step outputs of its own that are in the store, in place of made-up ones."""
    with gateway.database.write() as session:
        models: dict[str, str] = {}
        for row in session.scalars(select(StepRow).where(StepRow.kind != "evaluation", StepRow.outputs.is_not(None))):
            row.outputs = {name: gateway.store.put_bytes(f"{row.key} {name}".encode()) for name in row.outputs or {}}
            models |= {row.key: row.outputs["tflite"].sha256} if row.kind == "export" else {}
            session.execute(delete(StepArtifactRow).where(StepArtifactRow.step_key == row.key))
            session.add_all(
                StepArtifactRow(sha256=ref.sha256, step_key=row.key, size_bytes=ref.size_bytes)
                for ref in row.outputs.values()
            )
        for row in session.scalars(select(StepRow).where(StepRow.kind == "evaluation")):
            if isinstance(row.result, EvaluationResult):
                model = next(each.input_key for each in row.inputs if each.role == "model")
                row.result = row.result.model_copy(update={"model_sha256": models[model]})


def archive_of(gateway: GatewayApp, job_id: str, query: str = "") -> bytes:
    """Returns the archive of a job."""
    response = gateway.client.get(f"/v1/jobs/{job_id}/archive{query}")
    assert response.status_code == 200, response.text
    return bytes(response.content)


def imported(gateway: GatewayApp, content: bytes, client: Any = None) -> str:
    """Imports an archive; returns the id of the job."""
    response = (client or gateway.client).post("/v1/jobs/archive", content=content, headers=ZIP)
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


def changed(content: bytes, change: Callable[[dict[str, Any]], None], **members: bytes | None) -> bytes:
    """The archive with another job.json, and other members: None removes one."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files: dict[str, bytes | None] = {name: archive.read(name) for name in archive.namelist()}
    document = json.loads(files["job.json"] or b"")
    change(document)
    files |= {"job.json": json.dumps(document).encode()} | members
    return zipped({name: each for name, each in files.items() if each is not None})


def zipped(files: dict[str, bytes]) -> bytes:
    """Returns a zip of files by name."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def steps(document: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Returns the steps of a kind, as job.json has them."""
    return [step for step in document["steps"] if step["parameters"]["kind"] == kind]
