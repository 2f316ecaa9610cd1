"""Proves that an edit changed words only: without comments and string literals, the code before and after is identical.

    words_only.py COMMIT [FOLDER...]    compares the working tree with COMMIT; exit 1 if code changed

Prints, for each changed literal, the tests, scenarios and documents that quote the old text.
"""

import re
import subprocess
import sys
from pathlib import Path

from phrases import TOKEN, files

QUOTING = ("tests/", "apps/", "tools/", "README.md", "actors/", "runtime/")
SHORTEST = 10  # characters of a quoted text: shorter ones are found everywhere
SPACE = re.compile(r"\s+")


def code_and_literals(path: str, text: str) -> tuple[list[str], list[str]]:
    """Returns the pieces of code between comments and literals, without white space, and the literals.

    A literal leaves a mark in the code; adjacent literals are one.
    """
    if path.endswith(".capnp"):
        kept = re.sub(r'("(?:[^"\\]|\\.)*")|#[^\n]*', lambda match: match[1] or "", text)
        return [SPACE.sub(" ", kept).strip()], []
    code, literals, end = [""], [], 0
    for match in TOKEN.finditer(text):
        code[-1] += text[end : match.start()]
        end = match.end()
        if match["comment"] is not None:
            code[-1] += "\n"
        elif match["string"] is None and match["raw"] is None or code[-1].rsplit("\n", 1)[-1].lstrip().startswith("#include"):
            code[-1] += match[0]
        elif literals and not code[-1].strip():
            literals[-1] += match["string"] if match["string"] is not None else match["raw"]
            code[-1] = ""
        else:
            literals.append(match["string"] if match["string"] is not None else match["raw"])
            code.append("")
    code[-1] += text[end:]
    return [SPACE.sub("", piece) for piece in code], literals


def before(commit: str, path: str) -> str | None:
    asked = subprocess.run(["git", "show", f"{commit}:{path}"], capture_output=True, text=True)
    return asked.stdout if asked.returncode == 0 else None


def changed(commit: str, wanted: list[str]) -> list[str]:
    listed = subprocess.run(["git", "diff", "--name-only", commit, "--", *(wanted or ["."])], capture_output=True,
                            text=True, check=True)
    return [path for path in listed.stdout.splitlines() if path.endswith((".cpp", ".hpp", ".capnp"))]


def quotes(root: Path) -> dict[str, set[str]]:
    """Returns what tests and documents quote, and where: literals of tests, and lines of scenarios and documents."""
    found: dict[str, set[str]] = {}
    for path in files(root):
        if not path.startswith(QUOTING):
            continue
        if path.startswith("tests/") and path.endswith((".cpp", ".hpp")):
            _, texts = code_and_literals(path, (root / path).read_text(encoding="utf-8"))
        elif path.endswith((".expect", ".toml")) or path.startswith("tools/") and path.endswith(".py"):
            texts = re.findall(r'"((?:[^"\\\n]|\\.)*)"', (root / path).read_text(encoding="utf-8"))
        elif path.endswith(".md"):
            texts = re.findall(r"`([^`\n]+)`", (root / path).read_text(encoding="utf-8"))
        else:
            continue
        for text in texts:
            if len(text) >= SHORTEST:
                found.setdefault(text, set()).add(path)
    return found


def main() -> int:
    root = Path(__file__).parents[2]
    commit, wanted = sys.argv[1], sys.argv[2:]
    status, edits = 0, []
    for path in changed(commit, wanted):
        old = before(commit, path)
        if old is None or not (root / path).is_file():
            print(f"{path}: is not in both trees")
            status = 1
            continue
        was_code, was = code_and_literals(path, old)
        now_code, now = code_and_literals(path, (root / path).read_text(encoding="utf-8"))
        if was_code != now_code:
            at = next((i for i, (a, b) in enumerate(zip(was_code, now_code)) if a != b), min(len(was_code), len(now_code)) - 1)
            a, b = was_code[at], now_code[at]
            same = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
            print(f"{path}: the code changed: {a[max(0, same - 40):same + 60]!r} is now {b[max(0, same - 40):same + 60]!r}")
            status = 1
            continue
        edits += [(path, a, b) for a, b in zip(was, now) if a != b]
    known = quotes(root) if edits else {}
    for path, was, now in edits:
        print(f"{path}: {was!r}\n    is now {now!r}")
        for text, places in known.items():
            if text in was and text not in now or was in text and was not in now and len(was) >= SHORTEST:
                print(f"    quoted as {text!r} in {', '.join(sorted(places))}")
    return status


if __name__ == "__main__":
    sys.exit(main())
