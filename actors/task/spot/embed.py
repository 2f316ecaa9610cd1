"""Compiles the program of spot checks and writes it down as a source: embed.py SOURCE INCLUDE OUTPUT COMPILER…

Its content id stands beside it, so that a node knows it without its content store (messages/README.md, "Files").
"""
import hashlib
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

BYTES_MAX = 65_536 - 1
LEAF_BYTES, CHUNK_BYTES = 16_384, 1 << 20
FLAGS = ['-std=c++20', '-Os', '-static', '-nostdlib', '-ffreestanding', '-fno-pie', '-no-pie', '-fno-stack-protector',
         '-fno-asynchronous-unwind-tables', '-fno-exceptions', '-Wall', '-Wextra', '-Werror',
         '-Wno-unused-command-line-argument', '-Wl,--build-id=none', '-Wl,-z,noexecstack', '-s']


def tree(hashes: list[bytes]) -> bytes:
    leaves = 1
    while leaves < len(hashes):
        leaves *= 2
    hashes = hashes + [bytes(32)] * (leaves - len(hashes))
    while len(hashes) > 1:
        hashes = [hashlib.sha256(hashes[i] + hashes[i + 1]).digest() for i in range(0, len(hashes), 2)]
    return hashes[0]


def content_id(program: bytes) -> bytes:
    """Of a file of one chunk."""
    chunk = tree([hashlib.sha256(program[i:i + LEAF_BYTES]).digest() for i in range(0, len(program), LEAF_BYTES)])
    head = bytes.fromhex('0000000002000200') + struct.pack('<QHHI', len(program), 1, 0, CHUNK_BYTES)
    head += bytes.fromhex('0500000002010000') + struct.pack('<II', 0x11, 40 + 7) + chunk
    head += struct.pack('<II', 4, 5) + chunk + struct.pack('<II', len(program), 0)
    return hashlib.sha256(head).digest()


def array(name: str, data: bytes) -> str:
    lines = [', '.join(str(byte) for byte in data[i:i + 32]) for i in range(0, len(data), 32)]
    return f'const std::uint8_t {name}[] = {{\n' + ',\n'.join(lines) + '};\n'


def main() -> None:
    source, include, output, *compiler = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / 'program'
        subprocess.run([*compiler, *FLAGS, '-I', include, source, '-o', program], check=True)
        data = program.read_bytes()
    if len(data) > BYTES_MAX:
        sys.exit(f'the program of spot checks has {len(data)} bytes: less than 64 KiB are allowed')
    Path(output).write_text(
        '#include <cstddef>\n#include <cstdint>\n\nnamespace troupe::task::spot {\n\n'
        'extern const std::uint8_t kProgram[], kProgramId[];\nextern const std::size_t kProgramBytes;\n'
        + array('kProgram', data) + array('kProgramId', content_id(data))
        + f'const std::size_t kProgramBytes = {len(data)};\n\n}}  // namespace troupe::task::spot\n')


if __name__ == '__main__':
    main()
