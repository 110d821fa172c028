"""The analysis of a search: the growth of its front, the importance of choices, and its charts."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise, product
from pathlib import Path

import pytest

from edgepress_api.database import JobRow, StepRow
from edgepress_api.jobs.pipeline_ends import find_ends
from edgepress_api.planners.search.growth import Point, find_growth, volume
from edgepress_api.planners.search.importance import LEAST_TRIALS, find_importances
from edgepress_api.planners.search.past import Past
from edgepress_api.planners.search.ranking import cost, value_of
from edgepress_api.report.charts.parallel_picture import parallel_picture
from edgepress_api.report.charts.picture import picture
from edgepress_api.report.charts.search import parallel_coordinates, search_charts
from edgepress_common.answers.charts import Chart, ChartAxis, ParallelChart, ParallelLine
from edgepress_common.answers.search_analysis import SearchAnalysis
from edgepress_common.answers.trials import TrialsView, TrialView
from edgepress_common.trial import Trial
from fakes.gateway_app import GatewayApp, sqlite_gateway
from fakes.search import MadeUpWorld, search_spec
from fakes.searching import RandomFigures, finish_search, submit_search

SMALL = {"networks": [{"architecture": "resnet18"}, {"architecture": "resnet18", "width": 0.5}], "teachers": ["none"]}
OBJECTIVES = ["accuracy", "latency", "coded"]


def searched(**limits: float) -> Past:
    """A search through all members of a small space, with made-up figures; limits may rule members out."""
    spec = search_spec(space=SMALL, objectives=OBJECTIVES, limits=limits, strategy="grid", screening=1, seeds=1,
                       budget={"trials": 1000})  # fmt: skip
    return Past(spec, "pi", MadeUpWorld().run(spec))


@pytest.fixture(scope="module")
def past() -> Past:
    """A search with a limit of latency."""
    return searched(max_latency_ms=1.5)


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway whose device measures random figures, a minute for each file."""
    found = sqlite_gateway(tmp_path)
    found.workforce.change = RandomFigures(found, random.Random(0)).change
    return found


def hours_of(past: Past) -> dict[str, float]:
    """Return an hour for each pipeline, one after another."""
    return {result.name: float(at) for at, result in enumerate(past.results, 1)}


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([], 0),
        ([(0.3,), (0.7,)], 0.7),
        ([(0.5, 0.5)], 0.25),
        ([(1.0, 0.2), (0.5, 0.6)], 0.2 + 0.5 * 0.4),  # two rectangles that overlap in 0.5 x 0.2
        ([(1.0, 0.2), (0.5, 0.6), (0.4, 0.5)], 0.2 + 0.5 * 0.4),  # the third is dominated
        ([(0.5, 0.5, 0.5), (1.0, 0.2, 0.1)], 0.125 + 0.02 - 0.5 * 0.2 * 0.1),
        ([(0.5, 0.5, 0.0)], 0),
    ],
)
def test_the_hypervolume_of_examples_by_hand(points: list[Point], expected: float) -> None:
    """In one, two and three objectives."""
    assert volume(points) == pytest.approx(expected)


def test_the_hypervolume_is_the_share_of_cells_that_are_dominated() -> None:
    """Points on a grid of eight; the cells are counted."""
    source = random.Random(0)
    for _ in range(50):
        points = [tuple(source.randrange(9) / 8 for _ in range(3)) for _ in range(source.randrange(1, 12))]
        cells = product(*[[(at + 0.5) / 8 for at in range(8)]] * 3)
        inside = sum(any(all(a < b for a, b in zip(cell, point, strict=True)) for point in points) for cell in cells)
        assert volume(points) == pytest.approx(inside / 8**3)


@pytest.mark.parametrize(("name", "value"), [("accuracy", 0.93), ("latency", 0.4), ("coded", 123_456.0)])
def test_a_cost_has_one_value(name: str, value: float) -> None:
    """The reference point is told in the figure's unit."""
    assert value_of(name, cost(name, value)) == pytest.approx(value)


