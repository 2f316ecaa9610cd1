"""Counts phrases that make prose hard to read, in comments, strings, test names and Markdown, by folder.

    phrases.py [FOLDER...]    prints each phrase of these folders or files, and what to write instead
    phrases.py --lower        lowers the limits in phrases.txt to the present counts
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Iterator

# A regular expression, two spaces, and what to write instead. The source is the project's guide to plain English.
GUIDE = r"""
\b(?:of|by|for|to|among|from) (?:others|strangers)\b  other nodes' X; untrusted X
\b(?:an|of|for|as|and|no|by|to|with|the|from|on) own\b(?! right)|\bown ones?\b  its own X; this node's X; local X
\b(?:is|are|was|were|be) of (?!(?:no )?use\b)(?:the|an?|its|their|one|no|another|each|all|those|that|this|it|them|other|who)\b  belongs to; comes from; applies to
(?:^|[.!?:;] )Of (?:the|an?|one|each|all|its|two|those|what|these|such|other|it|them|which|this|that|[a-z]+s)\b(?! course)  X has; for each X
(?:^|[.!?:;] )Who(?:ever)? [a-z]+\b(?![^.]*\?)|\b(?:of|by|for|to|than|from|with|and|that|if|as|or) who(?:ever)? [a-z]+  the node that; the caller; the payer
\bones? (?:that|which|who|whose)\b  repeat the noun
\b(?:another|other|next|last|first|second|third|older|newer|latest|same|such|each) one\b  repeat the noun
\b(?:that|those) of\b  repeat the noun
(?<![Tt]here )(?<!that )\b(?:is|are|was|were|be) (?:none\b(?! of)|no (?!longer|more|less|fewer|later|earlier|better|larger|smaller|wider)[a-z]+)  is not a X; is invalid
\bnothing but\b|\bno [a-z]+ but\b|\bnone but\b|\b[a-z]+ alone[.;,:)]  only X; except X
\b(?:not|nothing|none|never|nor)\b[^.;:]{1,40}\bany ?more\b|\b[a-z]+(?:ed|en|ts|ks|es) no more\b(?! than)  no longer
(?:^|[.;:] )[Nn]othing (?:if|unless|until|for|without|while|once|where)\b  returns nullopt if
\banew\b  again; from scratch; new
\bbesides?\b  next to; in addition; except
\bbehind (?:it|that|those|them|all|others?|which|later|one|each|its|the (?:last|first|end|latest|newest|record|log|head|entry|block|snapshot|nearer))\b  after; following
\b(?:go|goes|going|went|gone) on\b  continues; proceeds; resumes
\bfor ever\b|\bby and by\b|\blikewise\b|\bin the midst\b|\bat last\b|\bby now\b|\bat hand\b|\bfor want of\b|\bmeanwhile\b|[,;:] for (?:it|they|he|there) [a-z]+  forever; over time; also; during; finally; already; current; because
\beach (?:\d|other \d|second\b|minute\b|hour\b|day\b|period\b|ten\b|few\b)  every
[;:,] else\b  otherwise; (default X)
\b(?:stands?|stood) (?:in|at|there|on|beside|once|here|behind|twice)\b|\b(?:lies?|lay|lain) (?:in|on|at|below|there|here|beside|where|behind)\b  is in; is described in; is stored in
\b(?:under|on (?:its|their|the)) way\b  in progress; in flight
\b(?:is|are|was|were|be|been) (?:also |not |never |only )?told\b|\btold (?:of|that|what|so|at|when|in|with|apart)\b|\btells? (?:of|so|it|that)\b  is notified; reports
\blooked (?:at|for)\b|\b(?:a|such|these|two|one|each|the|next|first|last|no) looks?\b|\blooks (?:at|for)\b|\b(?:is|are|was|were|be|been) (?:not |also |only |last )?heard\b|\bhears? (?:of|that|from|no|nothing|it|its|what)\b  checks, scans; receives, responds
\bcom(?:e|es|ing) (?:of|to nothing|to an end|to the same)\b|\bcame of\b|\b(?:became|becomes?) of\b|\b(?:makes?|made|making) (?:no )?room\b|\b(?:gives?|gave|given|giving) way\b  the result, fails; is evicted, yields
"""
RULES = [(re.compile(rule), instead) for rule, instead in (line.split("  ", 1) for line in GUIDE.strip().splitlines())]

TOKEN = re.compile(
    r'R"(?P<mark>[^(\s]*)\((?P<raw>.*?)\)(?P=mark)"|"(?P<string>(?:[^"\\\n]|\\.)*)"|(?<![0-9A-Fa-f])\'(?:[^\'\\\n]|\\.)+\''
    r"|//(?P<comment>[^\n]*)",
    re.S,
)
TEST_NAME = re.compile(r"(TEST_CASE\w*|SUBCASE)\s*\((?:\w+,\s*)?\s*$")
NEW_PARAGRAPH = re.compile(r"#|\||- |\d+\. |\* ")
ALLOWED = "tools/check/phrases.txt"  # "FOLDER COUNT" lines

Piece = tuple[int, str, str]  # line, "prose" or "text", what is written there


def pieces_of_markdown(text: str) -> Iterator[Piece]:
    """Yields each line outside of code blocks."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, "prose", line.strip()


