"""Authorization of authenticated clients, as dependencies of routes.

A route declares the scopes of which one is enough (`Reader`, `Submitter`, ...), and takes the names in its path as
`VisibleJob` and similar types: a resource of another user responds with 404.
"""

from collections.abc import Callable
from typing import Annotated, cast

from fastapi import Depends, Request, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPBearer, SecurityScopes
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException

from edgepress_api.access.principal import Principal
from edgepress_api.access.visibility import sees_artifact, sees_job, sees_step
from edgepress_api.web.adapters import Adapters, Given
from edgepress_api.web.parameters import DeviceNameInPath, JobId, Sha256InPath, StepKeyInPath
from edgepress_common.answers.users import SCOPES, Scope
from edgepress_common.errors import NotFoundError

SCHEME = "token"

_scheme = HTTPBearer(
    scheme_name=SCHEME,
    bearerFormat="edgepress_<id>_<secret>",
    auto_error=False,  # `edgepress_api.web.authentication` rejects the request, with our own message
    description="Create a token with `edgepress tokens create`. One of the scopes that an operation names is enough; "
    "`admin` is enough for all. A gateway that listens only on loopback does not require a token. Scopes: "
    + "; ".join(f"`{scope}`: {meaning}" for scope, meaning in SCOPES.items())
    + ".",
)


# Asynchronous, though most await nothing: FastAPI would run plain functions in another thread.
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


Authenticated = Annotated[Principal, Security(_allowed)]
Reader = Annotated[Principal, Security(_allowed, scopes=["read"])]
Submitter = Annotated[Principal, Security(_allowed, scopes=["submit"])]
Fetcher = Annotated[Principal, Security(_allowed, scopes=["read", "device"])]
DeviceHolder = Annotated[Principal, Security(_allowed, scopes=["device"])]
Who = Annotated[Principal, Depends(_who)]

AUTHENTICATED = Security(_allowed)
READER = Security(_allowed, scopes=["read"])


async def _visible_job(given: Given, who: Who, job_id: JobId) -> str:
    await _require(given, who, lambda session: sees_job(session, who, job_id), _no_job(job_id))
    return job_id


async def _visible_step(given: Given, who: Who, key: StepKeyInPath) -> str:
    await _require(given, who, lambda session: sees_step(session, who, key), f"step {key!r} does not exist")
    return key


async def _visible_artifact(given: Given, who: Who, sha256: Sha256InPath) -> str:
    await _require(
        given,
        who,
        lambda session: sees_artifact(session, who, sha256),
        f"artifact {sha256} does not exist in the store",
    )
    return sha256


async def _own_device(who: DeviceHolder, name: DeviceNameInPath) -> str:
    if not who.speaks_for(name):
        raise HTTPException(
            403,
            f"the token is for the device {who.device!r}, not for {name!r}; accepted: a token for {name!r}",
            {"WWW-Authenticate": 'Bearer realm="Edgepress", error="insufficient_scope", scope="device"'},
        )
    return name


VisibleJob = Annotated[str, Depends(_visible_job)]
VisibleStep = Annotated[str, Depends(_visible_step)]
VisibleArtifact = Annotated[str, Depends(_visible_artifact)]
OwnDevice = Annotated[str, Depends(_own_device)]


def require_job(session: Session, who: Principal, job_id: str) -> None:
    """Check that the client may see a job that is not named in the path.

    Raises:
        NotFoundError: The job does not exist, or belongs to another user.
    """
    if who.viewer is not None and not sees_job(session, who, job_id):
        raise NotFoundError(_no_job(job_id))


def _no_job(job_id: str) -> str:
    return f"job {job_id!r} does not exist"


async def _require(given: Adapters, who: Principal, sees: Callable[[Session], bool], otherwise: str) -> None:
    if who.viewer is None:
        return  # may see all jobs; the route checks whether the job exists

    def look() -> bool:
        with given.database.read() as session:
            return sees(session)

    if not await run_in_threadpool(look):
        raise NotFoundError(otherwise)
