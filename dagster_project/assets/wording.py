"""Describes what a dbt test asks and who reads a model, for somebody who wrote neither.

Does not belong here: the tests themselves (`dbt/`), and what they found.
"""

from collections.abc import Mapping
from typing import Any


def sentence_for(test: Mapping[str, Any]) -> str:
    """What must be so where the test passes: its own description, else a sentence made of its kind and columns."""
    if test.get("description"):
        return str(test["description"]).strip()
    kind = (test.get("test_metadata") or {}).get("name")
    given = (test.get("test_metadata") or {}).get("kwargs", {})
    column = given.get("column_name")
    columns = given.get("columns", [])
    match kind:
        case "unique":
            return f"No {column} occurs twice."
        case "unique_combination":
            filled = f" Filled in every row: {', '.join(given['filled'])}." if given.get("filled") else ""
            return f"One row per {', '.join(columns)}.{filled}"
        case "accepted_values":
            return f"{column} is one of: {', '.join(map(str, given.get('values', [])))}."
        case "relationships":
            return f"Every {column} is a {given['field']} of {_relation(given['to'])}."
        case "lies_between":
            return f"{column} lies between {given['low']} and {given['high']}."
        case "adds_up":
            return f"{column} is the sum of {', '.join(given['of'])}, and null where one of them is."
        case "deals_add_up":
            return "By month, by company and in total the firm contracts give the same sums."
        case "equals_position":
            return (
                f"Every row says of its company and {given['day']} what {_relation(given['positions'])} says of them."
            )
        case "totals_are_reconciled":
            return "Every total that a company or a bank published is ours within its tolerance."
        case "finite":
            return "No number is infinite or NaN."
        case "tells_of_suspect_bars":
            return (
                f"A ghost bar is told of for every bar of {_relation(given['bars'])} that is_suspect, and for no other."
            )
        case "no_rows":
            return "The table is empty: each of its rows is something that somebody should look at."
        case _:
            return f"No row fails the test {test['name']}."


def check_titles(manifest: Mapping[str, Any]) -> dict[str, str]:
    """By name of a dbt test, what it asks."""
    return {
        str(node["name"]): sentence_for(node) for node in manifest["nodes"].values() if node["resource_type"] == "test"
    }


def _relation(reference: str) -> str:
    """The name in `ref('name')` or `source('schema', 'name')`."""
    return reference.split("'")[-2]


def readers(manifest: Mapping[str, Any], of: str | None = None) -> str:
    """Who reads the marts, or the model with that unique id: dbt's exposures as a list in Markdown, with addresses."""
    exposures = manifest["exposures"]
    found = [
        exposures[child] for child in (manifest["child_map"].get(of, ()) if of else exposures) if child in exposures
    ]
    return "\n".join(f"- {_linked(exposure)}" for exposure in sorted(found, key=lambda exposure: str(exposure["name"])))


def _linked(exposure: Mapping[str, Any]) -> str:
    label = str(exposure["label"] or exposure["name"])
    return f"[{label}]({exposure['url']})" if exposure["url"] else label
