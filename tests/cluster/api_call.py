"""Runs a command of troupe over the HTTP API, in the way of the command line: its output, and its exit.

    api_call.py URL TOKEN COMMAND [ARGUMENT...]

help.json, routes.json and openapi.json in the working directory describe commands and routes. A command without a route
runs as a program. A response that does not fit its schema in openapi.json ends in an error. The file `called` gets the
name of each command that a route has run.
"""

import base64
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

import jsonschema

EXITS = {400: 2, 404: 4, 409: 5, 422: 1, 429: 6, 500: 8, 503: 7, 504: 7, 507: 6}


def described(name: str) -> object:
    with open(name) as file:
        return json.load(file)


def run(*words: str) -> str:
    return subprocess.run(["troupe", *words], check=True, capture_output=True, text=True).stdout


def command_of(words: list[str], names: list[str]) -> str:
    return max((name for name in names if words[: len(name.split())] == name.split()), key=len)


def arguments_of(usage: str, count: int) -> list[str]:
    """Returns the names of the arguments in a usage line, without the options."""
    text = re.sub(r"\[-[^]]*\]…?", "", usage)
    text = re.sub(r"--\S+ \S+", "", text)
    names = [word.strip("[]…") for word in text.split()[count + 1 :]]
    return [name for name in names if name]


def misfit(document: dict, operation: dict, status: int, kind: str, answer: bytes) -> str:
    """Returns why the response does not fit the schemas of the operation, or an empty string."""
    described_as = operation["responses"][str(status)]["content"].get(kind)
    if described_as is None:
        return "the document has no such type of response"
    if kind == "application/octet-stream":
        return ""
    of_lines = kind == "application/x-ndjson"
    schema = described_as["x-line-schema" if of_lines else "schema"]
    validator = jsonschema.Draft202012Validator(schema | {"components": document["components"]})
    for text in answer.decode().splitlines() if of_lines else [answer.decode()]:
        if error := jsonschema.exceptions.best_match(validator.iter_errors(json.loads(text))):
            return f"{error.json_path}: {error.message}: {text}"
    return ""


def main() -> int:
    url, token, *words = sys.argv[1:]
    commands = {row["name"]: row for row in described("help.json")}
    name = command_of(words, list(commands))
    routes = [row for row in described("routes.json") if row["command"] == name]
    if not routes:
        return subprocess.run(["troupe", *words, "--json"], check=False).returncode
    given = words[len(name.split()) :]
    fields: dict[str, list[str]] = {}
    arguments: list[str] = []
    usage = commands[name]["usage"]
    while given:
        word = given.pop(0)
        if re.fullmatch(r"--?[a-z][a-z-]*", word):
            takes_value = re.search(re.escape(word) + r" \S", usage) and not re.search(re.escape(word) + r"\]", usage)
            key = {"-o": "output", "-f": "follow"}.get(word, word.lstrip("-").replace("-", "_"))
            fields.setdefault(key, []).append(given.pop(0) if takes_value else "true")
        else:
            arguments.append(word)
    if name == "file put":
        path, body_file = "/v1/files", arguments.pop(0)
        fields["name"] = [os.path.basename(body_file)]
        body = open(body_file, "rb").read()
    else:
        path, body = "/v1/" + name.replace(" ", "/"), None
        subject = [row for row in routes if "{" in row["path"] and row["path"].startswith(path)]
    method = routes[0]["method"]
    target = fields.pop("output", [None])[0]  # a file here gets what the response has
    names = arguments_of(usage, len(name.split()))
    if names and "ADDRESS" in names[0]:  # an account is an address
        arguments = [run("wallet", "show", *(arguments or ["both"])).split()[0]]
    template = path
    if len(names) == 1 and len(arguments) > 1:  # an argument that repeats
        fields[names[0].lower()], arguments = arguments, []
    if name != "file put" and subject and arguments and arguments[0] not in ("", ".", ".."):
        template = subject[0]["path"]
    document = described("openapi.json")
    operation = document["paths"][template][method.lower()]
    schema = {one["name"]: one["schema"] for one in operation["parameters"] if one["in"] == "query"}
    if "requestBody" in operation and method == "POST":
        schema = operation["requestBody"]["content"]["application/json"]["schema"]["properties"]
    if template != path:
        path = template[: template.index("{")] + urllib.parse.quote(arguments.pop(0), safe="")
    for field, value in zip(list(schema), arguments):
        fields.setdefault(field, []).append(value)
    headers = {"Authorization": "Bearer " + token}
    if method == "POST":
        def typed(field: str, values: list[str]) -> object:
            kind = schema[field]["type"]
            if kind == "array" and values == ["-"]:
                return sys.stdin.read().splitlines()
            if "base64" in schema[field].get("description", "") and os.path.exists(values[0]):
                with open(values[0], "rb") as file:
                    return base64.b64encode(file.read()).decode()
            if kind == "array":
                return values
            return int(values[0]) if kind == "integer" else values[0] == "true" if kind == "boolean" else values[0]

        body = json.dumps({field: typed(field, values) for field, values in fields.items()}).encode()
        headers["Content-Type"] = "application/json"
    elif fields:
        path += "?" + urllib.parse.urlencode(fields, doseq=True)
    try:
        response = urllib.request.urlopen(urllib.request.Request(url + path, body, headers, method=method), timeout=120)
    except urllib.error.HTTPError as error:
        sys.stderr.write(f"{method} {path}: {error.code} {error.read().decode()}")
        return EXITS[error.code]
    answer = response.read()
    if why := misfit(document, operation, response.status, response.headers["Content-Type"], answer):
        sys.stderr.write(f"{method} {path}: {response.headers['Content-Type']}: {why}\n")
        return 99
    with open("called", "a") as file:
        file.write(name + "\n")
    if target is not None:
        with open(target, "wb") as file:
            file.write(answer)
        got = {"cid": response.headers.get("ETag", "").strip('"'), "file": target, "bytes": len(answer)}
        print(json.dumps(got | {"fileBytes": len(answer)}))
        return 0
    lines = answer.decode().splitlines()
    partly = bool(lines) and '"partly":true' in lines[-1]
    if lines and lines[-1] in ('{"end":true}', '{"partly":true}'):
        lines.pop()
    sys.stdout.writelines(line + "\n" for line in lines)
    return 3 if partly else 0


sys.exit(main())
