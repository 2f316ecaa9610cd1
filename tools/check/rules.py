"""Rules that the compiler does not check: include direction, use of libraries, and banned calls.

Each rule is a function from (path, source) to the violations as (line, what). Paths are relative to the root. The
sources given to a rule have neither comments nor string contents, but complete include lines.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator

import phrases

FOLDERS = ("actors", "messages", "runtime", "apps", "tests", "tools")
LAYERS = ("runtime/base/", "messages/", "runtime/", "actors/", "apps/")  # includes only point left

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
NO_CODE = re.compile(
    r'^[ \t]*#[ \t]*include[^\n]*'  # kept
    r'|//[^\n]*|/\*.*?\*/'
    r'|R"(?P<raw>[^(\n]{0,16})\(.*?\)(?P=raw)"'
    r'|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'|"(?:\\.|[^"\\\n])*"',
    re.M | re.S,
)

Violation = tuple[int, str]


def bare(source: str) -> str:
    """Returns the source without comments and string contents; lines keep their numbers."""

    def blank(match: re.Match) -> str:
        text = match.group()
        if text.lstrip().startswith("#"):
            return text
        return ('""' if text[0] in "R\"'" else " ") + "\n" * text.count("\n")

    return NO_CODE.sub(blank, source)


def line_of(source: str, offset: int) -> int:
    return source.count("\n", 0, offset) + 1


def includes(source: str) -> Iterator[tuple[int, str, str]]:
    for match in INCLUDE.finditer(source):
        yield line_of(source, match.start()), match[1], match[2]


def calls(source: str, pattern: str, why: str) -> Iterator[Violation]:
    for match in re.finditer(pattern, source):
        yield line_of(source, match.start()), f"`{match[0].strip()}`: {why}"


# --- includes


def layer(path: str) -> int | None:
    """Returns the first layer that contains the path; runtime/base comes before runtime."""
    return next((number for number, folder in enumerate(LAYERS) if path.startswith(folder)), None)


def layers(path: str, source: str) -> Iterator[Violation]:
    mine = layer(path)
    for line, quote, name in includes(source):
        if quote == "<":
            continue
        if not name.startswith(FOLDERS):
            yield line, f'"{name}" is not written from the root'
        elif mine is not None and (layer(name) is None or layer(name) > mine):
            yield line, f'"{name}" is in a layer to the right of {path}'


# The only headers of runtime/net for domains: they use links through runtime/actor/links.hpp.
NET_OF_DOMAINS = ("runtime/net/misbehaved.hpp", "runtime/net/logic/datagram.hpp", "runtime/net/datagrams.hpp")


def domains(path: str, source: str) -> Iterator[Violation]:
    mine = re.match(r"actors/\w+/", path)
    for line, _, name in includes(source):
        other = re.match(r"actors/\w+/", name)
        if mine and other and other[0] != mine[0] and not re.fullmatch(other[0] + r"(api|codec|\w+_client)\.hpp", name):
            yield line, f'"{name}": another domain is reached through {other[0]}api.hpp (and codec.hpp, the codec of its messages, and X_client.hpp, which sends it requests) only'
        if mine and name.startswith("runtime/net/") and name not in NET_OF_DOMAINS:
            yield line, f'"{name}": a domain sees links through runtime/actor/links.hpp'


def logic_schemas(root: Path) -> list[str]:
    """Returns logic sources that include a schema, directly or through other headers, with the shortest chain."""
    edges = {}
    for file in sources(root):
        found = includes(bare(file.read_text(encoding="utf-8")))
        edges[file.relative_to(root).as_posix()] = [(line, name) for line, quote, name in found if quote == '"']
    violations = []
    for path in edges:
        if not re.match(r"actors/\w+/logic/", path):
            continue
        seen, queue = {path}, [(line, [name]) for line, name in edges[path]]
        for line, chain in queue:  # breadth first: the queue grows
            name = chain[-1]
            if name in seen:
                continue
            seen.add(name)
            queue += [(line, [*chain, further]) for _, further in edges.get(name, ())]
            if name.endswith(".capnp.h"):
                violations.append(f"{path}:{line}: logic does not know the schemas: " + " -> ".join(chain))
    return violations


def room(path: str) -> str:
    """Returns the folder that counts for cycles: two levels with all folders below. The top of a layer is a room."""
    return "/".join(path.split("/")[:-1][:2])


def folder_cycles(root: Path) -> list[str]:
    """Returns cycles of rooms that include each other. Includes between a layer's top and its rooms are allowed."""
    edges: dict[str, dict[str, str]] = {}
    for file in sources(root):
        path = file.relative_to(root).as_posix()
        if path.startswith(("tests/", "tools/")):
            continue
        for line, quote, name in includes(bare(file.read_text(encoding="utf-8"))):
            here, there = room(path), room(name)
            if quote == '"' and not (here == there or here.startswith(there + "/") or there.startswith(here + "/")):
                edges.setdefault(here, {}).setdefault(there, f"{path}:{line}")
    found = []
    for circle in circles({here: set(there) for here, there in edges.items()}):
        steps = [f"{here} -> {there} ({where})" for here in circle for there, where in edges[here].items()
                 if there in circle]
        found.append("folders include each other: " + ", ".join(steps))
    return found


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Returns the strongly connected components of more than one node (Tarjan)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        order[node] = low[node] = len(order)
        stack.append(node)
        for other in sorted(edges.get(node, ())):
            if other not in order:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], order[other])
        if low[node] == order[node]:
            part = stack[stack.index(node):]
            del stack[stack.index(node):]
            if len(part) > 1:
                found.append(sorted(part))

    for node in sorted(edges):
        if node not in order:
            visit(node)
    return found