def test_the_front_grows_by_files_that_no_earlier_one_dominates(past: Past) -> None:
    """Computed a second time from the definition: scores between the ideal and the reference point, then the cells."""
    growth = find_growth(past, hours_of(past))
    kept = {each.candidate.pipeline: each.candidate.values for each in past.ranked_full() if not each.excess}
    order = [result.name for result in past.results if result.name in kept]
    expected: list[str] = []
    seen: list[tuple[float, ...]] = []
    for name in order:
        costs = tuple(cost(each, kept[name][each]) for each in growth.objectives)
        if not any(all(a <= b for a, b in zip(other, costs, strict=True)) for other in seen):
            expected.append(name)
        seen.append(costs)
    assert [name for name, _ in growth.steps] == expected
    volumes = [found for _, found in growth.steps]
    assert volumes == sorted(volumes)
    assert 0 < volumes[-1] < 1
    front = [each.candidate.values for each in past.ranked_full() if each.on_front]
    assert growth.ideal["accuracy"] == pytest.approx(max(each["accuracy"] for each in front))
    assert growth.ideal["latency"] == pytest.approx(min(each["latency"] for each in front))
    best, worst = growth.ideal["latency"], max(each["latency"] for each in front)
    assert growth.reference["latency"] == pytest.approx(best * (worst / best) ** 1.1)
    ends = [(cost(each, growth.ideal[each]), cost(each, growth.reference[each])) for each in growth.objectives]
    scores = [
        tuple(
            max(0.0, (last - cost(each, values[each])) / (last - first))
            for each, (first, last) in zip(growth.objectives, ends, strict=True)
        )
        for values in kept.values()
    ]
    source = random.Random(1)
    draws = [tuple(source.random() for _ in range(3)) for _ in range(20_000)]
    inside = sum(any(all(a < b for a, b in zip(draw, score, strict=True)) for score in scores) for draw in draws)
    assert volumes[-1] == pytest.approx(inside / len(draws), abs=0.012)


def test_a_front_of_one_objective_grows_to_one() -> None:
    """The best value so far, between the worst of all files and the best."""
    spec = search_spec(space=SMALL, objectives=["latency"], strategy="grid", screening=1, seeds=1,
                       budget={"trials": 1000})  # fmt: skip
    past = Past(spec, "pi", MadeUpWorld().run(spec))
    growth = find_growth(past, hours_of(past))
    assert growth.steps[-1][1] == pytest.approx(1)
    assert growth.steps[0][1] < 1


def test_without_a_file_that_keeps_the_limits_there_is_no_front() -> None:
    """Neither an ideal nor a reference point."""
    spec = search_spec(space=SMALL, objectives=OBJECTIVES, limits={"max_latency_ms": 0.001}, strategy="grid",
                       screening=1, seeds=1, budget={"trials": 1000})  # fmt: skip
    past = Past(spec, "pi", MadeUpWorld().run(spec))
    growth = find_growth(past, hours_of(past))
    assert (growth.steps, growth.ideal, growth.reference) == ((), {}, {})


@pytest.mark.slow  # importing optuna's evaluators takes seconds
def test_the_choice_that_decides_a_figure_is_the_most_important() -> None:
    """In this world, latency depends on the network and on the channels that are kept, and on no zeros."""
    past = searched()
    found = dict(find_importances(past))
    assert list(found) == OBJECTIVES
    for shares in found.values():
        assert sum(shares.values()) == pytest.approx(1)
    ordered = sorted(found["latency"], key=found["latency"].__getitem__, reverse=True)
    assert set(ordered[:2]) == {"network", "keep_macs"}
    assert found["latency"]["zeros"] < 0.05
    assert found["coded"]["zeros"] > found["latency"]["zeros"]
    assert dict(find_importances(past)) == found


def test_a_few_trials_have_no_importances() -> None:
    """They would be noise."""
    spec = search_spec(space=SMALL, objectives=["accuracy"], screening=1, seeds=1,
                       budget={"trials": LEAST_TRIALS - 1})  # fmt: skip
    assert list(find_importances(Past(spec, "pi", MadeUpWorld().run(spec)))) == []


