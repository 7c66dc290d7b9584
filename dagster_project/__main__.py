"""Starts the command line: `python -m dagster_project`.

Belongs here: the start. Does not belong here: the commands (`shell.command`).
"""

from dagster_project.shell.command import main
from dagster_project.shell.fast_start import leave_at_once

if __name__ == "__main__":
    leave_at_once(main())
