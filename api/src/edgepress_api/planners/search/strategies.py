"""The strategies of a search: which members of its space to try next.

All but ``grid`` are optuna's samplers. The study is built in memory from the trials so far each time, and the sampler
is seeded with the spec's seed and the number of trials, so that the same trials give the same proposals.

- ``nsga2``: parents are chosen from the elite of all trials by NSGA-II, and crossed and mutated.
- ``knee_guided``: the same, with an elite of those nearest the knee by Manhattan distance; see `ranking`.
- ``tpe``: Tree-structured Parzen Estimator, with the limits as constraints.
- ``random``: uniformly.
- ``grid``: in the order of the space.

A sampler may repeat itself, or combine values that the space excludes. It is then asked again, a limited number of
times; what is missing after that is drawn at random from the members that were not tried. At most half of a generation
starts a new training: the others share the trained network of earlier trials or of this generation.
"""

import random
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import ceil
from typing import TYPE_CHECKING, Any

from edgepress_api.planners.search.past import MemberKey, key_of
from edgepress_common.spec.search import Strategy
from edgepress_common.trial import Choices

if TYPE_CHECKING:
    import optuna

_ASKED_PER_MEMBER = 8  # at most
_ELITE = 8  # parents of a generation
# Two or three of seven choices. Budgets of searches are small: with the usual one, children repeat their parents.
_MUTATION = 0.4
# With a thousand trials, tpe would take ten seconds for a generation: it is told the best ones and a sample of others.
_BEST_TOLD = 50
_OTHERS_TOLD = 50
_PREFIX = ("network", "teacher", "keep_macs")
"""Choices that decide the training that takes most of a trial's time."""


@dataclass(frozen=True)
class Told:
    """A trial, as strategies see it.

    Attributes:
        choices: The member of the space.
        costs: Cost in each criterion; None for a trial that failed.
        excess: By how much it misses the limits.
    """

    choices: Choices
    costs: tuple[float, ...] | None = None
    excess: float = 0.0


def next_members(
    strategy: Strategy,
    members: Sequence[Choices],
    told: Sequence[Told],
    *,
    count: int,
    seed: int,
    place: Callable[[Choices], int | None] = lambda _: 0,
) -> list[Choices]:
    """Return members of the space that were not tried, those with a common training next to one another.

    Args:
        strategy: The strategy.
        members: All members of the space, in order.
        told: The trials so far: first those with figures, the best first, then those without.
        count: Number of members; fewer are returned if the space has no more.
        seed: Seed of the search.
        place: Function that returns None for a member that is not to be tried; else members with a lower number come
            first.
    """
    tried = {key_of(each.choices) for each in told}
    open_to = {key_of(member): member for member in members if place(member) is not None}
    untried = {key: member for key, member in open_to.items() if key not in tried}

    def in_order(choices: Iterable[Choices]) -> list[Choices]:
        return sorted(choices, key=lambda each: place(each) or 0)

    source = random.Random(f"{seed} {len(told)}")  # noqa: S311 - not for secrets
    rest = list(untried.values())
    if strategy != "grid":
        source.shuffle(rest)
        rest = in_order(rest)
        asked = _ask(strategy, _values(members), told, count=_ASKED_PER_MEMBER * count, seed=source.getrandbits(32))
        new = (key_of(choices) for choices in asked if key_of(choices) in untried)
        rest = in_order(untried[key] for key in islice(_once(new), count + count // 2)) + rest
    chosen = _with_few_trainings(rest, {_prefix(each.choices) for each in told}, count)
    positions = {key_of(member): at for at, member in enumerate(members)}
    return sorted(chosen, key=lambda member: positions[key_of(member)])


def _with_few_trainings(ordered: Sequence[Choices], trained: set[MemberKey], count: int) -> list[Choices]:
    """Return the first members of which at most half start a new training; more of them if there are no others."""
    unique = [dict(key) for key in _once(map(key_of, ordered))]
    started: set[MemberKey] = set()
    chosen, spare = [], []
    for member in unique:
        is_new = _prefix(member) not in trained | started
        if is_new and len(started) >= max(1, count // 2):
            spare.append(member)
            continue
        started |= {_prefix(member)} - trained
        chosen.append(member)
        if len(chosen) == count:
            return chosen
    return (chosen + spare)[:count]


def _once(keys: Iterable[MemberKey]) -> Iterator[MemberKey]:
    """Yield each key the first time."""
    seen: set[MemberKey] = set()
    for key in keys:
        if key not in seen:
            seen.add(key)
            yield key


def _prefix(choices: Choices) -> MemberKey:
    return tuple((name, choices.get(name, "")) for name in _PREFIX)


def _values(members: Sequence[Choices]) -> dict[str, tuple[str, ...]]:
    """Return the labels of each choice, in the order of the members."""
    return {name: tuple(dict.fromkeys(member[name] for member in members)) for name in members[0]}


def _ask(
    strategy: Strategy, values: Mapping[str, tuple[str, ...]], told: Sequence[Told], *, count: int, seed: int
) -> Iterator[Choices]:
    """Yield what optuna's sampler asks for next."""
    import optuna  # noqa: PLC0415 - takes half a second, which only searches should wait for

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    distributions: dict[str, optuna.distributions.BaseDistribution] = {
        name: optuna.distributions.CategoricalDistribution(labels) for name, labels in values.items()
    }
    in_space = [each for each in told if all(each.choices.get(name) in labels for name, labels in values.items())]
    others = in_space[_BEST_TOLD:]
    known = in_space[:_BEST_TOLD] + others[:: ceil(len(others) / _OTHERS_TOLD) or 1]
    costs = next((each.costs for each in known if each.costs is not None), (0.0,))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study = optuna.create_study(directions=["minimize"] * len(costs), sampler=_sampler(strategy, seed))
        for place, each in enumerate(known):
            study.add_trial(
                optuna.trial.create_trial(
                    state=optuna.trial.TrialState.FAIL if each.costs is None else optuna.trial.TrialState.COMPLETE,
                    values=each.costs,
                    params=each.choices,
                    distributions=distributions,
                    user_attrs={_PLACE: place},
                    constraints={"limits": each.excess},
                )
            )
        for _ in range(count):
            yield study.ask(distributions).params


_PLACE = "place"


def _sampler(strategy: Strategy, seed: int) -> "optuna.samplers.BaseSampler":
    import optuna  # noqa: PLC0415 - as above

    class Evolution(optuna.samplers.NSGAIISampler):
        """One generation, whose parents are the elite of all trials before."""

        def get_trial_generation(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> int:  # noqa: ARG002
            return 1

        def get_population(self, study: optuna.Study, generation: int) -> list[optuna.trial.FrozenTrial]:
            return study.get_trials(states=[optuna.trial.TrialState.COMPLETE]) if generation == 0 else []

    def nearest_the_knee(_: optuna.Study, population: list[optuna.trial.FrozenTrial]) -> list[Any]:
        return sorted(population, key=lambda trial: int(trial.user_attrs[_PLACE]))[:_ELITE]

    match strategy:
        case "knee_guided" | "nsga2":
            return Evolution(
                population_size=_ELITE,
                mutation_prob=_MUTATION,
                seed=seed,
                elite_population_selection_strategy=nearest_the_knee if strategy == "knee_guided" else None,
            )
        case "tpe":
            return optuna.samplers.TPESampler(seed=seed, constant_liar=True)
        case _:
            return optuna.samplers.RandomSampler(seed=seed)
