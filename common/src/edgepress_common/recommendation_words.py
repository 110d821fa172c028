"""Display names of purposes, ranking methods and criteria, shared by all pages and the command line."""

from edgepress_common.answers.recommendation import PURPOSES
from edgepress_common.figures.objectives import OBJECTIVES
from edgepress_common.spec import Criterion, RankingMethod

__all__ = ["CRITERION_WORDS", "PURPOSES", "RANKING_TITLES"]

RANKING_TITLES: dict[RankingMethod, str] = {"weighted_sum": "weighted sum", "topsis": "TOPSIS", "ahp": "AHP"}
CRITERION_WORDS: dict[Criterion, str] = {name: each.goal.title for name, each in OBJECTIVES.items()}

NOT_SIGNIFICANT = "not statistically significant"
"""The term for a difference that another sample of images could turn round; pages explain it."""
