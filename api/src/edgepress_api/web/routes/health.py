"""``/health``: whether the process lives, and whether it can do its work."""

import logging
from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter
from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from edgepress_api.database import JobRow
from edgepress_api.web.adapters import Adapters, Given
from edgepress_api.web.authorization import ANYBODY
from edgepress_api.web.responses import json_response, problems
from edgepress_common.errors import UnavailableError
from edgepress_common.frozen import Frozen

logger = logging.getLogger(__name__)

router = APIRouter(tags=["operation"])


class Health(Frozen):
    """All is well."""

    status: Literal["ok"] = "ok"


@router.get("/health/live", response_model=Health)
async def check_life() -> Response:
    """Say that the process answers, whatever else is away."""
    return json_response(Health())


@router.get("/health/ready", response_model=Health, responses=problems("unavailable"), dependencies=[ANYBODY])
def check_readiness(given: Given) -> Response:
    """Say whether database and Redis answer."""
    checks: dict[str, Callable[[], object]] = {"database": lambda: _ask_database(given), "Redis": given.ping_redis}
    away = [name for name, check in checks.items() if not _answers(name, check)]
    if away:
        raise UnavailableError(f"no answer from: {', '.join(away)}")
    return json_response(Health())


def _answers(name: str, check: Callable[[], object]) -> bool:
    try:
        check()
    except (SQLAlchemyError, RedisError, OSError) as error:
        logger.warning("no answer from %s: %s", name, error)
        return False
    return True


def _ask_database(given: Adapters) -> None:
    with given.database.read() as session:
        session.execute(select(JobRow.number).limit(1))
