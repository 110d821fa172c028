"""The rows of a report, from finished steps."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from edgepress_api.database import Database
from edgepress_api.report.baselines import find_baselines
from edgepress_api.report.building import build_report
from edgepress_api.report.over_seeds import find_repeats
from edgepress_api.report.records import find_failures
from edgepress_api.report.rows import find_rows
from edgepress_common.answers.report import Report
from edgepress_common.errors import NotFoundError
from edgepress_common.messages import StepFailure
from edgepress_common.promises import KeptPromise
from edgepress_common.results import EvaluationResult, ExportResult, PredictedLatency, StageResult, StepResult
from fakes.gateway_app import GatewayApp
from fakes.jobs import evaluation_result, made_up, small_spec
from fakes.reported import reported

TWO_PIPELINES = [
    {"name": "other", "exports": ["int8"], "stages": [{"kind": "train", "training": {"epochs": 3}}]},
    {"name": "base", "exports": ["float32", "int8"]},
]


def export(size_bytes: int, zip_bytes: int, **changes: object) -> ExportResult:
    """An export of a given size."""
    result = made_up("export")[1]
    assert isinstance(result, ExportResult)
    sizes = {"size_bytes": size_bytes, "zip_bytes": zip_bytes}
    dense = {f"dense_{name}": count for name, count in sizes.items()}
    return result.model_copy(update={**sizes, **dense, **changes})


def stage(**changes: object) -> StageResult:
    """A stage of which something is known."""
    result = made_up("stage")[1]
    assert isinstance(result, StageResult)
    return result.model_copy(update=changes)


def evaluation(p50_ms: float, *, emulated: bool = False, threads: tuple[int, ...] = (1,)) -> EvaluationResult:
    """A measurement of a given speed."""
    result = evaluation_result()
    one = result.measurements[0]
    latency = one.latency_ms.model_copy(update={"p50": p50_ms})
    return result.model_copy(
        update={
            "measurements": tuple(
                one.model_copy(update={"threads": count, "latency_ms": latency}) for count in threads
            ),
            "surroundings": result.surroundings.model_copy(update={"emulated": emulated}),
        }
    )


def test_a_row_has_what_its_steps_found() -> None:
    """Each figure comes from the step that measured it."""
    job = reported(small_spec(), {"int8": export(100, 80, float_operators={"ADD": 2, "MUL": 1}, sparsity=0.5)})
    row = find_rows(job, find_baselines(job))[1]
    assert (row.pipeline, row.method, row.export, row.device, row.threads) == ("base", "base", "int8", "pi", 1)
    assert (row.accuracy, row.precision, row.recall, row.f1, row.images) == (0.75, 0.8, 0.75, 0.77, 4)
    assert (row.latency_ms.p50, row.total_seconds, row.peak_memory_bytes) == (2.0, 0.008, 10_000_000)
    assert (row.size_bytes, row.zip_bytes, row.sparsity, row.float_ops) == (100, 80, 0.5, 3)
    assert (row.keras_bytes, row.keras_with_optimizer_bytes, row.epoch_seconds) == (400, 1200, 1.5)
    assert (row.model_sha256, row.confusion) == ("f" * 64, ((2, 0), (1, 1)))


def test_a_row_has_all_sizes_of_its_file_and_what_was_promised_of_it() -> None:
    """Dense and sparse, zipped or not, whichever was kept; and the values per channel."""
    promise = KeptPromise(kind="sparsity", promised=0.5, found=0.51, layers=21, layer="conv1")
    sparse = export(
        100, 80, encoding="sparse", dense_size_bytes=140, dense_zip_bytes=85, sparse_size_bytes=100,
        sparse_zip_bytes=80, unique_weights_per_channel_max=12, promises=(promise,),
    )  # fmt: skip
    job = reported(small_spec(), {"int8": sparse})
    row = find_rows(job, find_baselines(job))[1]
    assert (row.encoding, row.size_bytes, row.zip_bytes) == ("sparse", 100, 80)
    assert (row.dense_size_bytes, row.dense_zip_bytes) == (140, 85)
    assert (row.sparse_size_bytes, row.sparse_zip_bytes) == (100, 80)
    assert (row.unique_weights_per_channel_max, row.promises) == (12, (promise,))


def test_a_row_tells_each_stage_and_what_its_epochs_took() -> None:
    """Stages are in the order they were run, the training included; ``epoch_seconds`` is the last one's."""
    stages = [{"kind": "prune"}, {"kind": "cluster"}, {"kind": "quantize_aware"}]
    spec = small_spec(pipelines=[{"name": "PCQAT", "exports": ["int8"], "stages": stages}])
    seconds = {"train": 4.0, "prune": 4.5, "cluster": 5.0, "quantize_aware": 6.0}
    job = reported(spec, {kind: stage(epoch_seconds=value) for kind, value in seconds.items()})
    (row,) = find_rows(job, find_baselines(job))
    assert row.method == "prune + cluster + quantize_aware"
    assert row.stages == (
        "train resnet18, 2 epochs",
        "prune to 50 % (polynomial), 4 epochs",
        "cluster to 16 values (kmeans_plus_plus), zeros kept, 4 epochs",
        "quantize_aware, zeros and shared values kept, 4 epochs",
    )
    assert (row.stage_epoch_seconds, row.epoch_seconds) == ((4.0, 4.5, 5.0, 6.0), 6.0)


