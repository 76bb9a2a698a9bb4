"""Write docs/configuration.md from the classes that check a configuration.

Run it after changing a setting: ``python docs/generate_configuration.py``. A test compares the page
with what this script would write.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from neurorun.core import to_json
from neurorun.experiment import experiment_model
from neurorun.tasks import TASKS

PAGE = Path(__file__).with_name("configuration.md")
SHARED = ("experiment", "training", "logging")
HEAD = """\
# Configuration

This page is made from the code by `python docs/generate_configuration.py`; do not edit it.

A configuration is one YAML file with a line such as `task: seizure_detection`, the sections that
every task has, and those of the task. Every key may be left out. A key that is not listed here is
refused, and the nearest one is named. Check a file with `neurorun validate FILE`, override a key
with `--set section.key=value`, and let your editor complete keys with the output of `neurorun
schema`. `null` means none or no limit, as the key's meaning says.

Numbers may be written as `3e-4`. A key that stands twice in one section is an error.
"""

Schema = dict[str, Any]


def page() -> str:
    """All keys as one Markdown page: those that all tasks share, then those of each task."""
    tasks = {name: experiment_model(name).model_json_schema() for name in TASKS}
    parts = [HEAD, "## Every task\n"]
    parts += [_table(section, next(iter(tasks.values()))) for section in SHARED]
    for name, schema in tasks.items():
        parts.append(f"## `task: {name}`\n")
        parts += [_table(section, schema) for section in TASKS[name].sections]
    return "\n".join(parts)


def _table(section: str, schema: Schema) -> str:
    found = _resolved(schema["properties"][section], schema)
    heading = _plain(found["description"]).partition("\n\n")[0].replace("\n", " ")
    rows = [_row(key, leaf) for key, leaf in _leaves(section, found, schema)]
    table = ["| key | value | default | meaning |", "|---|---|---|---|", *rows]
    return "\n".join([f"### `{section}`", "", heading, "", *table, ""])


def _leaves(prefix: str, section: Schema, root: Schema) -> Iterator[tuple[str, Schema]]:
    """Every key below a section, those of nested sections with their dots."""
    for name, declared in section["properties"].items():
        found = _resolved(declared, root)
        if "properties" in found:
            yield from _leaves(f"{prefix}.{name}", found, root)
        else:
            yield f"{prefix}.{name}", found


def _resolved(declared: Schema, root: Schema) -> Schema:
    if "$ref" not in declared:
        return declared
    named: Schema = root["$defs"][declared["$ref"].rpartition("/")[2]]
    return {**declared, **named}


def _row(key: str, leaf: Schema) -> str:
    default = f"`{to_json(leaf['default'])}`" if "default" in leaf else ""
    meaning = _plain(leaf["description"]).replace("\n", " ")
    return f"| `{key}` | {_value(leaf)} | {default} | {meaning} |"


def _plain(text: str) -> str:
    return text.replace("``", "`").replace("|", "\\|")


def _value(leaf: Schema) -> str:
    """What may be written for a key, in words."""
    if "anyOf" in leaf:
        return " or ".join(_value(choice) for choice in leaf["anyOf"])
    if "enum" in leaf:
        return ", ".join(f"`{choice}`" for choice in leaf["enum"])
    if "const" in leaf:
        return f"`{leaf['const']}`"
    kind = leaf["type"]
    if kind == "array":
        return _list(leaf)
    if kind == "object":
        return f"mapping to {_value(leaf['additionalProperties'])}"
    names = {
        "boolean": "`true`, `false`",
        "integer": "whole number",
        "number": "number",
        "null": "`null`",
        "string": "path" if leaf.get("format") == "path" else "text",
    }
    return names[kind] + _bounds(leaf)


def _list(leaf: Schema) -> str:
    if "prefixItems" in leaf:
        return f"list of {len(leaf['prefixItems'])}: {_value(leaf['prefixItems'][0])}"
    return f"list of {_value(leaf['items'])}"


def _bounds(leaf: Schema) -> str:
    lowest, highest = leaf.get("minimum"), leaf.get("maximum")
    if leaf["type"] == "integer" and "exclusiveMinimum" in leaf:
        lowest = leaf["exclusiveMinimum"] + 1
    elif "exclusiveMinimum" in leaf:
        lowest = None
    if lowest is not None and highest is not None:
        return f", {lowest:g} to {highest:g}"
    bounds = [
        f"{word} {limit:g}"
        for word, limit in (
            ("at least", lowest),
            ("above", leaf.get("exclusiveMinimum") if lowest is None else None),
            ("at most", highest),
            ("below", leaf.get("exclusiveMaximum")),
        )
        if limit is not None
    ]
    return f", {', '.join(bounds)}" if bounds else ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
