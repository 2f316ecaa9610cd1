"""Writes the pages of the manual as a source: embed.py OUTPUT PAGE.md…"""

import sys
from pathlib import Path

LITERAL_BYTES = 16_000  # compilers need not take longer literals than 64 KiB


def literal(text: str) -> str:
    """Returns adjacent raw literals. A page contains no `)page"`."""
    parts = [text[i : i + LITERAL_BYTES] for i in range(0, len(text), LITERAL_BYTES)]
    return "\n".join(f'R"page({part})page"' for part in parts)


def main() -> None:
    output, *paths = sys.argv[1:]
    pages = "".join(f'    {{"{Path(path).stem}", {literal(Path(path).read_text(encoding="utf-8"))}}},\n' for path in paths)
    Path(output).write_text(
        '#include "apps/manual/pages.hpp"\n\nnamespace troupe::apps {\n\nconst std::vector<Page>& written_pages() {\n'
        f"  static const std::vector<Page> pages = {{\n{pages}  }};\n  return pages;\n}}\n\n}}  // namespace troupe::apps\n",
        encoding="utf-8")


if __name__ == "__main__":
    main()
