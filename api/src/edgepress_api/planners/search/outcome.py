"""The outcome of a search: its winner, and the price of each limit. Nothing here sees the test split.

The winner is the best finalist by the mean of its figures over all seeds; before finalists have their seeds, the best
pipeline that was trained for all epochs. If no file keeps all limits, it is the one that misses them by least.

The price of a limit is found among the files that keep all other limits: the best value of the limited figure, which is
the nearest limit that could be kept, and the best value of the first objective.
"""

from collections.abc import Iterator, Sequence

from edgepress_api.planners.search.past import Past
from edgepress_api.planners.search.ranking import Ranked, cost, excess
from edgepress_common.answers.trials import LimitPrice
from edgepress_common.figures.formats import points
from edgepress_common.figures.objectives import OBJECTIVES
from edgepress_common.spec import Criterion


def find_winner(past: Past) -> Ranked | None:
    """Return the best pipeline so far, with the means of its figures over seeds; None without any."""
    return next(iter(past.ranked_finalists() or past.ranked_full()), None)


def find_prices(past: Past) -> Iterator[LimitPrice]:
    """Yield the price of each limit."""
    ranked = past.ranked_full()
    limits, reference = past.search.limits, past.full_reference()
    missed = [
        {name for name in past.search.criteria() if excess(name, each.candidate.values, limits, reference)}
        for each in ranked
    ]
    objective = past.search.objectives[0]
    for name in past.search.criteria():
        limit = getattr(limits, OBJECTIVES[name].limit)
        if limit is None:
            continue
        others = [each for each, by in zip(ranked, missed, strict=True) if by <= {name}]
        all_kept = [each for each, by in zip(ranked, missed, strict=True) if not by]
        price = LimitPrice(
            limit=OBJECTIVES[name].limit,
            value=limit,
            kept_by=sum(name not in by for by in missed),
            nearest=_best(name, others),
            best_with=_best(objective, all_kept),
            best_without=_best(objective, others),
            words="",
        )
        yield price.model_copy(update={"words": _words(price, name, objective, reference.get(name))})


def _best(criterion: Criterion, among: Sequence[Ranked]) -> float | None:
    values = (each.candidate.values[criterion] for each in among)
    return min(values, key=lambda value: cost(criterion, value), default=None)


def _words(price: LimitPrice, name: Criterion, objective: Criterion, reference: float | None) -> str:
    limited, text = OBJECTIVES[name], OBJECTIVES[objective].figure.text
    is_drop = limited.limit_kind == "drop"
    begin = f"{price.limit} {points(price.value) if is_drop else limited.figure.text(price.value)}: "
    if price.nearest is None:
        return f"{begin}no file keeps the other limits."
    if price.best_with is None:
        nearest = limited.figure.text(price.nearest)
        if is_drop and reference is not None:
            nearest = f"a drop of {points(max(0.0, reference - price.nearest))}"
        return f"{begin}no file keeps all limits; the nearest to this one that keeps the others has {nearest}."
    if price.best_with == price.best_without or name == objective:
        return f"{begin}costs no {OBJECTIVES[objective].goal.title} among the files that keep the other limits."
    return (
        f"{begin}costs {OBJECTIVES[objective].goal.title}: {text(price.best_with)} with it, "
        f"{text(price.best_without)} without it."
    )
