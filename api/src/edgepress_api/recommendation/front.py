"""The Pareto front, its knee and its hypervolume.

- An alternative is on the **front** unless another is at least as good in every criterion and better in one.
- The **knee** is the point beyond which giving up more of one criterion gains little of the other: the point of the
  front that is farthest, on the good side, from the straight line between the front's two ends (Das 1999, On
  characterizing the "knee" of the Pareto curve, doi:10.1007/s001580050111). A front without a point beyond the line has
  none.
- The **hypervolume** (Zitzler and Thiele 1998) of two criteria is the area that the front dominates, down to a
  reference: one number for a whole front, larger for better fronts.

Points are rows of scores, larger being better.
"""

from collections.abc import Sequence

ScorePoint = tuple[float, float]

_LEAST_BULGE = 1e-9  # nearer to the line than rounding


def pareto_front(points: Sequence[Sequence[float]]) -> list[int]:
    """Return the positions of the points on the front, equal points included."""
    front: list[int] = []
    # From the largest: what dominates a point comes before it, and what is not on the front is dominated from there.
    for position in sorted(range(len(points)), key=lambda at: tuple(points[at]), reverse=True):
        if not any(_dominates(points[other], points[position]) for other in front):
            front.append(position)
    return sorted(front)


def knee(points: Sequence[ScorePoint], front: Sequence[int]) -> int | None:
    """Return the position of the front's knee; None where there is none.

    Args:
        points: All points, on comparable scales.
        front: Positions of those on the front.
    """
    ordered = sorted(front, key=lambda position: points[position])
    if not ordered:
        return None
    (x0, y0), (x1, y1) = points[ordered[0]], points[ordered[-1]]
    # Twice the area of the triangle with the two ends: the distance, but for a factor that is the same for all.
    bulge = {at: (points[at][0] - x0) * (y0 - y1) + (points[at][1] - y0) * (x1 - x0) for at in ordered}
    best = max(ordered, key=lambda at: bulge[at])
    return best if bulge[best] > _LEAST_BULGE else None


def hypervolume(points: Sequence[ScorePoint], reference: ScorePoint = (0.0, 0.0)) -> float:
    """Return the area between a reference and the points that are better in both criteria."""
    area, height = 0.0, reference[1]
    inside = [(x, y) for x, y in points if x > reference[0] and y > reference[1]]
    for x, y in sorted(inside, reverse=True):  # from the right, each adds what rises above those before it
        if y > height:
            area += (x - reference[0]) * (y - height)
            height = y
    return area


def _dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(a >= b for a, b in zip(one, other, strict=True)) and any(a > b for a, b in zip(one, other, strict=True))
