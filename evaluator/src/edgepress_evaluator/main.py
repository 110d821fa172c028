"""``edgepress-evaluator``: runs the evaluator until SIGTERM or SIGINT, or joins this board to a gateway."""

import argparse
import logging
import sys
from pathlib import Path

from edgepress_common.errors import InvalidInputError
from edgepress_evaluator.join.board import Board, check_board
from edgepress_evaluator.join.command import Wishes, join
from edgepress_evaluator.settings import EvaluatorSettings
from edgepress_evaluator.stop import StopRequest

_FAILED = 1
_WRONG_USAGE = 2

_EXAMPLES = """examples:
  edgepress-evaluator join https://edgepress.example edgepress_3f2a9c41d07e_...
  edgepress-evaluator join https://edgepress.example --systemd user < token
"""


def main() -> None:
    """Run the console script."""
    options = _parser().parse_args()
    try:
        if options.command == "join":
            wishes = Wishes(
                gateway=options.url,
                token=options.token,
                device=options.device,
                authority=options.authority,
                cache=options.cache,
                service=options.systemd,
                only_check=options.check,
            )
            sys.exit(0 if join(wishes) else _FAILED)
        _run(EvaluatorSettings.read())
    except InvalidInputError as error:
        print(error, file=sys.stderr)  # noqa: T201 - shown to the user
        sys.exit(_WRONG_USAGE)


def _run(settings: EvaluatorSettings) -> None:
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO, it logs every request
    stop = StopRequest()
    stop.install()
    try:
        from edgepress_evaluator.running import run  # noqa: PLC0415 - needs LiteRT, which not every system has
    except ImportError as error:
        problems = [each.text for each in check_board(Board.here(), settings.python_command) if each.level == "problem"]
        raise InvalidInputError("\n".join(problems or [f"a library can't be imported: {error}"])) from error
    run(settings, stop)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edgepress-evaluator",
        description="Measure .tflite files for an Edgepress gateway, on this machine. Without a command: run with the "
        "settings that `join` has stored, and those of the environment, which take precedence.",
        epilog=_settings_help(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    join_ = commands.add_parser(
        "join",
        help="Check this board and the gateway, store the settings, and run.",
        description="Check this board and the gateway, say what is wrong, store the settings in a file that only its "
        "owner can read, and run.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    join_.add_argument("url", metavar="URL", help="Address of the gateway, such as https://edgepress.example.")
    join_.add_argument(
        "token",
        metavar="TOKEN",
        nargs="?",
        help="Token of this device, created by 'edgepress tokens create --user NAME --device NAME'. Without it, "
        "EDGEPRESS_TOKEN or standard input is read, so that the token is not in the history of the shell.",
    )
    join_.add_argument("--device", metavar="NAME", help="Name of the device (default: the one that the token is for).")
    join_.add_argument(
        "--authority", metavar="FILE", type=Path, help="PEM file of the private authority of the gateway's certificate."
    )
    join_.add_argument(
        "--cache", metavar="FOLDER", type=Path, help="Folder for downloaded artifacts (default: in the user's state)."
    )
    join_.add_argument(
        "--systemd",
        choices=["user", "system"],
        help="Write a systemd unit of this user or, as root, of the system, and start it instead of running here.",
    )
    join_.add_argument("--check", action="store_true", help="Only check; store and start nothing.")
    return parser


def _settings_help() -> str:
    fields = EvaluatorSettings.model_fields.items()
    lines = [f"  {'EDGEPRESS_' + name.upper():32} {field.description}" for name, field in fields]
    return "\n".join(["environment:", *lines])


if __name__ == "__main__":
    main()
