"""The words that the project does not use, each with what to write instead.

Matching ignores case, takes whole words and crosses line breaks. An underscore separates words, as a blank does, so
phrases are found in names: ``nobody`` in ``nobody_needs_it``, ``in turns`` in ``served_in_turns``. ``ALLOWED`` lists
the files in which a phrase is right, each with the reason.
"""

import re
from dataclasses import dataclass

# Between two words: an underscore, blanks, or a line break with the indentation and the comment sign of the next line.
GAP = r"(?:_|[ \t]+|[ \t]*\n[ \t]*(?:(?:#|//|\*|>)[ \t]*)?)"


@dataclass(frozen=True)
class Rule:
    """A phrase that is not used.

    Attributes:
        phrase: A regular expression; a blank in it also matches a line break.
        instead: What to write.
        suffixes: Endings of files that it applies to.
    """

    phrase: str
    instead: str
    suffixes: tuple[str, ...] = (".md", ".py", ".js", ".html")

    @property
    def pattern(self) -> re.Pattern[str]:
        """Finds the phrase in the text of a file."""
        return re.compile(rf"(?<![A-Za-z])(?:{self.phrase.replace(' ', GAP)})(?![A-Za-z])", re.IGNORECASE)


PYTHON = (".py",)

RULES = (
    # Indefinite pronouns: name the actor and the thing.
    Rule("nobody(?:'s)?", "name the actor: no client, no job, unreferenced"),
    Rule("somebody(?:'s)?|anybody(?:'s)?|everybody(?:'s)?", "name the actor: the client, another worker, all users"),
    Rule("whoever|whomever|whosoever|whom", "name the actor: the client that ..., the user who ..."),
    Rule("whatever", "any ..., or name the thing"),
    Rule("what is there|what there is|those that are", "name the things: the files, existing jobs"),
    Rule("what is wanted|what was wanted|what is to be", "name the thing: the requested export, the value to set"),
    # Negation with "not".
    Rule("no token", "not a valid token; without a token"),
    Rule("(?:is|are|was|were) none (?:that|of)", "is not one of ...; is not a ..."),
    Rule(r"(?<!there[\s_])(?:is|are) no (?!longer|more|less|different|matter)[a-z]+", "is not a ..."),
    Rule("no such thing", "not found"),
    Rule("nought|naught", "zero; nothing"),
    # Terms of the field.
    Rule("signs? of life", "heartbeat"),
    Rule(r"(?<!keep-)(?<!is_)alive(?!\.py)", "live; with a heartbeat; valid (a token)"),
    Rule("taken for dead", "considered dead"),
    Rule("(?:fell|falls?|fallen|is|are|been|was|were) silent", "missed heartbeats; does not answer"),
    Rule("holders?", "lease owner; worker or device that has the lease"),
    Rule("mischief", "fault injection"),
    Rule("couriers?", "webhook sender"),
    Rule("signed word", "signed delivery"),
    Rule("mailbox(?:es)?", "inbox"),
    Rule("sweeping|sweeps?|swept|forgetting", "garbage collection; deletion of unreferenced steps"),
    Rule("cleaning", "garbage collection"),
    Rule("rooms?", "free space (disk); package or component (code)"),
    Rule("in turns", "alternately; with fair scheduling (users)"),
    Rule("worth something|worthless|worth nothing", "valid; revoked; not meaningful"),
    Rule("may be chance|what chance", "not statistically significant"),
    Rule("of the moment", "current"),
    Rule("the like", "similar ...; and so on"),
    Rule("held? against|holds? (?:\\w+ ){1,3}against", "verified against; compared with"),
    Rule("looked up in the (?:\\.tflite |exported )?file", "verified in the file"),
    Rule("(?:is|are|was|were|be|been|being) away", "is unavailable (a service); is offline (a device)"),
    Rule("beside", "next to; in addition to"),
    Rule("in force|(?:put|puts) out of force", "effective; overridden"),
    Rule("under way", "active; running; in transit"),
    Rule("(?:may|can|could|is|are) to be had|can be had", "is available"),
    Rule("by our own hand", "ourselves; in our own code"),
    Rule("where to change what", "extension points"),
    # Turns of phrase.
    Rule("anew", "again"),
    Rule("afresh", "again; from the beginning"),
    Rule("in good order", "gracefully; cleanly"),
    Rule("for want of", "because ... is missing"),
    Rule("nothing but", "only"),
    Rule("of one's own", "your own"),
    Rule("(?:be|been) told from", "be distinguished from"),
    Rule("unless said otherwise|unless (?:it is )?said", "by default; unless specified"),
    Rule("as many (?:\\w+ ){1,6}as may be", "the maximum number of ... is reached"),
    Rule(
        r"some (?:\d[\d,.]*|ten|twenty|thirty|forty|fifty|eighty|hundreds?|thousands?|dozens?|two dozen|tens)",
        "about ...",
    ),
    Rule("lest|thereof|therein|whence|hitherto|thence|wherein|withal|heretofore|hereby|therewith", "plain English"),
    Rule("takes? in|taken in|took in", "consumes; reads; includes"),
    Rule("held by (?:a test|tests)", "verified by a test"),
    # Docstrings: a noun phrase or an imperative.
    Rule(
        r'"""(?:Says|Tells|Gives|Wants|Holds|Answers|Looks whether|What|Who|Whom|Whose|Those|Likewise)'
        r'|"""(?:Of|As|By|To|Not|And)',
        'begin with an imperative or a noun phrase: """Return ..., """Settings of ...',
        PYTHON,
    ),
    Rule(
        r"(?<=\n)\s+\w+:\s(?:Of\s(?:the|a|its)|Likewise|Whom|Whose|As|By\swhich|In\swhich)",
        "describe the argument, its unit and its range",
        PYTHON,
    ),
)