# The schemas of other domains that each domain uses: the real coupling between domains. A new pair is a decision, which
# is made here. All domains may use the schemas of the runtime.
RUNTIME_SCHEMAS = {"annotations", "bench", "common", "link", "links", "runtime", "store"}
SPEAKS = {
    "audit": {"node"},
    "inspect": {"node"},
    "files": {"dht", "peers"},
    "catalogue": {"files", "raft"},
    "durable": {"raft"},
    "chain": {"wallet"},  # the account ledger, if it is the chain
    "registry": {"dht", "peers", "reputation"},
    "reputation": {"registry"},
    "task": {"dht", "files", "registry", "reputation", "escrow", "wallet"},
    "escrow": {"raft", "wallet"},
    "fund": {"wallet", "escrow"},
    "airdrop": {"wallet", "escrow", "registry", "fund", "raft"},  # the last two: its simulation runs
}


def schemas(path: str, source: str) -> Iterator[Violation]:
    mine = re.match(r"actors/(\w+)/", path)
    for line, _, name in includes(source):
        schema = re.match(r"messages/(\w+)\.capnp\.h$", name)
        if mine and schema and schema[1] not in RUNTIME_SCHEMAS | SPEAKS.get(mine[1], set()) | {mine[1]}:
            yield line, f'"{name}": {mine[1]} does not speak the schema of {schema[1]} (SPEAKS in tools/check/rules.py)'


def domain_parts(root: Path) -> list[str]:
    """Checks that each domain of the top meson.build has the files that every domain needs."""
    build = (root / "meson.build").read_text(encoding="utf-8")
    listed = re.search(r"^domains = \[([^\]]*)\]", build, re.M)
    found = []
    for name in re.findall(r"'(\w+)'", listed[1]) if listed else []:
        for file in (f"actors/{name}/domain.cpp", f"actors/{name}/api.hpp", f"actors/{name}/README.md",
                     f"messages/{name}.capnp", f"tests/actors/{name}/meson.build"):
            if not (root / file).exists():
                found.append(f"{file} is missing: {name} is a domain")
    return found


