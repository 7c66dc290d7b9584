"""Starts the command line: `python -m dagster_project`.

Belongs here: the start. Does not belong here: the commands (`shell.command`).
"""

import sys

from dagster_project import addresses
from dagster_project.output import end_with_reader
from dagster_project.shell.fast_start import leave_at_once
from dagster_project.shell.supervise import Ended, ended_by_signals


def _main() -> int:
    if lack := addresses.lack():
        print(f"error: {lack}", file=sys.stderr)
        return 1
    addresses.spare()
    try:
        with ended_by_signals():
            from dagster_project.shell.command import main  # takes a moment, in which Ctrl-C must work too

            return main()
    except Ended as ended:
        print(f"\nended by {ended}; {ended.what_stands}", file=sys.stderr)
        return ended.exit_code


if __name__ == "__main__":
    end_with_reader()
    leave_at_once(_main())
