"""Starts the dashboard: `python -m bi.dashboard`.

Belongs here: how Streamlit is started. Does not belong here: what it shows.
"""

from __future__ import annotations

from pathlib import Path

APP = Path(__file__).with_name("app.py")
ADDRESS = "127.0.0.1"
PORT = 8501
FLAGS = (
    f"--server.address={ADDRESS}",
    f"--server.port={PORT}",
    "--server.headless=true",  # opens no browser, asks for no e-mail address
    "--server.fileWatcherType=none",  # a watcher of the whole tree runs out of inotify handles
    "--browser.gatherUsageStats=false",
    "--client.toolbarMode=minimal",
    "--global.developmentMode=false",
)


def main() -> None:
    """Serve until interrupted, for this machine alone."""
    from streamlit.web.cli import main as streamlit

    print(f"Minehouse dashboard on http://{ADDRESS}:{PORT}, Ctrl-C ends it")
    streamlit(["run", str(APP), *FLAGS])


if __name__ == "__main__":
    main()
