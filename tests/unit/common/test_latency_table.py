"""Predictions of a device's latency model, and the plan of a stage that decides by one."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from edgepress_common.errors import InvalidInputError
from edgepress_common.latency_table import LatencyTable, TermTimes
from edgepress_common.plan import LatencyTables, Plan, make_plan
from edgepress_common.results import OperatorWork
from edgepress_common.spec import JobSpec, Pipeline
from edgepress_common.steps import StageStep

LATENCY = {"device": "pi", "ms": 8}


def table(*fits: TermTimes, **changes: str) -> LatencyTable:
    """Return the latency model of a device with one number of threads, or others."""
    one = TermTimes(threads=1, terms={"convolution calls": 0.1, "convolution macs": 1e-6}, interval=0.1, confidence=0.9)
    content = {"device": "pi", "export": "int8", "runtime": "litert 2", "processor": "Cortex-A72"} | changes
    return LatencyTable(**content, fits=fits or (one,))


def pipeline(**changes: Any) -> dict[str, Any]:
    """Return a pipeline whose stage has a latency as its target."""
    stage = {"kind": "prune_channels", "target": {"latency": LATENCY | changes}}
    return {"name": "fast", "stages": [stage], "exports": ["float32", {"kind": "int8", "keep_float": 2}]}


def plan(tables: LatencyTables, *pipelines: dict[str, Any]) -> Plan:
    """Return the plan of a small job."""
    spec = JobSpec.model_validate(
        {
            "name": "digits",
            "dataset": {"kind": "builtin", "image_size": 32},
            "model": {"architecture": "resnet18"},
            "pipelines": pipelines or (pipeline(),),
            "seeds": 2,
        }
    )
    return make_plan(spec, fingerprint="f", devices=("pi",), tables=tables)


def test_a_network_is_predicted_with_its_fastest_number_of_threads() -> None:
    """Two threads start operators more slowly, and multiply faster."""
    two = TermTimes(threads=2, terms={"convolution calls": 0.3, "convolution macs": 5e-7}, interval=1, confidence=0.8)
    both = table(*table().fits, two)
    small, large = (
        OperatorWork(kind="convolution", calls=2, macs=macs, weights=0, values=0) for macs in (100_000, 4_000_000)
    )
    found = both.predict((small,)), both.predict((large,))
    assert [(each.threads, each.confidence) for each in found if each] == [(1, 0.9), (2, 0.8)]
    assert [round(each.ms, 6) for each in found if each] == [0.3, 2.6]
    assert [(each.low_ms, each.high_ms) for each in found if each][1] == pytest.approx((1.3, 5.2))


def test_an_operator_that_was_never_measured_is_not_predicted() -> None:
    """A model of convolutions says nothing about pooling."""
    assert table().predict((OperatorWork(kind="pooling", calls=1, macs=0, weights=0, values=9),)) is None


def test_the_step_names_what_decided_it() -> None:
    """Another fit is another step; stages without such a target have none, and keep their keys."""
    name = ("pi", "int8 keep_float=2")
    other = TermTimes(threads=1, terms={"convolution macs": 2e-6}, interval=0.1, confidence=0.9)
    plans = [plan({name: each}) for each in (table(), table(), table(other))]
    keys = [[step.key for step in each.steps] for each in plans]
    assert keys[0] == keys[1]
    stages = [
        (step.title, step.parameters.latency) for step in plans[0].steps if isinstance(step.parameters, StageStep)
    ]
    assert stages == [("train", None), ("prune_channels", table()), ("train", None), ("prune_channels", table())]
    differ = [step.title for step, key in zip(plans[0].steps, keys[2], strict=True) if step.key != key]
    assert set(differ) == {"prune_channels", "float32", "int8", "float32 on pi", "int8 on pi"}
    plain = pipeline() | {"stages": [{"kind": "prune_channels"}]}
    assert plan({name: table()}, plain) == plan({}, plain)
    assert '"latency"' not in plan({}, plain).model_dump_json()


def test_a_target_without_a_latency_model_is_not_planned() -> None:
    """A planner can only propose targets that the job was posted with."""
    with pytest.raises(InvalidInputError, match="no latency model of pi for int8 keep_float=2; accepted: devices and"):
        plan({("pi", "int8"): table()})


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ({"latency": LATENCY, "keep": 0.3}, "keep is 0.3 next to latency; accepted: either of and keep, or latency"),
        ({"latency": LATENCY, "of": "weights"}, "of is weights next to latency; accepted: either"),
        ({"latency": LATENCY | {"ms": 0}}, "greater than 0"),
        ({"latency": LATENCY | {"device": "any"}}, "any is not a device, .* accepted: the name of a device"),
        ({"latency": LATENCY | {"export": "int7"}}, "Input should be 'float32'"),
        (
            {"latency": LATENCY | {"export": "int4"}},
            r"stages\[0\].target.latency.export is 'int4', which the pipeline does not export; accepted: float32, int8",
        ),
    ],
)
def test_targets_that_contradict_the_pipeline_are_refused(target: dict[str, Any], words: str) -> None:
    """With the value, and what is accepted."""
    stage = {"kind": "prune_channels", "target": target}
    with pytest.raises(ValidationError, match=words):
        Pipeline.model_validate(pipeline() | {"stages": [stage]})


def test_a_stored_target_is_read_again() -> None:
    """It states the defaults of the share that it does not use."""
    found = Pipeline.model_validate(pipeline())
    assert Pipeline.model_validate_json(found.model_dump_json()) == found