def test_a_pipeline_ends_with_its_last_step(tmp_path: Path) -> None:
    """The hours are those of all steps that had ended by then; steps from before the job cost nothing."""
    gateway = sqlite_gateway(tmp_path)
    job_id = gateway.finished_job(
        pipelines=[{"name": "one", "exports": ["float32"]}, {"name": "two", "exports": ["int8"]}]
    )
    start = datetime(2026, 1, 1, 12, tzinfo=UTC)
    ends = {"pack": 1, "stage": 2, "export": 3, "evaluation": 4}
    with gateway.database.write() as session:
        job = session.query(JobRow).filter_by(id=job_id).one()
        job.created_at = start
        number = job.number
        for row in session.query(StepRow):
            is_second = "int8" in row.title
            row.finished_at = start + timedelta(hours=ends[row.kind] + is_second)
            row.started_at = row.finished_at - timedelta(minutes=30)
            if row.kind == "pack":
                row.started_at, row.finished_at = start - timedelta(hours=2), start - timedelta(hours=1)
    with gateway.database.read() as session:
        found = find_ends(session, number)
    assert found["one"].at == start + timedelta(hours=4)
    assert found["two"].at == start + timedelta(hours=5)
    assert found["one"].hours == pytest.approx(4 * 0.5)  # the training, two exports, an evaluation
    assert found["two"].hours == pytest.approx(5 * 0.5)


@pytest.mark.slow
def test_the_gateway_answers_with_the_analysis(gateway: GatewayApp) -> None:
    """From the first moment on; and the report of the job has its charts."""
    job_id = submit_search(gateway, objectives=OBJECTIVES, budget={"trials": 12})
    path = f"/v1/jobs/{job_id}/trials/analysis"
    begun = SearchAnalysis.model_validate_json(gateway.client.get(path).content)
    assert (begun.growth, begun.importances, begun.charts, begun.parallel) == ((), (), (), None)
    finish_search(gateway)
    found = SearchAnalysis.model_validate_json(gateway.client.get(path).content)
    trials = TrialsView.model_validate_json(gateway.client.get(f"/v1/jobs/{job_id}/trials").content)
    assert {each.pipeline for each in found.growth} <= {each.name for each in trials.trials}
    assert [each.hours for each in found.growth] == sorted(each.hours for each in found.growth)
    assert max(each.hours or 0 for each in trials.trials) == pytest.approx(trials.hours, abs=0.02)
    assert found.importance_trials == 12
    assert found.importance_best == pytest.approx(5 / 12)
    assert [chart.title for chart in found.charts] == [
        "Accuracy against latency",
        "Accuracy against coded size",
        "Hypervolume of the front over hours of work",
        *(f"Importance of each choice for {name}" for name in ("accuracy", "latency", "coded size")),
    ]
    assert found.parallel is not None
    assert [axis.title for axis in found.parallel.axes[:3]] == ["network", "teacher", "keep macs"]
    page = gateway.client.get(f"/v1/jobs/{job_id}/report.html").text
    titles = (found.parallel.title, *(chart.title for chart in found.charts))
    assert all(f"<figcaption>{title}</figcaption>" in page for title in titles)
    drawn = page[page.index('<figure class="drawn parallel">') :].partition("</figure>")[0]
    assert drawn.count("<polyline") == len(found.parallel.lines)
    assert drawn.count('<line class="axis"') == len(found.parallel.axes)


def test_a_job_without_a_search_has_no_analysis(gateway: GatewayApp) -> None:
    """Like its trials."""
    response = gateway.client.get(f"/v1/jobs/{gateway.submit()}/trials/analysis")
    assert (response.status_code, "has no search" in response.json()["detail"]) == (404, True)


def view_of(*trials: TrialView) -> TrialsView:
    """Return a search with these trials."""
    return TrialsView(
        complete=True, device="pi", criteria=("accuracy", "latency"), objectives=2, trials=trials, tried=2,
        trials_budget=2, hours=1, hours_budget=None, winner=None, prices=(),
    )  # fmt: skip


