"""Validates an OpenAPI document against the official JSON Schema of OpenAPI 3.1, and each schema in it.

    api_document.py DOCUMENT SCHEMA

Prints what is wrong, and nothing if the document is valid.
"""

import json
import re
import sys
from typing import Iterator

import jsonschema
from jsonschema import Draft202012Validator


def schemas_in(value: object, place: str = "") -> Iterator[tuple[str, dict]]:
    """Yields each schema of the document, with its place."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name in ("schema", "x-line-schema"):
                yield f"{place}/{name}", item
            else:
                yield from schemas_in(item, f"{place}/{name}")
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from schemas_in(item, f"{place}/{at}")


def wrong_operations(paths: dict) -> Iterator[str]:
    """What the official schema does not check: unique ids, and a parameter for each name in braces."""
    ids = set()
    for path, methods in paths.items():
        for method, operation in methods.items():
            if operation["operationId"] in ids:
                yield f"{method} {path}: the operationId repeats"
            ids.add(operation["operationId"])
            names = [one["name"] for one in operation["parameters"]]
            in_path = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
            if in_path != set(re.findall(r"{([^}]*)}", path)) or len(names) != len(set(names)):
                yield f"{method} {path}: the parameters are {names}"


def main() -> int:
    with open(sys.argv[1]) as file:
        document = json.load(file)
    with open(sys.argv[2]) as file:
        official = json.load(file)
    errors = Draft202012Validator(official).iter_errors(document)
    wrong = [f"{error.json_path}: {error.message[:200]}" for error in errors]
    defined = document["components"]["schemas"]
    for place, schema in [*schemas_in(document["paths"]), *defined.items()]:
        try:
            Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            wrong.append(f"{place}: {error.message}")
        wrong += [
            f"{place}: no schema {name}"
            for name in re.findall('"#/components/schemas/([^"]*)"', json.dumps(schema))
            if name not in defined
        ]
    wrong += wrong_operations(document["paths"])
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
