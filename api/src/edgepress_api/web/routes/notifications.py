"""``/v1/notifications``, and those of a job."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from edgepress_api.notifications.rules import RecipientRules
from edgepress_api.notifications.showing import show_message, show_notifications
from edgepress_api.notifications.trying import try_recipients
from edgepress_api.web.adapters import Given
from edgepress_api.web.authorization import Reader, Submitter, VisibleJob
from edgepress_api.web.bodies import JSON_TYPES, YAML_TYPES, PostedRecipients
from edgepress_api.web.responses import json_response, problems
from edgepress_common.answers.notifications import JobNotifications, NotificationList, NotificationView

router = APIRouter(tags=["notifications"])

MessageId = Annotated[str, Path(pattern=r"^notice-[0-9a-f]{16}$", description="Id of the message.")]
_RECIPIENTS = {"schema": {"$ref": "#/components/schemas/Recipients"}}


@router.get("/v1/jobs/{job_id}/notifications", response_model=JobNotifications, responses=problems("not-found"))
def show_job_notifications(given: Given, _: Reader, job_id: VisibleJob) -> Response:
    """Show the recipients of a job's notifications, and the newest messages with the state of their delivery."""
    with given.database.read() as session:
        return json_response(show_notifications(session, job_id))


@router.post(
    "/v1/notifications/test",
    status_code=202,
    response_model=NotificationList,
    response_description="Accepted: the messages are queued.",
    responses=problems(
        "malformed-body", "too-large", "too-slow", "unsupported-media-type", "invalid-spec", "too-many-tests"
    ),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "The recipients in the field `notify`. Other fields are ignored: a whole spec is accepted.",
            "content": {JSON_TYPES[0]: _RECIPIENTS, YAML_TYPES[0]: _RECIPIENTS},
        }
    },
)
def send_test_messages(given: Given, who: Submitter, posted: PostedRecipients) -> Response:
    """Send a test message to each recipient of a spec. It is tried once."""
    RecipientRules.of(given.settings).check(posted.notify)
    box, now = given.submission.box, given.clock()
    with given.database.write() as session:
        messages = try_recipients(session, box, posted.notify, now, owner=who.user)
    return json_response(messages, 202)


@router.get("/v1/notifications/{message_id}", response_model=NotificationView, responses=problems("not-found"))
def show_notification(given: Given, who: Reader, message_id: MessageId) -> Response:
    """Show a message and the state of its delivery."""
    with given.database.read() as session:
        return json_response(show_message(session, message_id, who))
