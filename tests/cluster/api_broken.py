"""Breaks each field of each route once, in the ways that the OpenAPI document allows, and checks the refusal.

    api_broken.py URL TOKEN

Prints each request that is not refused with 400 and the error object, then the number of routes and requests.
"""

import http.client
import json
import sys
import time
import urllib.parse
from typing import Iterator

ERROR = {"code": str, "message": str, "outcome": str, "try": (str, type(None)), "retryAfterMs": (int, type(None))}
BAD_UTF8 = b"\xff"
OTHER_NAMES = {"capability": "need"}  # a short path renames it; the message has the name of the option


def fitting(schema: dict) -> object:
    """Returns a value that fits the schema of a field."""
    if "enum" in schema:
        return schema["enum"][0]
    if schema["type"] == "array":
        return [fitting(schema["items"])]
    return {"integer": schema.get("minimum", 0), "boolean": True}.get(schema["type"], "aGk=")  # base64 too


def broken(schema: dict) -> Iterator[object]:
    """Yields values that do not fit the schema of a field of a JSON object."""
    yield {"integer": "x", "boolean": "yes", "array": {"a": 1}}.get(schema["type"], 7)
    yield None
    if schema["type"] == "array":
        yield [7]
        return
    yield [[fitting(schema)]]
    yield from beyond(schema)
    if "maximum" in schema:
        yield 1.5


def beyond(schema: dict) -> Iterator[object]:
    """Yields values that are of the right type, and beyond the limits of the schema."""
    if "maximum" in schema:
        yield schema["maximum"] + 1
        yield schema["minimum"] - 1
    if "enum" in schema:
        yield "nonsense"


def text_of(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class Route:
    """An operation of the document, with fitting values for all required fields."""

    def __init__(self, method: str, path: str, operation: dict) -> None:
        self.method, self.path = method, path
        self.in_path = {one["name"]: one["schema"] for one in operation["parameters"] if one["in"] == "path"}
        query = [one for one in operation["parameters"] if one["in"] == "query"]
        self.query = {one["name"]: one["schema"] for one in query}
        self.required = {one["name"] for one in query if one["required"]}
        self.body: dict = {}
        self.either: list[str] = []  # fields of which one is needed
        if method == "POST":
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            self.body, self.required = schema["properties"], set(schema["required"])
            self.either = [one["required"][0] for one in schema.get("oneOf", schema.get("anyOf", []))]

    def target(self, values: dict, query: list[tuple[str, str]] = []) -> str:
        path = self.path
        for name, schema in self.in_path.items():
            value = values.get(name) or urllib.parse.quote(text_of(fitting(schema)), safe="")
            path = path.replace("{" + name + "}", value)
        return path + ("?" + urllib.parse.urlencode(query) if query else "")

    def requests(self) -> Iterator[tuple[str, str, bytes | None]]:
        """Yields requests with one broken field: the field, the target and the body."""
        for name, schema in self.in_path.items():
            for value in ["%ff", "%00", "%2", "%2E%2E", *map(text_of, beyond(schema))]:
                yield "" if value[0] == "%" else name, self.target({name: value}), self.whole_body()
        if self.method == "POST":
            yield from self.bodies()
        else:
            yield from self.queries()

    def whole_body(self) -> bytes | None:
        if self.method != "POST":
            return None
        return json.dumps(self.whole()).encode()

    def whole(self) -> dict:
        return {name: fitting(self.body[name]) for name in sorted(self.required) + self.either[:1]}

    def bodies(self) -> Iterator[tuple[str, str, bytes | None]]:
        whole = self.whole()
        target = self.target({})
        for name, schema in self.body.items():
            rest = {other: value for other, value in whole.items() if other != name}
            if name in self.required or self.either[:1] == [name]:
                yield name, target, json.dumps(rest).encode()
            for value in broken(schema):
                yield name, target, json.dumps(rest | {name: value}).encode()
            twice = json.dumps(name).encode() + b":" + json.dumps(fitting(schema)).encode()
            yield name, target, b"{" + twice + b"," + twice + b"}"
            yield "", target, json.dumps(rest | {name: "?"}).encode().replace(b'"?"', b'"' + BAD_UTF8 + b'"')
        yield "nope", target, json.dumps(whole | {"nope": 1}).encode()
        for text in (b"[]", b"7", b"{", b'{"a":1}}', BAD_UTF8):
            yield "", target, text

    def queries(self) -> Iterator[tuple[str, str, bytes | None]]:
        whole = [(name, text_of(fitting(self.query[name]))) for name in sorted(self.required)]
        for name, schema in self.query.items():
            rest = [pair for pair in whole if pair[0] != name]
            if name in self.required:
                yield name, self.target({}, rest), None
            wrong = [*beyond(schema)] + ["x"] * (schema["type"] == "integer") + ["yes"] * (schema["type"] == "boolean")
            for value in wrong:
                yield name, self.target({}, rest + [(name, text_of(value))]), None
            if schema["type"] != "array":
                yield name, self.target({}, rest + [(name, text_of(fitting(schema)))] * 2), None
            for escape in ("%ff", "%00", "%4"):
                with_field = self.target({}, rest + [(name, "?")])
                yield "", with_field.replace("%3F", escape), None
        yield "nope", self.target({}, whole + [("nope", "1")]), None


def wrong_answer(status: int, body: bytes, field: str) -> str:
    """Returns what is wrong with the refusal, or an empty string."""
    if status != 400:
        return f"the status is {status}"
    answer = json.loads(body)
    if list(answer) != ["error"] or answer["error"].keys() != ERROR.keys():
        return "it is not the error object"
    error = answer["error"]
    if any(not isinstance(error[name], kind) for name, kind in ERROR.items()) or error["code"] != "malformed":
        return "a field of the error has a wrong value"
    if all(name not in error["message"] for name in (field, OTHER_NAMES.get(field, field))):
        return f"the message does not name {field}"
    return ""


def main() -> int:
    url, token = sys.argv[1:]
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=60)

    def send_once(method: str, target: str, body: bytes | None) -> tuple[int, bytes]:
        headers = {"Authorization": "Bearer " + token}
        if method == "POST":
            headers["Content-Type"] = "application/json"
        connection.request(method, target, b"bytes" if method == "PUT" else body, headers)
        response = connection.getresponse()
        return response.status, response.read()

    def send(method: str, target: str, body: bytes | None) -> tuple[int, bytes]:
        while True:
            status, answer = send_once(method, target, body)
            if status != 429:
                return status, answer
            time.sleep((json.loads(answer)["error"]["retryAfterMs"] or 100) / 1000)

    document = json.loads(send("GET", "/openapi.json", None)[1])
    routes = [
        Route(method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    sent = failed = 0
    for route in routes:
        for field, target, body in route.requests():
            status, answer = send(route.method, target, body)
            sent += 1
            if why := wrong_answer(status, answer, field):
                failed += 1
                print(f"{route.method} {target} {body!r}: {why}: {answer!r}")
    print(f"{len(routes)} routes, {sent} requests, {failed} wrong answers")
    return 1 if failed else 0


sys.exit(main())
