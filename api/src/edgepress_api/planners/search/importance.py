"""The importance of each choice of a search, by optuna's PED-ANOVA; see `edgepress_common.answers.search_analysis`.

The evaluator draws no random numbers: the same trials have the same importances. Results are kept for the last few
searches by what they are computed from, so a page that is opened again does not wait.
"""

import warnings
from collections.abc import Iterator
from functools import lru_cache

from edgepress_api.planners.search.past import Past
from edgepress_api.planners.search.ranking import cost
from edgepress_common.spec import Criterion

LEAST_TRIALS = 10
_BEST = 0.1  # of the trials, as the paper and optuna have it
_LEAST_BEST = 5  # trials; optuna's advice

_Row = tuple[tuple[tuple[str, str], ...], float]


def best_share(count: int) -> float:
    """Return the share of a number of trials that count as the best."""
    return max(_BEST, _LEAST_BEST / count) if count else _BEST


def find_importances(past: Past) -> Iterator[tuple[Criterion, dict[str, float]]]:
    """Yield each criterion with the share of each choice; none for fewer than `LEAST_TRIALS` measured trials."""
    choices, ranked = past.choices(), past.ranked_tried()
    if len(ranked) < LEAST_TRIALS:
        return
    members = [tuple(choices[each.candidate.pipeline].items()) for each in ranked]
    for name in past.search.criteria():
        costs = (cost(name, each.candidate.values[name]) for each in ranked)
        yield name, dict(_importances(tuple(zip(members, costs, strict=True))))


@lru_cache(maxsize=64)
def _importances(rows: tuple[_Row, ...]) -> tuple[tuple[str, float], ...]:
    import optuna  # noqa: PLC0415 - takes half a second, which only searches should wait for

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    labels: dict[str, dict[str, None]] = {}
    for member, _ in rows:
        for choice, label in member:
            labels.setdefault(choice, {})[label] = None
    distributions: dict[str, optuna.distributions.BaseDistribution] = {
        choice: optuna.distributions.CategoricalDistribution(tuple(found)) for choice, found in labels.items()
    }
    study = optuna.create_study()
    study.add_trials(
        [
            optuna.trial.create_trial(value=value, params=dict(member), distributions=distributions)
            for member, value in rows
        ]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a choice with one value has none, and that its interface is experimental
        evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=best_share(len(rows)))
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return tuple((choice, found.get(choice, 0.0)) for choice in labels)
