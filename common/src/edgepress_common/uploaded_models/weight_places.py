"""Where the weights of each layer lie in a file, by its class and its place among the layers of that class."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Place:
    """An HDF5 group, as Keras 3 and TensorFlow 2.15 name it, and as TensorFlow 2.12 to 2.14 do."""

    now: str
    older: str


@dataclass(frozen=True)
class Counts:
    """For each class, how many of its layers there have been in a model, as each version counts."""

    now: Counter[str] = field(default_factory=Counter)
    older: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Position:
    """The reader's position in the nested models."""

    place: Place
    prefix: str
    depth: int
    counts: Counts

    def next_place(self, group: str, *, has_weights: bool) -> Place:
        """Return where the weights of the next layer of a class are.

        The older versions count a layer with weights twice: as a layer, and as one with weights.
        """
        now, older = self.counts.now[group], self.counts.older[group]
        self.counts.now[group] += 1
        self.counts.older[group] += 1 + has_weights
        return Place(
            f"{self.place.now}layers/{group}{f'_{now}' if now else ''}",
            f"{self.place.older}_layer_checkpoint_dependencies/{group}{f'_{older}' if older else ''}",
        )
