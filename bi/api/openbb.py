"""The API's questions as widgets of OpenBB Workspace: what `/widgets.json` answers.

Belongs here: OpenBB's words for a question and its parameters. Does not belong here: the questions (`bi.api.app`).
Format: https://docs.openbb.co/workspace/custom-backend/widgets-json-reference
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

ORIGIN = "https://pro.openbb.co"
"""The page that may ask this API from within a browser, beside the API's own."""
_PARAMETERS = {
    "as_of": {"label": "As of", "type": "date", "description": "Day whose knowledge is asked for."},
    "symbol": {"label": "Symbol", "type": "text", "description": "Ticker of a company; empty for all."},
}


def widgets(questions: Iterable[tuple[str, str]]) -> dict[str, dict[str, Any]]:
    """A table widget for each question, by its path; `questions` are paths with what they answer."""
    return {
        path: {
            "name": path.replace("-", " ").capitalize(),
            "description": says,
            "category": "Minehouse",
            "type": "table",
            # a cell of several texts is one text: a table holds no lists
            "endpoint": f"{path}?format=flat",
            "gridData": {"w": 40, "h": 12},
            "params": [
                {"paramName": name, "value": None, "optional": True, **shown} for name, shown in _PARAMETERS.items()
            ],
        }
        for path, says in questions
    }