LIBRARY = re.compile(
    r"(caf|leveldb|botan)/|(sodium|archive|archive_entry)\.h$|(sys/(socket|un|epoll)|arpa/inet|netdb|poll|ifaddrs)\.h$|(netinet|net)/.*\.h$"
)


def libraries(path: str, source: str) -> Iterator[Violation]:
    if path.startswith(("runtime/", "tests/runtime/", "tools/bench/")):
        return
    for line, quote, name in includes(source):
        if quote == "<" and LIBRARY.match(name):
            yield line, f"<{name}> belongs into runtime/ (and tests/runtime, tools/bench)"


# --- calls


def timers(path: str, source: str) -> Iterator[Violation]:
    if re.match(r"(tests/)?runtime/(os|sim)/|tools/bench/", path):
        return
    yield from calls(source, r"\bdelayed_(anon_)?send\b", "use Actor::after; CAF's clock is not the node's")
    yield from calls(source, r"\bsystem\(\)\s*\.\s*clock\(\)", "use the Clock port")
    yield from calls(source, r"\bcaf::after\b", "use Actor::after; CAF's clock is not the node's")
    # Shell::request and Actor::request belong to this project, take no time-out, and hide CAF's functions.
    for match in re.finditer(r"(?<!\bshell_)(?<!\bowner_)(?:\.|->)\s*(?:template\s+)?request\s*(?:<[^()<>]*>)?\s*\(", source):
        arguments = split_arguments(source[match.end() :])
        if len(arguments) >= 2 and not arguments[1].endswith("infinite"):
            yield line_of(source, match.start()), f"request with the time-out `{arguments[1]}`: only caf::infinite"


def split_arguments(text: str) -> list[str]:
    """Returns the arguments of a call, given the text after its opening parenthesis."""
    out, depth, begin = [], 0, 0
    for at, char in enumerate(text):
        if char in "([{":
            depth += 1
        elif char in ")]}" and depth > 0:
            depth -= 1
        elif char in ",)" and depth == 0:
            out.append(text[begin:at].strip())
            begin = at + 1
            if char == ")":
                break
    return out


def blocking(path: str, source: str) -> Iterator[Violation]:
    yield from calls(source, r"\b(add_tcp_scribe|spawn_client)\b", "blocks in connect; use the Network port")


def sleeping(path: str, source: str) -> Iterator[Violation]:
    if not path.startswith(("apps/", "tools/", "runtime/os/")):
        yield from calls(source, r"\b(sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\(", "time is virtual here")


WORLD = (
    r"\b(system_clock|steady_clock|high_resolution_clock)::now\b|\b(clock_gettime|gettimeofday|getrandom)\s*\("
    r"|\brandom_device\b|\bstd::(jthread|thread|async)\b(?!::)|\bs?rand\s*\(|\btime\s*\(\s*(nullptr|NULL|0)\s*\)"
)
REAL_CLOCK = r"\b(system_clock|steady_clock|high_resolution_clock)::now\b|\bclock_gettime\s*\("


def world(path: str, source: str) -> Iterator[Violation]:
    if path.startswith(("actors/", "messages/")) or "/logic/" in path:
        yield from calls(source, WORLD, "time, chance and threads are handed in")
    elif path.startswith("tests/") and not path.startswith(("tests/cluster/", "tests/runtime/os/")):
        yield from calls(source, REAL_CLOCK, "no test reads a real clock")


def fuzzable(path: str, source: str) -> Iterator[Violation]:
    if not path.startswith("tests/"):
        yield from calls(source, r"\b(ranges::(unique|subrange)|(ranges|std)::views::\w+)\b", "clang 15, which builds the fuzzers, cannot compile it")


@dataclass(frozen=True)
class Rule:
    claim: str
    check: Callable[[str, str], Iterator[Violation]]


