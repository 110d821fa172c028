"""Names of pipelines that are repeated over seeds.

The first repetition has the name of the pipeline in the spec; the others append their seed: ``pruned, seed 1``. The
name of a pipeline in a spec has no comma, so that no name means two things.
"""

from dataclasses import dataclass

_SEED = ", seed "


@dataclass(frozen=True)
class Repetition:
    """A pipeline with one of its seeds.

    Attributes:
        pipeline: Name of the pipeline in the spec.
        seed: The seed of its training; None for the first repetition, which has the seed of the spec.
    """

    pipeline: str
    seed: int | None = None

    @classmethod
    def of(cls, name: str) -> "Repetition":
        """Return the repetition that has a name."""
        pipeline, separator, seed = name.rpartition(_SEED)
        return cls(pipeline, int(seed)) if separator and seed.isdecimal() else cls(name)

    @property
    def name(self) -> str:
        """Its name."""
        return self.pipeline if self.seed is None else f"{self.pipeline}{_SEED}{self.seed}"
