"""The sources of data sets, by kind."""

from typing import Any

from edgepress_worker import datasets
from edgepress_worker.datasets.source import DatasetSource
from edgepress_worker.implementations import Implementations

# Each source accepts the parameters of its kind.
SOURCES: Implementations[DatasetSource[Any]] = Implementations(
    datasets.__name__, datasets.__path__, folder="worker/datasets", name="SOURCE"
)
