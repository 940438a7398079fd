"""Checks the objects on standard input, one per line, by the JSON Schema file that
the argument names. Members that the schema does not describe are errors too.
"""

import json
import sys

from jsonschema import Draft202012Validator


def without_others(schema):
    """The schema, with no other members than those that it describes."""
    if isinstance(schema, list):
        return [without_others(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: without_others(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict):
        strict["additionalProperties"] = False
    return strict


with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(without_others(schema))
number = 0
for number, line in enumerate(sys.stdin, start=1):
    for error in validator.iter_errors(json.loads(line)):
        path = "/".join(str(part) for part in error.path)
        sys.exit(f"line {number}: {path}: {error.message}\n{line}")
print(number)
