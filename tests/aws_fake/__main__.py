"""Starts the stand-in: `python3 tests/aws_fake [--port N] [--accounts A,B]`. See README.md."""

import argparse
import os
import resource
import sys
import threading

if __package__ in (None, ""):
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    __package__ = "aws_fake"

from aws_fake.models import Models, default_directory  # noqa: E402
from aws_fake.server import Server, announce  # noqa: E402
from aws_fake.world import World  # noqa: E402


def _end_with_stdin(world):
    """Whoever started this holds stdin open; when it closes, nobody is left to serve."""
    try:
        while os.read(0, 4096):
            pass
    except OSError:
        pass
    world.close()
    os._exit(0)


def main():
    parser = argparse.ArgumentParser(prog="aws_fake", description=__doc__)
    parser.add_argument("--models", help="a botocore data directory")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--accounts", default="111111111111,222222222222,333333333333",
                        help="12-digit accounts that exist; the first manages the organization")
    parser.add_argument("--speed", type=float, default=1000.0,
                        help="how many times faster than AWS's usual delays")
    parser.add_argument("--stay", action="store_true", help="do not end when stdin closes")
    parser.add_argument("--no-log", action="store_true", help="keep no log of calls")
    options = parser.parse_args()
    accounts = options.accounts.split(",")
    if not all(len(account) == 12 and account.isdigit() for account in accounts):
        parser.error("an account is 12 digits")
    # As systemd starts the agent that runs scripts.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    world = World(Models(options.models or default_directory()), options.speed, accounts)
    world.faults.keep_log = not options.no_log
    server = Server(world, options.port, options.host)
    announce(server)
    if not options.stay:
        threading.Thread(target=_end_with_stdin, args=(world,), daemon=True).start()
    try:
        server.serve()
    except KeyboardInterrupt:
        pass
    finally:
        server.close()


main()
