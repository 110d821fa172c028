"""``/health``: liveness and readiness of the gateway."""

import logging
from collections.abc import Callable

from fastapi import APIRouter
from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from edgepress_api.database import JobRow
from edgepress_api.web.adapters import Adapters, Given
from edgepress_api.web.authorization import AUTHENTICATED
from edgepress_api.web.responses import json_response, problems
from edgepress_common.answers.health import Health
from edgepress_common.errors import UnavailableError

logger = logging.getLogger(__name__)

router = APIRouter(tags=["operation"])


@router.get("/health/live", response_model=Health)
async def check_life() -> Response:
    """Report that the process answers, without checking other services."""
    return json_response(Health())


@router.get("/health/ready", response_model=Health, responses=problems("unavailable"), dependencies=[AUTHENTICATED])
def check_readiness(given: Given) -> Response:
    """Report whether the database and Redis answer."""
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