def test_a_distilled_students_keras_file_is_its_own() -> None:
    """It is not its teacher's, which is not an input of the student's file."""
    spec = small_spec(pipelines=[{"name": "small", "exports": ["int8"], "stages": [{"kind": "distill"}]}])
    job = reported(spec, {"train": stage(keras_bytes=4000), "distill": stage(keras_bytes=1000)})
    (row,) = find_rows(job, find_baselines(job))
    assert (row.method, row.keras_bytes) == ("distill", 1000)


def test_there_is_a_row_for_each_export_device_and_number_of_threads() -> None:
    """Rows are in the order of the spec."""
    results: dict[str, StepResult] = {"int8 on pi": evaluation(1, threads=(1, 4))}
    job = reported(small_spec(), results, devices=("pi", "pi"))
    rows = find_rows(job, find_baselines(job))
    assert [(row.export, row.threads) for row in rows] == [("float32", 1), ("int8", 1), ("int8", 4)]


def test_exports_of_one_kind_are_told_apart_by_their_options() -> None:
    """Each has a name of its own, and its own figures over the seeds; an export that is alone needs no options."""
    exports = ["float32", "int8", {"kind": "int8", "weight_scales": "layer", "calibration": {"bias_correction": True}}]
    job = reported(small_spec(pipelines=[{"name": "base", "exports": exports}], seeds=2), {})
    rows = find_rows(job, find_baselines(job))
    named = "int8 (calibration: {bias_correction: true}, weight_scales: layer)"
    assert [row.export_name for row in rows] == ["float32", "int8", named] * 2
    assert {row.options for row in rows if row.export == "float32"} == {""}
    assert [row.over_seeds.seeds for row in rows if row.over_seeds is not None] == [2] * 6
    assert len(find_repeats(rows, None)) == 3


def test_ratios_are_against_the_network_that_was_only_trained() -> None:
    """Its float32 file, and its Keras file with the optimizer's state; the paper's factor is file against zip."""
    job = reported(small_spec(), {"float32": export(800, 720), "int8": export(200, 120)})
    baselines = find_baselines(job)
    assert baselines.float32_tflite is not None
    assert (baselines.float32_tflite.pipeline, baselines.float32_tflite.size_bytes) == ("base", 800)
    row = find_rows(job, baselines)[1]
    assert row.ratios.float32_tflite is not None
    assert row.ratios.float32_tflite.model_dump() == {"size": 4.0, "zip": 6.0, "size_to_zip": 800 / 120}
    assert row.ratios.keras_with_optimizer is not None
    assert row.ratios.keras_with_optimizer.model_dump() == {"size": 6.0, "zip": 7.5, "size_to_zip": 10.0}


def test_both_baselines_are_of_one_pipeline() -> None:
    """They are of the first that has a float32 export, even if another comes before it."""
    baselines = find_baselines(reported(small_spec(pipelines=TWO_PIPELINES), {}))
    assert baselines.float32_tflite is not None
    assert baselines.keras_with_optimizer is not None
    assert (baselines.float32_tflite.pipeline, baselines.keras_with_optimizer.pipeline) == ("base", "base")


def test_without_a_float32_export_there_is_no_ratio_to_one() -> None:
    """The ratio to the Keras file is given."""
    job = reported(small_spec(pipelines=TWO_PIPELINES[:1]), {})
    row = find_rows(job, find_baselines(job))[0]
    assert row.ratios.float32_tflite is None
    assert row.ratios.float32_tflite_latency is None
    assert row.ratios.keras_with_optimizer is not None


def test_speed_is_compared_on_one_device_with_as_many_threads() -> None:
    """Devices that are emulated are not compared."""
    results: dict[str, StepResult] = {
        "float32 on pi": evaluation(6.0),
        "int8 on pi": evaluation(2.0, threads=(1, 4)),
        "float32 on qemu": evaluation(600.0, emulated=True).model_copy(update={"device": "qemu"}),
        "int8 on qemu": evaluation(60.0, emulated=True).model_copy(update={"device": "qemu"}),
    }
    job = reported(small_spec(), results, devices=("pi", "qemu"))
    rows = find_rows(job, find_baselines(job))
    found = {(row.export, row.device, row.threads): row.ratios.float32_tflite_latency for row in rows}
    assert found == {
        ("float32", "pi", 1): 1.0, ("int8", "pi", 1): 3.0, ("int8", "pi", 4): None,
        ("float32", "qemu", 1): None, ("int8", "qemu", 1): None,
    }  # fmt: skip
    assert [row.emulated for row in rows if row.device == "qemu"] == [True, True]


