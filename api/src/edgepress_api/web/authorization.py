"""Whether somebody who is known may do what they ask for, as dependencies of routes.

A route says which scopes will do (`Reader`, `Submitter`, ...), and takes the names in its path as `VisibleJob` and the
like: what belongs to somebody else is not there.
"""

from collections.abc import Callable
from typing import Annotated, cast

from fastapi import Depends, Request, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPBearer, SecurityScopes
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException

from edgepress_api.access.principal import SCOPES, Principal, Scope
from edgepress_api.access.visibility import sees_artifact, sees_job, sees_step
from edgepress_api.web.adapters import Adapters, Given
from edgepress_api.web.parameters import DeviceNameInPath, JobId, Sha256InPath, StepKeyInPath
from edgepress_common.errors import NotFoundError

SCHEME = "token"

_scheme = HTTPBearer(
    scheme_name=SCHEME,
    bearerFormat="edgepress_<id>_<secret>",
    auto_error=False,  # `edgepress_api.web.authentication` has seen to it, in our own words
    description="Made by `edgepress tokens create`. One of the scopes that an operation names is enough; `admin` is "
    "enough for all. A gateway that listens on loopback alone asks its own machine for none. Scopes: "
    + "; ".join(f"`{scope}`: {meaning}" for scope, meaning in SCOPES.items())
    + ".",
)


# Asynchronous though most await nothing: FastAPI would send plain functions to another thread.
async def _who(request: Request) -> Principal:
    principal = request.state.principal
    assert isinstance(principal, Principal)
    return principal


async def _allowed(
    who: Annotated[Principal, Depends(_who)], needed: SecurityScopes, _: Annotated[object, Depends(_scheme)]
) -> Principal:
    scopes = cast("list[Scope]", needed.scopes)
    if scopes and not who.may(*scopes):
        has = ", ".join(sorted(who.scopes))
        raise HTTPException(
            403,
            f"the token allows {has}; accepted: one that allows {' or '.join(scopes)}, or admin",
            {"WWW-Authenticate": f'Bearer realm="Edgepress", error="insufficient_scope", scope="{" ".join(scopes)}"'},
        )
    return who


Anybody = Annotated[Principal, Security(_allowed)]
Reader = Annotated[Principal, Security(_allowed, scopes=["read"])]
Submitter = Annotated[Principal, Security(_allowed, scopes=["submit"])]
Fetcher = Annotated[Principal, Security(_allowed, scopes=["read", "device"])]
DeviceHolder = Annotated[Principal, Security(_allowed, scopes=["device"])]
Who = Annotated[Principal, Depends(_who)]

ANYBODY = Security(_allowed)
READER = Security(_allowed, scopes=["read"])


async def _visible_job(given: Given, who: Who, job_id: JobId) -> str:
    await _require(given, who, lambda session: sees_job(session, who, job_id), _no_job(job_id))
    return job_id


async def _visible_step(given: Given, who: Who, key: StepKeyInPath) -> str:
    await _require(given, who, lambda session: sees_step(session, who, key), f"no step {key!r}")
    return key


async def _visible_artifact(given: Given, who: Who, sha256: Sha256InPath) -> str:
    await _require(
        given, who, lambda session: sees_artifact(session, who, sha256), f"no artifact {sha256} in the store"
    )
    return sha256


async def _own_device(who: DeviceHolder, name: DeviceNameInPath) -> str:
    if not who.speaks_for(name):
        raise HTTPException(
            403,
            f"the token is of the device {who.device!r}, not of {name!r}; accepted: that device's own token",
            {"WWW-Authenticate": 'Bearer realm="Edgepress", error="insufficient_scope", scope="device"'},
        )
    return name


VisibleJob = Annotated[str, Depends(_visible_job)]
VisibleStep = Annotated[str, Depends(_visible_step)]
VisibleArtifact = Annotated[str, Depends(_visible_artifact)]
OwnDevice = Annotated[str, Depends(_own_device)]


def require_job(session: Session, who: Principal, job_id: str) -> None:
    """For jobs that are named elsewhere than in the path.

    Raises:
        NotFoundError: There is no such job for them.
    """
    if who.viewer is not None and not sees_job(session, who, job_id):
        raise NotFoundError(_no_job(job_id))


def _no_job(job_id: str) -> str:
    return f"no job {job_id!r}"


async def _require(given: Adapters, who: Principal, sees: Callable[[Session], bool], otherwise: str) -> None:
    if who.viewer is None:
        return  # sees all there is; whether it is there, the route finds out

    def look() -> bool:
        with given.database.read() as session:
            return sees(session)

    if not await run_in_threadpool(look):
        raise NotFoundError(otherwise)
