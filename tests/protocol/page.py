#!/usr/bin/python3
"""Checks messages/README.md against a node: the kinds that each service accepts, and the settings.

page.py BINARY DATA HOST:PORT    of a running node in a group `main`; prints differences and exits with 1
"""
import json
import re
import subprocess
import sys
from pathlib import Path
from client import ERROR, PING, PONG, Link, Root, build
from attacks import Control, stranger

ROOT = Path(__file__).resolve().parents[2]
CANCEL = 7
PAGE = (ROOT / "messages/README.md").read_text()
NOT_THERE = b"may not be sent in this role", b"this node has no such service", b"is not offered there"


def all_kinds():
    """Returns the kinds of all schemas: their numbers, and whether they may arrive by datagram."""
    out = {}
    for schema in sorted((ROOT / "messages").glob("*.capnp")):
        words = ["capnp", "compile", "-I.", "-I/usr/include", "-ocapnp", f"messages/{schema.name}"]
        said = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for name, number, words in re.findall(r"^struct (\w+) @(0x\w+) .*?kind\((.*)\)", said, re.M):
            out[f"{schema.stem}.{name}"] = int(number, 16), "datagram = true" in words
    return out


def table():
    """Yields rows of path, roles and kinds."""
    for path, roles, named in re.findall(r"^\| `(/[\w/]+)` \| ([\w, ]+) \| (`.*`) \|$", PAGE, re.M):
        yield path, roles.split(", "), re.findall(r"`([\w.]+)`", named)


ENDS = "/node", "node.DrainNode"  # ends the node, so it is the last request
AT_ONCE = 64  # a busy node ends a link with more requests than it queues


def taken(link, path, numbers):
    """Returns the kinds that a service accepts, tested by an empty message of each kind."""
    path = path.replace("NAME", "main")  # a group of the node
    return set().union(*(taken_of(link, path, numbers[at : at + AT_ONCE]) for at in range(0, len(numbers), AT_ONCE)))


def taken_of(link, path, numbers):
    """As taken(). A refusal is sent at once, so it arrives before the PONG."""
    asked = {link.ask(path.encode(), number, build()): kind for kind, number in numbers}
    link.send(PING, number=1)
    while (got := link.receive())[0] != PONG:
        link.serve(*got)
        if got[0] == ERROR and any(words in Root(got[2]).bytes(0) for words in NOT_THERE):
            asked.pop(got[1], None)
    for number in asked:
        link.send(CANCEL, number=number)
    return set(asked.values())


def main():
    binary, data, at = sys.argv[1:]
    host, port = at.rsplit(":", 1)
    known, rows, wrong = all_kinds(), list(table()), []
    del known["runtime.Describe"]  # operators may send it to each published actor
    strangers = (Link((host, int(port)), stranger(number)) for number in range(252))
    for role in "peer", "operate":
        operator = Control(f"{data}/control.sock")  # opened here: a link without a PING for long is ended
        for path in sorted({path for path, _, _ in rows}, key=lambda path: (path == ENDS[0], path)):
            listed = {kind for at, roles, named in rows if at == path and role in roles for kind in named}
            others = [(kind, number) for kind, (number, _) in known.items() if kind not in listed]
            takes = taken(operator if role == "operate" else next(strangers), path, others)
            # Each from a new identity, because an empty message may be a violation.
            for kind in sorted(listed, key=lambda kind: (path, kind) == ENDS):
                takes |= taken(operator if role == "operate" else next(strangers), path, [(kind, known[kind][0])])
            wrong += [f"{path} and {kind}, in the role {role}: not as the page says" for kind in sorted(takes ^ listed)]
    by_datagram = {kind for _, roles, named in rows if "UDP" in roles for kind in named}
    really = {kind for kind, (_, datagram) in known.items() if datagram and not kind.startswith("bench.")}
    wrong += [f"{kind}: UDP" for kind in by_datagram ^ really]
    said = subprocess.run([binary, "config", "show", "--json", "--data", data], capture_output=True, check=True).stdout
    defaults = {one["key"]: one["default"].strip('"').replace(" ", "") for one in json.loads(said)}
    named = set(re.findall(r"`((?:net|peers|files|identity)\.[a-z_]+)`", PAGE))
    wrong += [f"{setting}: no such setting" for setting in named - set(defaults)]
    for most, setting in re.findall(r"^\|[^|]*\| ([^|]*) \| `([^`|]+)` \|", PAGE[PAGE.index("## Limits"):], re.M):
        if not re.sub(r"[ ,](?=\w)", "", most).startswith(defaults.get(setting, "none")):
            wrong.append(f"{setting}: {most} on the page, by default it is {defaults.get(setting)}")
    print(*wrong, sep="\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
