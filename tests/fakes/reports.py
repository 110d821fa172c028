"""Reports with made-up figures."""

from edgepress_common.answers.job_list import JobSummary
from edgepress_common.answers.report import Baseline, Baselines, PipelineRecord, Ratios, Report, ReportRow, SizeRatios
from edgepress_common.promises import KeptPromise
from edgepress_common.results import Latency, Surroundings
from edgepress_common.spec import BuiltinDataset, ExportKind, JobSpec, Model
from fakes.job_gateway import BEGIN

BASELINE_BYTES = 44_700_000


def make_row(
    export: ExportKind,
    *,
    pipeline: str = "base",
    device: str = "host",
    accuracy: float = 0.9833,
    p50: float = 5.0,
    size_bytes: int = BASELINE_BYTES,
    zip_bytes: int | None = None,
    emulated: bool = False,
    **changes: object,
) -> ReportRow:
    """A row, with ratios to a float32 .tflite of 44.7 MB and 5 ms; zipping takes a tenth off unless that is given.

    Fields of other names are set as they are given.
    """
    size = BASELINE_BYTES / size_bytes
    zip_bytes = zip_bytes or int(0.9 * size_bytes)
    row = ReportRow(
        pipeline=pipeline,
        method="base",
        stages=("train resnet18, 6 epochs",),
        export=export,
        device=device,
        threads=1,
        accuracy=accuracy,
        precision=accuracy,
        recall=accuracy,
        f1=accuracy,
        latency_ms=Latency(runs=50, mean=p50, std=0.1, min=p50, p50=p50, p90=1.1 * p50, p99=1.3 * p50, max=2 * p50),
        total_seconds=0.36 * p50,
        images=360,
        size_bytes=size_bytes,
        zip_bytes=zip_bytes,
        encoding="dense",
        dense_size_bytes=size_bytes,
        dense_zip_bytes=zip_bytes,
        sparse_size_bytes=None,
        sparse_zip_bytes=None,
        keras_bytes=BASELINE_BYTES,
        keras_zip_bytes=BASELINE_BYTES,
        keras_with_optimizer_bytes=3 * BASELINE_BYTES,
        keras_with_optimizer_zip_bytes=3 * BASELINE_BYTES,
        sparsity=0,
        unique_weights_max=1000,
        unique_weights_per_channel_max=500,
        float_ops=0 if export == "int8" else 21,
        promises=(KeptPromise(kind="classes", promised=10, found=10),),
        epoch_seconds=4,
        stage_epoch_seconds=(4,),
        peak_memory_bytes=50_000_000,
        model_sha256="a" * 64,
        ratios=Ratios(
            float32_tflite=SizeRatios(size=size, zip=size, size_to_zip=BASELINE_BYTES / zip_bytes),
            float32_tflite_latency=None if emulated else 5 / p50,
            keras_with_optimizer=None,
        ),
        load_ms=10,
        first_inference_ms=9,
        emulated=emulated,
        throttled=None,
        surroundings=Surroundings(
            cpu="Imaginary CPU",
            machine="x86_64",
            cores=2,
            memory_bytes=2**33,
            kernel="Linux 6",
            runtime="LiteRT 2.3.0",
            delegate="XNNPACK",
        ),
        operator_times=None,
        confusion=((360,),),
    )
    return row.model_copy(update=changes)


def make_report(*rows: ReportRow, complete: bool = True) -> Report:
    """A report of a job that was to have as many measurements as it has rows."""
    return Report(
        job=JobSummary(id="job-1", name="digits", state="succeeded", created_at=BEGIN, finished_at=BEGIN, error=None),
        complete=complete,
        evaluations_done=len(rows),
        evaluations_planned=len(rows) if complete else len(rows) + 3,
        spec=JobSpec(name="digits", dataset=BuiltinDataset(image_size=32), model=Model(architecture="resnet18")),
        dataset=None,
        baselines=Baselines(
            float32_tflite=Baseline(pipeline="base", size_bytes=BASELINE_BYTES, zip_bytes=BASELINE_BYTES),
            keras_with_optimizer=None,
        ),
        pipelines=tuple(
            PipelineRecord(name=name, method="base", stages=("train resnet18, 6 epochs",))
            for name in dict.fromkeys(row.pipeline for row in rows)
        ),
        trainings=(),
        rows=rows,
        accuracy_by_export=(),
        seconds_per_epoch=(),
        failures=(),
    )