def test_a_failure_is_told_once_and_what_it_caused_is_not() -> None:
    """It is listed with all the pipelines that lack the step."""
    spec = small_spec(pipelines=[{"name": name, "exports": [kind]} for name, kind in (("a", "int8"), ("b", "float32"))])
    failed = StepFailure(code="out_of_memory", message="no memory", retryable=False)
    caused = StepFailure(code="input_failed", message="needs 'train'", retryable=False)
    job = reported(spec, {})
    job = replace(
        job,
        pipelines=tuple(
            replace(
                pipeline,
                steps=tuple(
                    replace(step, result=None, failure=failed if step.title == "train" else caused)
                    for step in pipeline.steps
                ),
            )
            for pipeline in job.pipelines
        ),
    )
    (record,) = find_failures(job)
    assert (record.title, record.pipelines, record.code, record.message) == (
        "train", ("a", "b"), "out_of_memory", "no memory"
    )  # fmt: skip
    assert find_rows(job, find_baselines(job)) == ()


def test_the_report_of_a_finished_job_is_complete(database: Database, tmp_path: Path) -> None:
    """It has the data set, each training once, and a row per export."""
    gateway = GatewayApp(database, tmp_path)
    job_id = gateway.finished_job(pipelines=TWO_PIPELINES)
    with database.read() as session:
        report = build_report(session, job_id)
    assert report.complete
    assert (report.evaluations_done, report.evaluations_planned) == (3, 3)
    assert [(row.pipeline, row.export) for row in report.rows] == [
        ("other", "int8"), ("base", "float32"), ("base", "int8")
    ]  # fmt: skip
    assert [(training.stage, training.pipelines) for training in report.trainings] == [
        ("train", ("other",)), ("train", ("base",))
    ]  # fmt: skip
    assert [(pipeline.name, pipeline.method, pipeline.stages) for pipeline in report.pipelines] == [
        ("other", "base", ("train resnet18, 3 epochs",)), ("base", "base", ("train resnet18, 2 epochs",))
    ]  # fmt: skip
    assert [(entry.pipeline, len(entry.exports)) for entry in report.accuracy_by_export] == [("other", 1), ("base", 2)]
    assert [entry.pipelines for entry in report.seconds_per_epoch] == [("other",), ("base",)]
    assert report.dataset is not None
    assert report.dataset.classes == ("0", "1")
    assert report.failures == ()
    assert Report.model_validate_json(report.model_dump_json()) == report


def test_the_report_of_a_running_job_has_the_existing_results(database: Database, tmp_path: Path) -> None:
    """The report says that it is incomplete."""
    gateway = GatewayApp(database, tmp_path)
    job_id = gateway.submit()
    with database.read() as session:
        empty = build_report(session, job_id)
    gateway.workforce.finish_all_steps()
    gateway.workforce.evaluate()
    with database.read() as session:
        partial = build_report(session, job_id)
    assert (empty.complete, empty.dataset, empty.rows, empty.trainings) == (False, None, (), ())
    assert (partial.complete, len(partial.rows), partial.evaluations_done, partial.evaluations_planned) == (
        False, 1, 1, 2
    )  # fmt: skip


def test_the_report_of_a_job_that_failed_says_why(database: Database, tmp_path: Path) -> None:
    """It is complete, though nothing was measured."""
    gateway = GatewayApp(database, tmp_path)
    job_id = gateway.submit()
    (pack,) = gateway.workforce.take()
    failure = StepFailure(code="unreadable_dataset", message="no images", retryable=False)
    with database.write() as session:
        gateway.ledger.fail(session, pack.step_key, 1, failure=failure, now=gateway.now + timedelta(seconds=1))
    with database.read() as session:
        report = build_report(session, job_id)
    assert (report.complete, report.job.state, report.rows) == (True, "failed", ())
    assert [(record.title, record.message) for record in report.failures] == [("pack", "no images")]


def test_there_is_no_report_without_a_job(database: Database) -> None:
    """The error is the one for an unknown name."""
    with database.read() as session, pytest.raises(NotFoundError):
        build_report(session, "job-1")


@pytest.mark.parametrize(
    ("after", "shown"), [((), True), (({"kind": "quantize_aware"},), True), (({"kind": "factorize"},), False)]
)
def test_a_predicted_latency_is_shown_at_the_file_that_it_is_of(after: tuple[dict[str, str], ...], shown: bool) -> None:
    """With its device, export and number of threads, unless a later stage has changed what the network computes."""
    predicted = PredictedLatency(
        device="pi", export="int8", threads=4, target_ms=3, source_ms=9, ms=2.9, low_ms=2, high_ms=4, confidence=0.9
    )
    stages = [{"kind": "prune_channels"}, *after]
    exports = ["int8"] if len(after) else ["float32", "int8"]
    spec = small_spec(pipelines=[{"name": "fast", "stages": stages, "exports": exports}])
    results: dict[str, StepResult] = {
        "prune_channels": stage(predicted_latency=predicted),
        "float32 on pi": evaluation(9.0, threads=(1, 4)),
        "int8 on pi": evaluation(3.1, threads=(1, 4)),
    }
    job = reported(spec, results)
    rows = find_rows(job, find_baselines(job))
    found = [(row.export, row.threads) for row in rows if row.predicted_latency == predicted]
    assert found == ([("int8", 4)] if shown else [])