# Where a phrase is right: the path and the phrase in lower case, each with the reason. An entry without a match fails
# the check. Code in backticks is not judged, so names of options and libraries need no entry.
ALLOWED: dict[tuple[str, str], str] = {
    ("common/src/edgepress_common/answers/jobs.py", "holder"): "A field of the API's answer.",
    ("common/src/edgepress_common/answers/report/records.py", "holder"): "A field of the API's answer.",
    **dict.fromkeys(
        (
            ("api/src/edgepress_api/database/tables.py", "holder"),
            ("api/src/edgepress_api/jobs/views.py", "holder"),
            ("api/src/edgepress_api/latency_model/history.py", "holder"),
            ("api/src/edgepress_api/access/visibility.py", "holder"),
            ("api/src/edgepress_api/database/migrations/versions/0001_first.py", "holder"),
            ("api/src/edgepress_api/devices/leasing.py", "holder"),
            ("api/src/edgepress_api/devices/listing.py", "holder"),
            ("api/src/edgepress_api/devices/reporting.py", "holder"),
            ("api/src/edgepress_api/devices/resting.py", "holder"),
            ("api/src/edgepress_api/devices/requests.py", "holder"),
            ("tests/chaos/lies.py", "holder"),
            ("tests/bench/streams.py", "holder"),
            ("api/src/edgepress_api/scheduler/intake.py", "holder"),
            ("api/src/edgepress_api/steps/ledger.py", "holder"),
            ("api/src/edgepress_api/steps/states.py", "holder"),
            ("api/src/edgepress_api/jobs/watching.py", "holder"),
            ("api/src/edgepress_api/report/building.py", "holder"),
            ("api/src/edgepress_api/archive/packing.py", "holder"),
            ("api/src/edgepress_api/archive/importing.py", "holder"),
            ("api/src/edgepress_api/report/records.py", "holder"),
            ("api/src/edgepress_api/report/steps.py", "holder"),
            ("api/src/edgepress_api/report/templates/costs.html", "holder"),
            ("api/src/edgepress_api/web/static/steps.js", "holder"),
            ("client/src/edgepress_client/cli/progress_view.py", "holder"),
        ),
        "A column of the database and a field of the API.",
    ),
}

ALLOWED |= dict.fromkeys(
    (
        ("tests/deployment/test_deployment.py", "holder"),
        ("tests/fakes/job_gateway.py", "holder"),
        ("tests/integration/test_machines.py", "holder"),
        ("tests/unit/api/test_devices_waiting.py", "holder"),
        ("tests/unit/api/test_jobs.py", "holder"),
        ("tests/unit/api/test_quotas.py", "holder"),
        ("tests/unit/api/test_report_page.py", "holder"),
        ("tests/unit/api/test_time_limits.py", "holder"),
        ("tests/unit/api/test_web_devices.py", "holder"),
        ("tests/unit/api/test_web_events.py", "holder"),
        ("tests/unit/api/test_web_operation.py", "holder"),
    ),
    "A field of the API, and an argument of the ledger.",
)
ALLOWED |= dict.fromkeys(
    (
        ("common/src/edgepress_common/spec/notify.py", "room"),
        ("common/src/edgepress_common/spec/examples.py", "room"),
        ("api/src/edgepress_api/notifications/sending.py", "room"),
        ("api/src/edgepress_api/notifications/sending.py", "rooms"),
        ("docs/spec.md", "room"),
        ("docs/using.md", "room"),
        ("tests/unit/api/test_notifications.py", "room"),
        ("tests/unit/api/test_notifications.py", "rooms"),
    ),
    "The term of Matrix.",
)
ALLOWED["tests/fakes/postgres_server.py", "nobody"] = "An account of Unix."
ALLOWED["worker/src/edgepress_worker/runtime/celery_app.py", "alive"] = "An option of Celery."
ALLOWED["api/src/edgepress_api/gateway.py", "alive"] = "Keep-alive is the term of HTTP, and an option of uvicorn."