def record_of(kind: str = "full", **changes: object) -> Trial:
    """Return the record of a trial."""
    return Trial.model_validate({"kind": kind, "choices": {"zeros": "0.5"}, "reason": "because"} | changes)


def trial_of(name: str, kind: str = "full", **changes: object) -> dict[str, object]:
    """Return the fields of a measured trial."""
    record = record_of(kind)
    return {
        "name": name, "state": "succeeded", "trial": record, "values": {"accuracy": 0.9, "latency": 5.0},
        "keeps_limits": True, "on_front": True, "place": 1, "stopped": None,
    } | changes  # fmt: skip


def test_predicted_latencies_are_drawn_against_measured_ones() -> None:
    """With their interval; trials without a prediction are left out, and without any there is no chart."""
    plain = TrialView.model_validate(trial_of("plain"))
    record = record_of(predicted_latency_ms=4, predicted_low_ms=3, predicted_high_ms=6)
    predicted = TrialView.model_validate(trial_of("predicted", trial=record))
    charts = {chart.title: chart for chart in search_charts(view_of(plain, predicted), (), ())}
    [point] = charts["Predicted against measured latency"].series[1].points
    assert (point.x, point.y) == (4, 5)
    assert point.spread is not None
    assert (point.spread.low, point.spread.high) == (3, 6)
    assert "Predicted against measured latency" not in {chart.title for chart in search_charts(view_of(plain), (), ())}


def test_parallel_coordinates_have_each_member_once() -> None:
    """A trial with all epochs instead of its screening; a value that the space has lost keeps its row."""
    screened = TrialView.model_validate(trial_of("trial 1 short", "screening"))
    full = TrialView.model_validate(trial_of("trial 1"))
    other = Trial(kind="screening", choices={"zeros": "0.9"}, reason="because")
    gone = TrialView.model_validate(trial_of("trial 2 short", trial=other))
    found = parallel_coordinates(view_of(screened, full, gone), {"zeros": ("0", "0.5")})
    assert found is not None
    assert [line.name for line in found.lines] == ["trial 1", "trial 2 short"]
    assert found.axes[0].rows == ("0", "0.5", "0.9")
    assert [line.values for line in found.lines] == [(1, 90, 5), (2, 90, 5)]


def test_parallel_coordinates_have_a_picture() -> None:
    """Rows from the bottom, the front in front; a line is interrupted where a value is not known."""
    chart = ParallelChart(
        title="All trials",
        summary="Three trials",
        axes=(
            ChartAxis(title="zeros", rows=("0", "0.5")),
            ChartAxis(title="a choice of a longer name", rows=("yes",)),
            ChartAxis(title="accuracy, %"),
            ChartAxis(title="latency, ms", is_log=True),
        ),
        lines=(
            ParallelLine(name="best", values=(1, 0, 90, 10), colour="m0"),
            ParallelLine(name="screened", values=(0, None, 80, 1), colour="muted"),
            ParallelLine(name="full", values=(0, 0, 85, 3), colour="m4"),
        ),
    )
    drawn = parallel_picture(chart)
    assert [each.line.name for each in drawn.lines] == ["screened", "full", "best"]
    places = [axis.x for axis in drawn.axes]
    assert all(other - one >= 76 for one, other in pairwise([*places, drawn.width]))
    assert [(tick.position, tick.label) for tick in drawn.axes[0].ticks] == [(180, "0"), (60, "0.5")]
    assert drawn.lines[0].parts == (f"{places[0]:.1f},180.0", f"{places[2]:.1f},240.0 {places[3]:.1f},240.0")
    (best,) = drawn.lines[-1].parts
    assert [point.partition(",")[2] for point in best.split()] == ["60.0", "120.0", "0.0", "0.0"]


def test_every_chart_of_a_search_has_a_picture(past: Path) -> None:
    """Nothing is drawn outside of it."""
    trial = TrialView.model_validate(trial_of("trial 1"))
    charts: tuple[Chart, ...] = search_charts(view_of(trial), (), ())
    for chart in charts:
        drawn = picture(chart)
        assert all(0 <= mark.x <= drawn.width for drawing in drawn.drawings for mark in drawing.marks)
