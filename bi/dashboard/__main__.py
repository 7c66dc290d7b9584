"""Starts the dashboard: `python -m bi.dashboard`, with more of Streamlit's options if need be (`--server.port=8600`).

Belongs here: how Streamlit is started. Does not belong here: what it shows.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

APP = Path(__file__).with_name("app.py")
FLAGS = (
    "--server.address=127.0.0.1",
    "--server.port=8501",
    "--server.headless=true",  # opens no browser, asks for no e-mail address
    "--server.fileWatcherType=none",  # a watcher of the whole tree runs out of inotify handles
    "--browser.gatherUsageStats=false",
    "--client.toolbarMode=minimal",
    "--global.developmentMode=false",
    # the blue of links and controls in both themes: red is for what is wrong, and 4.5:1 on the ground
    "--theme.light.primaryColor=#1d5fae",
    "--theme.light.linkColor=#1d5fae",
    "--theme.dark.primaryColor=#6aa9ee",
    "--theme.dark.linkColor=#8bbdf3",
)


def main() -> None:
    """Serve until interrupted, for this machine alone."""
    from streamlit.web.cli import main as streamlit

    for module in ("bi.charts", "bi.questions", "dagster_project.settings"):
        import_module(module)  # now, so that the first reader does not wait for them
    streamlit(["run", str(APP), *FLAGS, *sys.argv[1:]])


if __name__ == "__main__":
    main()
