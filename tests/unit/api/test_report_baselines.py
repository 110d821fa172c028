"""Baselines of ratios, and names of methods, for any name and position of a pipeline."""

from collections.abc import Sequence
from typing import Any

import pytest

from edgepress_api.report.baselines import find_baselines
from edgepress_api.report.rows import find_rows
from edgepress_api.report.steps import ReportedJob
from edgepress_common.answers.report import Baseline
from edgepress_common.results import ExportResult, StageResult, StepResult
from edgepress_common.spec import JobSpec
from edgepress_common.steps import StageStep, Step
from fakes.jobs import made_up, small_spec
from fakes.reported import reported_with

Described = dict[str, Any]

BASE: Described = {"name": "trained", "exports": ["float32", "int8"]}
PRUNED: Described = {"name": "pruned", "exports": ["float32", "int8"], "stages": [{"kind": "prune"}]}
DISTILLED: Described = {"name": "distilled", "exports": ["float32"], "stages": [{"kind": "distill"}]}
STUDENT: Described = {
    "name": "student", "exports": ["float32"], "stages": [{"kind": "train", "model": {"architecture": "mobilenet_v2"}}]
}  # fmt: skip
LONGER: Described = {
    "name": "longer", "exports": ["float32"], "stages": [{"kind": "train", "training": {"epochs": 9}}]
}  # fmt: skip
FLOAT32_BYTES, STUDENT_BYTES, OPTIMIZER_FACTOR = 1000, 200, 3


def spec_of(*pipelines: Described) -> JobSpec:
    """A job with these pipelines."""
    return small_spec(pipelines=list(pipelines))


def job_of(*pipelines: Described) -> ReportedJob:
    """Done: ResNet18 has 1000 bytes, MobileNetV2 200; a pruned one's file 600 and 300; int8 a quarter; zip halves."""

    def result(step: Step, stages: Sequence[StageStep]) -> StepResult:
        found = made_up(step.kind)[1]
        if not stages:
            return found
        dense = FLOAT32_BYTES if stages[-1].model.architecture == "resnet18" else STUDENT_BYTES
        match found:
            case StageResult():
                size = OPTIMIZER_FACTOR * dense * stages[-1].training.epochs
                return found.model_copy(
                    update={"keras_with_optimizer_bytes": size, "keras_with_optimizer_zip_bytes": size // 2}
                )
            case ExportResult():
                dense = dense // 4 if step.title == "int8" else dense
                is_sparse = any(stage.stage.kind == "prune" for stage in stages)
                size = int(0.6 * dense) if is_sparse else dense
                return found.model_copy(
                    update={
                        "size_bytes": size,
                        "zip_bytes": size // 2,
                        "encoding": "sparse" if is_sparse else "dense",
                        "dense_size_bytes": dense,
                        "dense_zip_bytes": dense // 2,
                    }
                )
            case _:
                return found

    return reported_with(spec_of(*pipelines), result)


@pytest.mark.parametrize("order", [(BASE, PRUNED, DISTILLED, STUDENT), (STUDENT, DISTILLED, PRUNED, BASE)])
def test_the_baselines_are_the_jobs_network_as_trained(order: tuple[Described, ...]) -> None:
    """A compressed, a distilled or another network is not a baseline, in any order."""
    baselines = find_baselines(job_of(*order))
    assert baselines.float32_tflite == Baseline(pipeline="trained", size_bytes=1000, zip_bytes=500)
    assert baselines.keras_with_optimizer == Baseline(pipeline="trained", size_bytes=6000, zip_bytes=3000)


def test_a_compressed_file_is_compared_with_the_uncompressed_one() -> None:
    """Its own pipeline has a float32 export too: zip is compared with zip, and with the file as it is."""
    job = job_of(PRUNED, BASE)
    float32, int8 = find_rows(job, find_baselines(job))[:2]
    assert float32.ratios.float32_tflite is not None
    assert float32.ratios.float32_tflite.size == pytest.approx(1000 / 600)
    assert int8.ratios.float32_tflite is not None
    assert int8.ratios.float32_tflite.model_dump() == pytest.approx(
        {"size": 1000 / 150, "zip": 500 / 75, "size_to_zip": 1000 / 75}
    )
    assert int8.ratios.keras_with_optimizer is not None
    assert int8.ratios.keras_with_optimizer.size_to_zip == 6000 / 75


def test_a_student_is_compared_with_the_jobs_network() -> None:
    """Distilled or trained plainly: in size and in time, as the study does."""
    job = job_of(BASE, DISTILLED, STUDENT)
    students = find_rows(job, find_baselines(job))[2:]
    assert [row.pipeline for row in students] == ["distilled", "student"]
    for row in students:
        assert row.ratios.float32_tflite is not None
        assert row.ratios.float32_tflite.size == 5
        assert row.ratios.float32_tflite_latency == 1


def test_without_the_uncompressed_export_there_is_no_ratio_to_one() -> None:
    """Rather than one to a file that is compressed already. The Keras file is there, since the network was trained."""
    job = job_of(PRUNED)
    baselines = find_baselines(job)
    assert baselines.float32_tflite is None
    assert baselines.keras_with_optimizer == Baseline(pipeline="pruned", size_bytes=6000, zip_bytes=3000)
    assert all(row.ratios.float32_tflite is None for row in find_rows(job, baselines))


def test_without_the_jobs_network_there_is_no_baseline() -> None:
    """This applies where every pipeline trains another network."""
    baselines = find_baselines(job_of(STUDENT))
    assert (baselines.float32_tflite, baselines.keras_with_optimizer) == (None, None)


def test_the_jobs_own_settings_come_before_others() -> None:
    """This applies where its network is trained in several ways; other settings are used if there is no other run."""
    both, only = find_baselines(job_of(LONGER, BASE)), find_baselines(job_of(LONGER))
    assert [baselines.float32_tflite and baselines.float32_tflite.pipeline for baselines in (both, only)] == [
        "trained", "longer"
    ]  # fmt: skip


def test_methods_are_named_by_what_was_done() -> None:
    """The names of the pipelines do not matter."""
    quantized_student = STUDENT | {"name": "q", "stages": [*STUDENT["stages"], {"kind": "quantize_aware"}]}
    all_of_it = PRUNED | {"name": "all", "stages": [{"kind": kind} for kind in ("prune", "cluster", "quantize_aware")]}
    job = job_of(BASE, LONGER, PRUNED, DISTILLED, STUDENT, quantized_student, all_of_it)
    assert {pipeline.name: job.method_of(pipeline) for pipeline in job.pipelines} == {
        "trained": "base",
        "longer": "base",
        "pruned": "prune",
        "distilled": "distill",
        "student": "train",
        "q": "train + quantize_aware",
        "all": "prune + cluster + quantize_aware",
    }
