"""The study's two tables, worked out for every pipeline and stage."""

from collections.abc import Sequence

import pytest

from edgepress_api.report.study_tables import find_accuracies, find_seconds_per_epoch
from edgepress_common.results import EvaluationResult, StageResult, StepResult
from edgepress_common.steps import StageStep, Step
from fakes.jobs import made_up, small_spec
from fakes.paper_report import PLAIN_EPOCH_SECONDS, paper_job
from fakes.reported import Result, reported, reported_with

PRUNED = {"name": "PR", "exports": ["float32", "int8"], "stages": [{"kind": "prune"}]}


def evaluated(device: str, accuracy: float) -> EvaluationResult:
    """A measurement of a given accuracy."""
    result = made_up("evaluation")[1]
    assert isinstance(result, EvaluationResult)
    return result.model_copy(update={"device": device, "accuracy": accuracy})


def without(title: str) -> Result:
    """All done but one."""

    def result(step: Step, _: Sequence[StageStep]) -> StepResult | None:
        return None if step.title == title else made_up(step.kind)[1]

    return result


def test_table_1_has_the_model_itself_and_each_export() -> None:
    """The base's row is the study's; every other pipeline has its own."""
    first, *others = find_accuracies(paper_job())
    assert (first.pipeline, first.method, first.device) == ("base", "base", "pi4")
    assert first.keras_accuracy == 0.945
    assert [(entry.export, entry.accuracy) for entry in first.exports] == [
        ("float32", 0.945), ("float16", 0.945), ("dynamic", 0.945), ("int16x8", 0.945), ("int8", 0.9325)
    ]  # fmt: skip
    assert len(others) == 12
    assert {len(entry.exports) for entry in others} == {5}


def test_table_1_takes_the_accuracy_of_the_last_stage() -> None:
    """That is the model which was exported."""
    stage = made_up("stage")[1]
    results: dict[str, StepResult] = {
        "train": stage.model_copy(update={"val_accuracy": 0.9}), "prune": stage.model_copy(update={"val_accuracy": 0.8})
    }  # fmt: skip
    (entry,) = find_accuracies(reported(small_spec(pipelines=[PRUNED]), results))
    assert entry.keras_accuracy == 0.8


def test_table_1_tells_devices_apart_and_leaves_out_what_is_not_measured() -> None:
    """Kernels differ from device to device, and so may accuracies."""
    results: dict[str, StepResult] = {
        f"{kind} on {device}": evaluated(device, accuracy)
        for kind, device, accuracy in (("float32", "pi", 0.8), ("int8", "pi", 0.7), ("float32", "qemu", 0.79))
    }
    spec = small_spec()
    whole = reported(spec, results | {"int8 on qemu": evaluated("qemu", 0.71)}, ("pi", "qemu"))
    assert [(entry.device, [each.accuracy for each in entry.exports]) for entry in find_accuracies(whole)] == [
        ("pi", [0.8, 0.7]), ("qemu", [0.79, 0.71])
    ]  # fmt: skip
    (entry,) = find_accuracies(reported_with(spec, without("int8 on pi")))
    assert [each.export for each in entry.exports] == ["float32"]
    assert find_accuracies(reported_with(spec, lambda *_: None)) == ()


def test_table_2_has_every_stage_once_under_the_method_it_comes_to() -> None:
    """Stages that pipelines share are listed once, with the names of the pipelines."""
    entries = find_seconds_per_epoch(paper_job())
    found = [(entry.method, entry.stage, len(entry.pipelines)) for entry in entries]
    assert found == [
        ("base", "train", 12),
        ("prune", "prune", 1),
        ("prune", "prune", 4),
        ("cluster", "cluster", 1),
        ("cluster", "cluster", 1),
        ("cluster", "cluster", 1),
        ("prune + cluster", "cluster", 2),
        ("quantize_aware", "quantize_aware", 1),
        ("prune + quantize_aware", "quantize_aware", 1),
        ("cluster", "cluster", 1),
        ("cluster + quantize_aware", "quantize_aware", 1),
        ("prune + cluster + quantize_aware", "quantize_aware", 1),
        ("distill", "distill", 1),
        ("train", "train", 1),
    ]
    assert entries[2].pipelines == ("PR", "PR CL", "PQAT", "PCQAT")
    assert len({entry.summary for entry in entries}) == len(entries)


def test_table_2_compares_with_an_epoch_of_the_jobs_network() -> None:
    """This also holds where another network is trained, and without a pipeline that only trains."""
    by_stage = {entry.summary: entry for entry in find_seconds_per_epoch(paper_job())}
    assert by_stage["train resnet18, 11 epochs"].seconds == PLAIN_EPOCH_SECONDS
    assert by_stage["train resnet18, 11 epochs"].times_plain_training == 1
    assert by_stage["quantize_aware, 4 epochs"].times_plain_training == pytest.approx(1.38)
    assert by_stage["distill into mobilenet_v2, 11 epochs"].times_plain_training == pytest.approx(0.8 * 1.24)
    assert by_stage["distill into mobilenet_v2, 11 epochs"].architecture == "mobilenet_v2"
    only_pruned = reported(small_spec(pipelines=[PRUNED]), {"prune": _slow(3.0)})
    assert [entry.times_plain_training for entry in find_seconds_per_epoch(only_pruned)] == [1, 2]


def test_table_2_has_no_ratio_without_an_epoch_of_plain_training() -> None:
    """None of the job's network, or one too short to be timed."""
    student = {"kind": "train", "model": {"architecture": "mobilenet_v2"}}
    other = reported(small_spec(pipelines=[{"name": "a", "exports": ["int8"], "stages": [student]}]), {})
    instant = reported(small_spec(), {"train": _slow(0.0)})
    assert [find_seconds_per_epoch(job)[0].times_plain_training for job in (other, instant)] == [None, None]


def test_table_2_has_what_is_done_so_far() -> None:
    """A stage that runs still has no time."""
    job = reported_with(small_spec(pipelines=[PRUNED]), without("prune"))
    assert [(entry.stage, entry.epochs, entry.seconds) for entry in find_seconds_per_epoch(job)] == [("train", 0, 1.5)]


def _slow(epoch_seconds: float) -> StageResult:
    result = made_up("stage")[1]
    assert isinstance(result, StageResult)
    return result.model_copy(update={"epoch_seconds": epoch_seconds})
