"""The recipients of a job's notifications, as they are stored."""

import hashlib
import json

from edgepress_api.access.sealing import SecretBox
from edgepress_api.database import RecipientRow
from edgepress_common.spec.notify import Recipient, in_full


def new_recipient(box: SecretBox, recipient: Recipient, owner: str, job_number: int | None = None) -> RecipientRow:
    """Return a recipient as it is stored.

    Args:
        box: Encrypts it.
        recipient: The recipient.
        owner: User who named it.
        job_number: Number of the job that names it; None for a row that is not stored.
    """
    content = {name: value for name, value in in_full(recipient).items() if name != "when"}
    document = json.dumps(content, sort_keys=True)
    return RecipientRow(
        job_number=job_number,
        kind=recipient.kind,
        secret=box.seal(document),
        digest=hashlib.sha256(f"{owner}\0{document}".encode()).hexdigest(),
        shown=recipient.shown,
        notices=recipient.when,
    )
