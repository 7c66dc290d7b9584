"""`make api`: the published file over HTTP on this machine.

Belongs here: address and port. Does not belong here: what is answered (`bi.api.app`).
"""

from __future__ import annotations

import argparse

import uvicorn

from bi.api.app import make_app
from dagster_project.output import end_with_reader
from dagster_project.settings import load_settings


def main() -> None:
    """Serve until interrupted, for this machine alone."""
    parser = argparse.ArgumentParser(prog="python -m bi.api", description="Serve the published marts over HTTP.")
    parser.add_argument("--port", type=int, default=8001)
    port = parser.parse_args().port
    print(f"http://127.0.0.1:{port}/docs")
    uvicorn.run(make_app(load_settings().published_database), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    end_with_reader()
    main()
