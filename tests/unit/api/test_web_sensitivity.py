"""``GET /v1/jobs/{id}/models/{sha256}/sensitivity``."""

from pathlib import Path

import pytest
from sqlalchemy import select

from edgepress_api.database import StepRow
from edgepress_common.results import ExportResult, LayerSensitivity, Sensitivity
from fakes.gateway_app import GatewayApp, sqlite_gateway

MEASURED = Sensitivity(
    images=100,
    float_accuracy=0.9,
    int8_accuracy=0.6,
    layers=(
        LayerSensitivity(layer="stem", signal_to_noise_db=4.5, accuracy=0.88),
        LayerSensitivity(layer="head", signal_to_noise_db=40.25, accuracy=0.6),
    ),
    kept_float=("stem",),
)


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway."""
    return sqlite_gateway(tmp_path)


def test_the_costs_of_a_file_are_those_of_its_export(gateway: GatewayApp) -> None:
    """The layers are in the order of the result; a file without them, or of another job, says what is accepted."""
    job_id = gateway.finished_job(pipelines=[{"name": "base", "exports": ["int8"]}])
    with gateway.database.read() as session:
        (int8,) = session.scalars(select(StepRow).where(StepRow.kind == "export")).all()
        assert int8.outputs is not None
        address = f"/v1/jobs/{job_id}/models/{int8.outputs['tflite'].sha256}/sensitivity"
    for refused, words in (
        (address, "sensitivity: true"),
        (f"/v1/jobs/{job_id}/models/{'0' * 64}/sensitivity", "has not exported the file"),
    ):
        answer = gateway.client.get(refused)
        assert answer.status_code == 404
        assert words in answer.json()["detail"]
    with gateway.database.write() as session:
        (int8,) = session.scalars(select(StepRow).where(StepRow.kind == "export")).all()
        assert isinstance(int8.result, ExportResult)
        int8.result = int8.result.model_copy(update={"sensitivity": MEASURED})
    assert Sensitivity.model_validate(gateway.client.get(address).json()) == MEASURED