def pieces_of_cpp(text: str, is_test: bool) -> Iterator[Piece]:
    """Yields comments and string literals; adjacent literals are one text. In tests, only the names of cases count."""
    end, last = 0, None
    for match in TOKEN.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        if match["comment"] is not None:
            yield line, "prose", match["comment"].lstrip("/<! ").strip()
            continue
        body = match["string"] if match["string"] is not None else match["raw"]
        before = text[text.rfind("\n", 0, match.start()) + 1 : match.start()].lstrip()
        if body is None or before.startswith("#include"):
            continue
        if last and not text[end : match.start()].strip():
            last = (last[0], "text", last[2] + body)
        else:
            if last:
                yield last
            named = TEST_NAME.search(text[max(0, match.start() - 60) : match.start()])
            last = (line, "text", body) if named or not is_test else None
        end = match.end()
    if last:
        yield last


def pieces_of_script(text: str) -> Iterator[Piece]:
    """Yields the text after each `#`."""
    for number, line in enumerate(text.splitlines(), 1):
        match = re.search(r"(?:^|\s)#\s?(.*)$", line)
        if match and not line.startswith("#!"):
            yield number, "prose", match[1].strip()


def pieces(path: str, text: str) -> Iterator[Piece]:
    if path.endswith(".md"):
        return pieces_of_markdown(text)
    if path.endswith((".cpp", ".hpp")):
        return pieces_of_cpp(text, path.startswith("tests/"))
    if path.endswith((".capnp", ".py", ".toml", "meson.build")):
        return pieces_of_script(text)
    return iter(())


def blocks(path: str, text: str) -> Iterator[tuple[int, str]]:
    """Yields comments and paragraphs as (first line, text) with joined lines."""
    joined, begin, previous = "", 0, -1
    for line, kind, piece in pieces(path, text):
        follows = kind == "prose" and line == previous + 1 and piece and not NEW_PARAGRAPH.match(piece)
        if follows and not joined.startswith(("#", "|")):
            joined = f"{joined} {piece}"
        else:
            if joined:
                yield begin, joined
            joined, begin = piece, line
        previous = line if kind == "prose" else -1
    if joined:
        yield begin, joined


def folder_of(path: str) -> str:
    return path.split("/")[0] if path.count("/") < 2 else "/".join(path.split("/")[:2])


def files(root: Path) -> list[str]:
    """Returns the files that git knows or would add; all files if there is no repository."""
    asked = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=root,
                           capture_output=True, text=True)
    found = asked.stdout.splitlines() if asked.returncode == 0 else \
        [file.relative_to(root).as_posix() for file in root.rglob("*")]
    return [path for path in sorted(set(found)) if (root / path).is_file()]


def hits(root: Path) -> Iterator[tuple[str, int, str, str]]:
    """Yields each phrase as (path, line of its paragraph, phrase, what to write instead)."""
    for path in files(root):
        try:
            text = (root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for line, block in blocks(path, text):
            for rule, instead in RULES:
                for match in rule.finditer(block):
                    yield path, line, match[0].strip(), instead


def counts(root: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    for path, _, _, _ in hits(root):
        found[folder_of(path)] = found.get(folder_of(path), 0) + 1
    return found


def allowed(root: Path) -> dict[str, int]:
    lines = (root / ALLOWED).read_text(encoding="utf-8").splitlines()
    return {folder: int(count) for folder, count in (line.split() for line in lines)}


def more_than_allowed(root: Path) -> list[str]:
    limits = allowed(root)
    return [f"{folder} has {count} counted phrases, {limits.get(folder, 0)} are allowed ({ALLOWED}): "
            f"python3 tools/check/phrases.py {folder}"
            for folder, count in sorted(counts(root).items()) if count > limits.get(folder, 0)]


def fewer_than_allowed(root: Path) -> list[str]:
    """Names the folders whose limit can be lowered, in one line at most."""
    found = counts(root)
    fewer = [folder for folder, limit in sorted(allowed(root).items()) if found.get(folder, 0) < limit]
    return [f"lower the limits of {', '.join(fewer)}: python3 tools/check/phrases.py --lower"] if fewer else []


def lower(root: Path) -> None:
    """Writes the present counts that are lower than the limits."""
    found = counts(root)
    limits = {folder: min(limit, found.get(folder, 0)) for folder, limit in allowed(root).items()}
    lines = (f"{folder} {limit}\n" for folder, limit in sorted(limits.items()) if limit)
    (root / ALLOWED).write_text("".join(lines), encoding="utf-8")


def main() -> None:
    root, wanted = Path(__file__).parents[2], sys.argv[1:]
    if wanted == ["--lower"]:
        return lower(root)
    for path, line, phrase, instead in hits(root):
        if not wanted or folder_of(path) in wanted or path in wanted:
            print(f"{path}:{line}: \"{phrase}\" -> {instead}")


if __name__ == "__main__":
    main()
