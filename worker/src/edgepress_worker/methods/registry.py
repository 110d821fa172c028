"""The runners of the methods, by kind."""

from edgepress_worker import methods
from edgepress_worker.implementations import Implementations
from edgepress_worker.methods.method import MethodRunner

RUNNERS: Implementations[MethodRunner] = Implementations(
    methods.__name__, methods.__path__, folder="worker/methods", name="RUNNER"
)
