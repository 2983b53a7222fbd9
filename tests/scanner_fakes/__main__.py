"""Starts a stand-in: `python3 tests/scanner_fakes qualys|tenable [--port N]`. See README.md."""

import argparse
import os
import sys
import threading

if __package__ in (None, ""):
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    __package__ = "scanner_fakes"

from scanner_fakes.server import Server  # noqa: E402


def _end_with_stdin():
    """Whoever started this holds stdin open; when it closes, nobody is left to serve."""
    try:
        while os.read(0, 4096):
            pass
    except OSError:
        pass
    os._exit(0)


def main():
    parser = argparse.ArgumentParser(prog="scanner_fakes", description=__doc__)
    parser.add_argument("scanner", choices=("qualys", "tenable"))
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--stay", action="store_true", help="do not end when stdin closes")
    options = parser.parse_args()
    if options.scanner == "qualys":
        from scanner_fakes.qualys.service import Qualys as service
    else:
        from scanner_fakes.tenable.service import Tenable as service
    server = Server(service(), options.port)
    print(f"listening on http://127.0.0.1:{server.port}", flush=True)
    if not options.stay:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


main()
