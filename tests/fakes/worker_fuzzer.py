"""Packs hostile archives and builds hostile .keras files as a worker does, without the gateway's checks before it.

Each is refused with `InvalidInputError`, which fails the job with a reason, or gives a result that can be reported.
None takes long, or leaves a file anywhere but in the artifact store.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from edgepress_common.errors import InvalidInputError
from edgepress_common.spec import UploadedModel
from edgepress_worker.keras_environment import keras
from edgepress_worker.uploaded_models.building import build_uploaded
from fakes.archives import pack_upload
from fakes.keras_weights import small_weights
from fakes.mutations import archive, keras_upload
from fakes.step_context import PlainContext

_MOST_SECONDS = 60.0  # for one input, on a busy machine; most take less than 1 s


@dataclass
class WorkerFuzzer:
    """See the module.

    Attributes:
        folder: An existing, empty folder.
        seed: Seed of the inputs.
        outcomes: Number of refused and accepted inputs, by kind of input.
    """

    folder: Path
    seed: int = 0
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        self._context = PlainContext(self.folder)
        self._weights = small_weights()
        self._file = self.folder / "input"

    def send(self, inputs: int) -> None:
        """Process so many inputs of each kind.

        Raises:
            Exception: Any other than a refusal: it would fail the step as an internal error.
            AssertionError: Something is left behind, or it took too long.
        """
        kinds: dict[str, Callable[[], None]] = {"packed archives": self._pack, "built models": self._build}
        for kind, process in kinds.items():
            counted = self.outcomes.setdefault(kind, Counter())
            for number in range(inputs):
                began = time.monotonic()
                refusal = None
                try:
                    process()
                except InvalidInputError as error:
                    refusal = str(error)
                counted["accepted" if refusal is None else "refused"] += 1
                assert refusal != "", f"{kind} {number}: refused without a reason"
                seconds = time.monotonic() - began
                assert seconds < _MOST_SECONDS, f"{kind} {number}: {seconds:.0f} s"
                assert [*self._context.scratch.iterdir()] == [], f"{kind} {number}"
                assert {path.name for path in self.folder.iterdir()} == {"artifacts", "scratch", "input"}

    def _pack(self) -> None:
        self._file.write_bytes(archive(self._rng))
        _, result = pack_upload(self._file, self._context, max_unreadable_share=self._rng.choice((0.01, 0.9)))
        result.model_dump_json()

    def _build(self) -> None:
        self._file.write_bytes(keras_upload(self._rng, weights=self._weights))
        model = UploadedModel(sha256="a" * 64, pixels="0_to_255")
        build_uploaded(model, self._file, image_size=32, classes=10, scratch=self._context.scratch)
        keras.backend.clear_session()