RULES = (
    Rule("includes are written from the root and point down the layers", layers),
    Rule("another domain is reached through its api.hpp, codec.hpp and clients, links through runtime/actor/links.hpp", domains),
    Rule("a domain speaks the schemas of the domains that it may speak to", schemas),
    Rule("only runtime/ uses CAF, LevelDB, Botan, libsodium, libarchive and sockets", libraries),
    Rule("fuzzed code compiles with the compiler of the fuzzers", fuzzable),
    Rule("no timer of CAF and no finite request outside runtime/os and runtime/sim", timers),
    Rule("no call that blocks in connect", blocking),
    Rule("nothing sleeps outside runtime/os, apps and tools", sleeping),
    Rule("actors, messages, logic and tests read no clock and no chance of their own", world),
)


BUILT_SOURCE = re.compile(r"(?:runtime|messages|actors|apps)/.*\.cpp|tests/.*_(?:test|fuzz)\.cpp")


def forgotten(root: Path) -> list[str]:
    """Returns sources and tests that no meson.build names: nothing compiles them, and a test vanishes unnoticed."""
    named = set()
    for build in [root / "meson.build", *(p for folder in FOLDERS for p in (root / folder).rglob("meson.build"))]:
        for name in re.findall(r"'([^'\n]+\.cpp)'", build.read_text(encoding="utf-8") if build.exists() else ""):
            named.add((build.parent / name).resolve())
    return [f"{path}:1: no meson.build names it" for file in sources(root)
            if BUILT_SOURCE.fullmatch(path := file.relative_to(root).as_posix()) and file.resolve() not in named]


CONTRACT = re.compile(r"(?:#pragma once\n|\n)*(?://(?!/).*\n)+")  # the first comment of a source
FOLDED = (
    (re.compile(r"^// \S+$", re.M), "a lone word"),
    (re.compile(r"^//.*[.;:] [A-Z][a-z]+ {2,}\S", re.M), "a label in the middle of a line"),
    (re.compile(r"^//.*\S {2,}\S.*\n// [a-z]+ (?! )", re.M), "a continued row that is not indented"),
)


def folded(root: Path) -> list[str]:
    """Returns the contracts whose table of labels was reflowed into running text."""
    texts = ((file.relative_to(root).as_posix(), file.read_text(encoding="utf-8")) for file in sources(root))
    return [f"{path}:{line_of(text, match.end())}: {what}: give each label its own row, and indent what continues it"
            for path, text in texts if (contract := CONTRACT.match(text))
            for pattern, what in FOLDED for match in pattern.finditer(text, 0, contract.end())]


# Rules for the whole tree; each returns whole lines.
TREE_RULES = {
    "every source and every test is named in a meson.build": forgotten,
    "no two folders include each other, in a circle of any length": folder_cycles,
    "logic includes no schema, directly or through another header": logic_schemas,
    "each domain has its parts": domain_parts,
    "no folder gains a phrase that the guide to plain English counts": phrases.more_than_allowed,
    "the contract of a header has one label per row": folded,
}


def sources(root: Path) -> list[Path]:
    """Returns all C++ sources below the root, sorted."""
    return sorted(p for folder in FOLDERS for p in (root / folder).rglob("*.[ch]pp") if p.is_file())


def check_sources(root: Path) -> dict[str, list[str]]:
    """Returns the violations of each file rule, as "path:line: what"."""
    found: dict[str, list[str]] = {rule.claim: [] for rule in RULES}
    for file in sources(root):
        path = file.relative_to(root).as_posix()
        source = bare(file.read_text(encoding="utf-8"))
        for rule in RULES:
            found[rule.claim] += [f"{path}:{line}: {what}" for line, what in rule.check(path, source)]
    return found


def check_all(root: Path) -> dict[str, list[str]]:
    """Returns the violations of all rules."""
    return check_sources(root) | {claim: check(root) for claim, check in TREE_RULES.items()}
