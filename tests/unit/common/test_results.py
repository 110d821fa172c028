"""What steps found, and what they promised, as it travels."""

import pytest
from pydantic import TypeAdapter, ValidationError

from edgepress_common.promises import KeptPromise, LayerPromise
from edgepress_common.results import ExportResult, StageResult, StepResult
from edgepress_common.steps import StepKind
from fakes.jobs import made_up


@pytest.mark.parametrize("kind", ["pack", "stage", "export", "evaluation"])
def test_what_a_step_found_survives_the_trip_through_json(kind: StepKind) -> None:
    """With its kind, which says what to read it as; promises included."""
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
    """Those that a report has words for."""
    with pytest.raises(ValidationError, match="'sparsity', 'pattern', 'unique_weights'"):
        KeptPromise.model_validate({"kind": "speed", "promised": 1, "found": 1})
