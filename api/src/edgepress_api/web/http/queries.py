"""Rejects query parameters that are given more than once, unless they are lists."""

from collections import Counter

from fastapi import Request
from fastapi.routing import APIRoute

from edgepress_common.errors import FieldProblem, InvalidQueryError


async def refuse_repeated_parameters(request: Request) -> None:
    """Reject repeated parameters; a dependency of every route.

    Raises:
        InvalidQueryError: A parameter that is not a list is given more than once.
    """
    if not getattr(request.scope.get("route"), "include_in_schema", True):
        return  # a page, whose script reads the query
    counts = Counter(name for name, _ in request.query_params.multi_items())
    repeated = {name for name, count in counts.items() if count > 1}
    # The description of the API, which the lists are read from, takes a quarter of a second to make.
    if repeated and (repeated := repeated - _lists(request)):
        raise InvalidQueryError(
            [
                FieldProblem(
                    field=name[:80],
                    value=[value[:80] for value in request.query_params.getlist(name)[:3]],
                    message=f"is given {counts[name]} times",
                    accepted="each parameter once",
                )
                for name in sorted(repeated)[:3]
            ]
        )


def _lists(request: Request) -> set[str]:
    """Return the names of the route's parameters that may be repeated."""
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return set()
    operation = request.app.openapi()["paths"].get(route.path, {}).get(request.method.lower(), {})
    return {each["name"] for each in operation.get("parameters", ()) if each["schema"].get("type") == "array"}
