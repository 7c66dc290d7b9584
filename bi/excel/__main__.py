"""`make excel`: the workbook in the folder `excel` of the data.

Belongs here: arguments, the name of the file, exit codes. Does not belong here: what is in it.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date

from bi.excel.workbook import write_workbook
from bi.published import NotPublishedError
from dagster_project.output import end_with_reader
from dagster_project.settings import SettingsError, load_settings


def main() -> int:
    """Write the workbook and name it; 2 and one line on stderr where that cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m bi.excel", description="The published marts as a workbook.")
    parser.add_argument("--as-of", type=date.fromisoformat, help="day whose knowledge is asked for, YYYY-MM-DD")
    asked = parser.parse_args().as_of
    try:
        settings = load_settings()
        name = "minehouse.xlsx" if asked is None else f"minehouse-{asked}.xlsx"
        print(write_workbook(settings.published_database, settings.data_dir / "excel" / name, asked))
    except (NotPublishedError, SettingsError) as error:
        print(f"excel: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    end_with_reader()
    sys.exit(main())
