"""Writes golden.hpp: the bytes of the ledger, made by a program that shares no code with it.

Usage: /usr/bin/python3 tests/actors/chain/golden.py > tests/actors/chain/golden.hpp
Needs python3-cryptography. The canonical form of Cap'n Proto is written from its specification ("Canonicalization").
"""
from __future__ import annotations

import hashlib
import struct
import sys
from typing import Callable, Optional, Union

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Value = Union[None, bytes, "Struct", list]


class Struct:
    """Words of 64 bits, then pointers: Data, a struct, or a list of Data or of structs."""

    def __init__(self, words: list[int], pointers: Optional[list[Value]] = None):
        self.words = list(words)
        self.pointers = [None if value in (b"", []) else value for value in pointers or []]
        while self.words and self.words[-1] == 0:
            self.words.pop()
        while self.pointers and self.pointers[-1] is None:
            self.pointers.pop()


def u64(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}Q", *numbers)


def encode(root: Struct) -> bytes:
    out = bytearray(8)

    def offset(at: int) -> int:
        return (len(out) - at - 8) // 8

    def body(one: Struct, words: int, pointers: int) -> bytes:
        return u64(*one.words, *[0] * (words - len(one.words) + pointers))

    def place(at: int, value: Value) -> None:
        if isinstance(value, bytes):
            out[at:at + 8] = u64(offset(at) << 2 | 1 | (2 | len(value) << 3) << 32)
            out.extend(value + bytes(-len(value) % 8))
        elif isinstance(value, Struct):
            words, pointers = len(value.words), len(value.pointers)
            if words + pointers == 0:
                out[at:at + 8] = u64(0xFFFFFFFC)
                return
            out[at:at + 8] = u64(offset(at) << 2 | words << 32 | pointers << 48)
            start = len(out)
            out.extend(body(value, words, pointers))
            for i, inner in enumerate(value.pointers):
                place(start + 8 * (words + i), inner)
        elif isinstance(value, list) and isinstance(value[0], Struct):
            words = max(len(one.words) for one in value)
            pointers = max(len(one.pointers) for one in value)
            each = words + pointers
            out[at:at + 8] = u64(offset(at) << 2 | 1 | (7 | len(value) * each << 3) << 32)
            out.extend(u64(len(value) << 2 | words << 32 | pointers << 48))
            start = len(out)
            for one in value:
                out.extend(body(one, words, pointers))
            for n, one in enumerate(value):
                for i, inner in enumerate(one.pointers):
                    place(start + 8 * (n * each + words + i), inner)
        elif isinstance(value, list):
            out[at:at + 8] = u64(offset(at) << 2 | 1 | (6 | len(value) << 3) << 32)
            start = len(out)
            out.extend(bytes(8 * len(value)))
            for i, inner in enumerate(value):
                place(start + 8 * i, inner)

    place(0, root)
    return bytes(out)


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def log_root(entries: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1."""
    if not entries:
        return sha()
    if len(entries) == 1:
        return sha(b"\0", entries[0])
    left = 1
    while left * 2 < len(entries):
        left *= 2
    return sha(b"\1", log_root(entries[:left]), log_root(entries[left:]))


def tree_root(leaves: list[tuple[bytes, bytes]], depth: int = 0) -> bytes:
    """SmtSpec of ICS-23: pairs of SHA-256(key) and the hash of the leaf."""
    if not leaves:
        return bytes(32)
    if len(leaves) == 1:
        return leaves[0][1]

    def side(bit: int) -> bytes:
        return tree_root([one for one in leaves if one[0][depth // 8] >> (7 - depth % 8) & 1 == bit], depth + 1)

    return sha(b"\1", side(0), side(1))


def state_root(state: dict[bytes, bytes]) -> bytes:
    return tree_root([(sha(key), sha(b"\0", sha(key), sha(value))) for key, value in state.items()])


def secret(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def public(number: int) -> bytes:
    return secret(number).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def policy(number: int) -> bytes:
    return bytes([1, 1]) + public(number)


def address(number: int) -> bytes:
    return sha(b"troupe policy v1", policy(number))


def authority(number: int, message: bytes) -> Struct:
    return Struct([], [policy(number), [Struct([], [public(number), secret(number).sign(message)])]])


def node(number: int, nonce: int) -> bytes:
    return sha(b"troupe-id", public(number), struct.pack("<I", nonce))[:20]


PARAMETERS = [0, 10_000, 1 << 20, 2_000_000, 500, 2_000, 1_000, 500, 500, 1_000_000_000, 10 ** 15, 3_600,
              21 * 86_400, 1]


def credit(number: int, amount: int) -> Struct:
    return Struct([*struct.unpack("<4Q", address(number)), amount])


def transaction(chain: bytes, numbers: list[int], kind: int, body: Value, payer: bytes = b"") -> bytes:
    return encode(Struct([*numbers, kind << 16 | 1], [chain, address(1), payer, body]))


def signed(content: bytes, chain: bytes, signers: list[int]) -> bytes:
    message = b"troupe transaction v1" + chain + struct.pack("<I", 7) + content
    return encode(Struct([], [content, *[authority(signer, message) for signer in signers]]))


def said(content: bytes, domain: bytes, chain: bytes, number: int) -> bytes:
    """A SignedVote or a SignedProposal of founder `number`."""
    message = domain + chain + struct.pack("<I", 7) + content
    return encode(Struct([], [content, node(10 + number, 4 + number), secret(20 + number).sign(message)]))


def consensus(chain: bytes) -> dict[str, bytes]:
    """Of fork 7, height 9, round 2; blocks of 32 bytes 0xb1 and 0xb2."""
    place = [9, 2 << 32 | 7]
    one, two = b"\xb1" * 32, b"\xb2" * 32
    votes = [encode(Struct([*place, 2], [one])), encode(Struct([*place, 2]))]
    proposals = [encode(Struct([*place, 1_700_000_001_000, valid], [one])) for valid in (0, 1 << 32)]
    signed_votes = [said(vote, b"troupe vote v1", chain, 1) for vote in sorted(votes)]
    signed_proposals = [said(proposal, b"troupe proposal v1", chain, 2) for proposal in sorted(proposals)]
    head = Struct(place, [two])
    message = b"troupe vote v1" + chain + struct.pack("<I", 7) + encode(Struct([*place, 2], [two]))
    precommits = [Struct([], [name, secret(20 + i).sign(message)])
                  for name, i in sorted((node(10 + i, 4 + i), i) for i in (1, 2))]
    fork = encode(Struct([9, 1 << 32 | 7], [two]))
    message = b"troupe fork v1" + chain + struct.pack("<I", 7) + fork
    signatures = [Struct([], [name, secret(20 + i).sign(message)])
                  for name, i in sorted((node(10 + i, 4 + i), i) for i in (1, 2))]
    return {"vote": votes[0], "vote_nil": votes[1], "proposal": proposals[0], "proposal_again": proposals[1],
            "signed_vote": said(votes[0], b"troupe vote v1", chain, 1),
            "signed_proposal": said(proposals[1], b"troupe proposal v1", chain, 2),
            "commit": encode(Struct([], [head, precommits])),
            "commit_head": encode(head), "commit_vote": encode(precommits[0]),
            "fork_statement": fork, "signed_fork": encode(Struct([], [fork, signatures])),
            "evidence_votes": encode(Struct([0], signed_votes)),
            "evidence_proposals": encode(Struct([1], signed_proposals))}


def golden() -> dict[str, bytes]:
    out: dict[str, bytes] = {}
    # Founders: node keys 11 and 12 with nonces 5 and 6, consensus keys 21 and 22, wallets 1 and 2.
    founders = sorted(((node(10 + i, 4 + i), i) for i in (1, 2)))
    genesis = encode(Struct([1_700_000_000_000, 1 << 16 | 1], [
        b"golden-1", Struct(PARAMETERS),
        [Struct([1_000 * i, 4 + i], [public(10 + i), public(20 + i), address(i)]) for _, i in founders],
        [Struct([500], [one]) for one in sorted([address(1), address(3)])]]))
    chain = sha(genesis)
    message = b"troupe genesis v1" + chain + bytes(4)
    out["genesis"] = genesis
    out["signed_genesis"] = encode(Struct([], [genesis, [
        Struct([], [name, secret(20 + i).sign(message), secret(10 + i).sign(message), authority(i, message)])
        for name, i in founders]]))
    out["founding"] = encode(Struct([500], [Struct([1_000, 5], [public(11), public(21), address(1)])]))
    out["parameters"] = encode(Struct(PARAMETERS))
    transfer = transaction(chain, [3, 100, 5_000, 9_000, 10], 0,
                           Struct([], [[credit(2, 95), credit(3, 5)], b"rent"]), address(2))
    faucet = transaction(chain, [0, 100, 5_000, 0, 0], 1, None)
    out["transfer"] = transfer
    out["faucet"] = faucet
    out["signed_transfer"] = signed(transfer, chain, [1, 2])
    out["signed_faucet"] = signed(faucet, chain, [1])
    lists = [[sha(transfer), sha(faucet)], [b"evidence"], [b"one", b"two", b"three"], []]
    digests = [log_root(entries) for entries in lists] + [bytes([i]) * 32 for i in range(5, 11)]
    header = encode(Struct([9, 1_700_000_001_000, 7 << 32 | 1], [node(11, 5), chain, *digests]))
    out["header"] = header
    out["block"] = encode(Struct([], [header, [out["signed_transfer"], out["signed_faucet"]], *lists[1:]]))
    out["receipt"] = encode(Struct([4_000, 4_000, 10, 3], [sha(transfer)]))
    out["account"] = encode(Struct([480, 3, 1_000]))
    out["totals"] = encode(Struct([2_000, 5, 0, 1]))
    out["block_log"] = encode(Struct([3], [sha(b"\1", sha(b"\0", b"a"), sha(b"\0", b"b")) + sha(b"\0", b"c")]))
    out.update(consensus(chain))
    accounts: dict[int, list[int]] = {1: [500, 0, 1_000], 2: [0, 0, 2_000], 3: [500]}
    state = {b"\1" + address(i): encode(Struct(words)) for i, words in accounts.items()}
    state[b"\2"] = encode(Struct([10 ** 15 + 4_000, 0, 10 ** 15, 1]))
    state[b"\3"] = out["parameters"]
    state[b"\4"] = encode(Struct([1], [sha(b"\0", chain)]))
    out["validators"] = encode(Struct([], [[
        Struct([*struct.unpack("<3Q", name + bytes(4)), *struct.unpack("<4Q", public(20 + i)), 1_000 * i])
        for name, i in founders]]))
    # The second founder has had the first turn: it gained 2,000 and paid the 3,000 of all, the other one gained 1,000.
    out["rotation"] = encode(Struct([], [[Struct([1_000] if i == 1 else [2 ** 64 - 1_000, 2 ** 64 - 1])
                                          for _, i in founders]]))
    words = [[*struct.unpack("<3Q", name + bytes(4))] for name, _ in founders]
    out["presence"] = encode(Struct([], [[
        Struct([height, *struct.unpack("<8Q", bytes([0xb0 + height]) * 32 + sha(out["validators"])), seats])
        for height, seats in ((2, 3), (3, 2))]]))
    out["absences"] = encode(Struct([], [[Struct([*words[0], 1, 7]), Struct([*words[1], 4])]]))
    out["judged"] = encode(Struct([12], [sha(out["evidence_votes"])]))
    state[b"\x08"] = encode(Struct([]))
    state[b"\x09"] = encode(Struct([], [[Struct([*one, 1]) for one in words]]))
    state[b"\5"] = state[b"\6"] = out["validators"]
    state[b"\7"] = encode(Struct([], [[Struct([]), Struct([])]]))
    out["genesis_state_root"] = state_root(state)
    return out


def main(write: Callable[[str], object]) -> None:
    write("#pragma once\n// Written by golden.py, a program that shares no code with what is tested. Hexadecimal.\n"
          "#include <string_view>\n\nnamespace troupe::chain::golden {\n")
    for name, value in golden().items():
        text = value.hex()
        lines = [text[i:i + 112] for i in range(0, len(text), 112)]
        constant = "k" + "".join(part.title() for part in name.split("_"))
        head = f"inline constexpr std::string_view {constant} ="
        between = " " if len(head) + len(text) < 115 else "\n    "
        write(f"\n{head}{between}" + "\n    ".join(f'"{line}"' for line in lines) + ";\n")
    write("\n}  // namespace troupe::chain::golden\n")


if __name__ == "__main__":
    main(sys.stdout.write)
