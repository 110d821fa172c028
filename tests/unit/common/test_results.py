"""Results and promises of steps, as they are transferred."""

import pytest
from pydantic import TypeAdapter, ValidationError

from edgepress_common.promises import KeptPromise, LayerPromise
from edgepress_common.results import ExportResult, StageResult, StepResult
from edgepress_common.steps import StepKind
from fakes.jobs import made_up


@pytest.mark.parametrize("kind", ["pack", "stage", "export", "evaluation"])
def test_what_a_step_found_survives_the_trip_through_json(kind: StepKind) -> None:
    """Its kind determines the type to read it as; promises are included."""
    _, result = made_up(kind)
    assert TypeAdapter[StepResult](StepResult).validate_json(result.model_dump_json()) == result
    if isinstance(result, StageResult | ExportResult):
        assert result.promises


def test_a_layer_of_which_nothing_is_said_promises_nothing() -> None:
    """So that a stage can leave layers alone."""
    assert LayerPromise(layer="conv0").model_dump(exclude={"layer"}, exclude_defaults=True) == {}


@pytest.mark.parametrize(
    "said", [{"sparsity": 1.1}, {"sparsity": -0.1}, {"clusters": 0}, {"grid": "row"}, {"colour": "red"}]
)
def test_what_no_layer_can_promise_is_refused(said: dict[str, object]) -> None:
    """A share is between 0 and 1, and there is at least one value."""
    with pytest.raises(ValidationError):
        LayerPromise.model_validate({"layer": "conv0"} | said)


def test_a_promise_is_of_a_kind_that_is_known() -> None:
    """A promise has one of the kinds that a report can describe."""
    with pytest.raises(ValidationError, match="'sparsity', 'pattern', 'unique_weights'"):
        KeptPromise.model_validate({"kind": "speed", "promised": 1, "found": 1})


def test_open_figures_travel_and_are_left_out_where_there_are_none() -> None:
    """Gateways of earlier releases refuse the field; a value that is not a number is refused here."""
    _, result = made_up("export")
    assert isinstance(result, ExportResult)
    assert '"figures"' not in result.model_dump_json()
    content = result.model_dump(mode="json") | {"figures": {"entropy": 5.5}}
    assert ExportResult.model_validate(content).model_dump(mode="json") == content
    with pytest.raises(ValidationError, match="finite"):
        ExportResult.model_validate(content | {"figures": {"entropy": float("nan")}})


def test_results_of_a_newer_worker_can_be_read() -> None:
    """Unknown fields are ignored."""
    _, result = made_up("evaluation")
    content = result.model_dump(mode="json") | {"colour": "red"}
    assert TypeAdapter[StepResult](StepResult).validate_python(content) == result
