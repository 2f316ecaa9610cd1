"""A client of the HTTP API that knows only the OpenAPI document: it loads /openapi.json and builds each call from it.

    api_client.py URL TOKEN PART...

A part is `file` (put and get it), `key` (write and watch it) or `task` (run it and read its result). Prints the results
of the parts as JSON.
"""

import base64
import http.client
import json
import sys
import time
import urllib.parse
from typing import Iterator


class ApiError(Exception):
    """An error object of the API."""

    def __init__(self, status: int, error: dict) -> None:
        super().__init__(f"{status} {error['code']}: {error['message']}; {error['outcome']}")
        self.status, self.code, self.retry_after_ms = status, error["code"], error["retryAfterMs"]


class Response:
    """The response of a call: its value, its bytes, or its lines as they come."""

    def __init__(self, connection: http.client.HTTPConnection, raw: http.client.HTTPResponse) -> None:
        self.connection, self.raw = connection, raw
        self.kind = raw.headers.get("Content-Type", "")

    def value(self) -> object:
        body = self.raw.read()
        self.connection.close()
        return json.loads(body) if self.kind == "application/json" else body

    def lines(self) -> Iterator[object]:
        """Yields each line until the last line, which ends a stream."""
        try:
            for text in self.raw:
                line = json.loads(text)
                if line == {"end": True}:
                    return
                if isinstance(line, dict) and list(line) == ["error"]:
                    raise ApiError(self.raw.status, line["error"])
                yield line
        finally:
            self.connection.close()


class Client:
    """Has a call for each operation of the document."""

    def __init__(self, url: str, token: str) -> None:
        self.address, self.token = urllib.parse.urlsplit(url).netloc, token
        self.operations: dict[str, tuple[str, str, dict]] = {}
        document = self.send("GET", "/openapi.json", None, {}).value()
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                self.operations[operation["operationId"]] = (method.upper(), path, operation)

    def send(self, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> Response:
        connection = http.client.HTTPConnection(self.address, timeout=120)
        connection.request(method, target, body, {"Authorization": "Bearer " + self.token} | headers)
        raw = connection.getresponse()
        if raw.status >= 400:
            error = json.loads(raw.read())["error"]
            connection.close()
            raise ApiError(raw.status, error)
        return Response(connection, raw)

    def call(self, name: str, content: bytes | None = None, /, **fields: object) -> Response:
        """Calls an operation with fields for its path, query or JSON body; `content` is the body of an upload."""
        method, path, operation = self.operations[name]
        left, query = dict(fields), []
        for parameter in operation["parameters"]:
            if parameter["name"] not in left:
                if parameter["required"]:
                    raise TypeError(f"{name} needs {parameter['name']}")
                continue
            value = left.pop(parameter["name"])
            if parameter["in"] == "path":
                path = path.replace("{" + parameter["name"] + "}", urllib.parse.quote(str(value), safe=""))
            else:
                for one in value if isinstance(value, list) else [value]:
                    query.append((parameter["name"], str(one).lower() if isinstance(one, bool) else str(one)))
        kinds = operation.get("requestBody", {}).get("content", {})
        headers, body = {}, None
        if "application/json" in kinds:
            known = kinds["application/json"]["schema"]["properties"]
            body = json.dumps({field: left.pop(field) for field in list(left) if field in known}).encode()
            headers["Content-Type"] = "application/json"
        elif kinds:
            body, headers["Content-Type"] = content, next(iter(kinds))
        if left:
            raise TypeError(f"{name} has no {', '.join(left)}")
        return self.send(method, path + ("?" + urllib.parse.urlencode(query) if query else ""), body, headers)

    def retried(self, name: str, /, **fields: object) -> Response:
        """Calls an operation again while the API asks for another attempt."""
        while True:
            try:
                return self.call(name, **fields)
            except ApiError as error:
                if error.retry_after_ms is None:
                    raise
                time.sleep(error.retry_after_ms / 1000)


def move_file(client: Client) -> dict:
    content = bytes(range(256)) * 1024
    put = client.call("put_files", content, name="a b.bin", replicas=1).value()
    got = client.call("get_files_one", cid=put["cid"]).value()
    return {"cid": put["cid"], "bytes": put["bytes"], "same": got == content}


def watch_key(client: Client) -> dict:
    client.call("post_raft_init", group="notes").value()
    first = client.retried("post_kv_put_one", key="orders/17", value="new", group="notes").value()
    watch = client.call("get_kv_watch_one", prefix="orders/", rev=first["rev"], count=2, group="notes").lines()
    seen = [next(watch)["value"]]
    client.call("post_kv_put_one", key="orders/17", value="paid", group="notes").value()
    seen += [line["value"] for line in watch]
    try:
        absent = client.call("get_kv_get_one", key="none", group="notes").value()
    except ApiError as error:
        absent = error.code
    return {"seen": seen, "absent": absent}


def run_task(client: Client) -> dict:
    program = b'#!/bin/sh\nread line\necho "$1 $line"\n'
    order = {"program": base64.b64encode(program).decode(), "stdin": base64.b64encode(b"task\n").decode()}
    task = client.retried("post_task_submit", **order, args=["the result of a"]).value()["task"]
    while (state := client.call("get_task_view_one", id=task).value()["state"]) not in ("done", "failed", "expired"):
        time.sleep(0.1)
    lines = list(client.call("get_task_logs_one", id=task).lines())
    return {"state": state, "printed": [line["text"] for line in lines if line["stream"] == "stdout"]}


def main() -> int:
    url, token, *parts = sys.argv[1:]
    client = Client(url, token)
    print(json.dumps({part: {"file": move_file, "key": watch_key, "task": run_task}[part](client) for part in parts}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
