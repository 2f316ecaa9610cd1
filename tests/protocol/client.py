#!/usr/bin/python3
"""A client of our protocol that shares no code with it, written only from messages/README.md and the schemas.
client.py HOST:PORT value KEY    prints the value of the record /kv/KEY, which `troupe dht put` has stored
client.py HOST:PORT chunk CID    prints the first chunk of a file, which `troupe file put` has stored
"""
import os
import socket
import struct
import sys
from hashlib import sha256
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from OpenSSL import SSL

ASK, ANSWER, ERROR, PING, PONG, HELLO, PROOF, CLOSE = 1, 2, 3, 12, 13, 14, 15, 16  # types of frames
HELLO_KIND, PROOF_KIND, ERROR_KIND = 0xbd02f23f51483815, 0xe8e7c4032555e64b, 0xd908391e757a9110
PEERS_PING, PEERS_PONG = 0xa247945e2820038a, 0xa49700c5a0d2bee1
FIND_VALUE, FETCH_CONTENT = 0xd583bb3e1e237727, 0xe307d23ba5792933

def build(data=b"", *pointers):
    """Returns a message of one segment. A pointer is bytes, None, or a struct: a tuple of data and pointers."""
    words = bytearray(8)
    place(words, 0, (data, *pointers))
    return struct.pack("<II", 0, len(words) // 8) + words

def place(words, at, value):
    offset = (len(words) - at - 8) // 8 << 2
    if isinstance(value, bytes):
        struct.pack_into("<Q", words, at, offset | 1 | 2 << 32 | len(value) << 35)
        words += value + bytes(-len(value) % 8)
    elif value is not None:
        data, *pointers = value
        struct.pack_into("<Q", words, at, offset | len(data) // 8 << 32 | len(pointers) << 48)
        behind = len(words) + len(data)
        words += data + bytes(8 * len(pointers))
        for i, pointer in enumerate(pointers):
            place(words, behind + 8 * i, pointer)

class Root:
    """The root of a received message. Its segments refer to each other by far pointers."""
    def __init__(self, payload):
        count = struct.unpack_from("<I", payload)[0] + 1
        sizes = struct.unpack_from(f"<{count}I", payload, 4)
        ends = [(count // 2 + 1 + sum(sizes[:i])) * 8 for i in range(count + 1)]
        self.segments = [payload[begin:end] for begin, end in zip(ends, ends[1:])]
        segment, at, word = self.follow(0, 0)
        self.pointers_at = segment, at + (word >> 32 & 0xffff) * 8
        self.data = bytes(self.segments[segment][at:self.pointers_at[1]])
    def bytes(self, pointer):
        segment, at, word = self.follow(self.pointers_at[0], self.pointers_at[1] + 8 * pointer)
        return bytes(self.segments[segment][at:at + (word >> 35)])
    def follow(self, segment, at):
        word, behind = struct.unpack_from("<QQ", self.segments[segment] + bytes(8), at)
        if word & 7 == 6:  # double far pointer: the location of the object, then its description
            segment, at = word >> 32, (word >> 3 & 0x1fffffff) * 8
            word, what = struct.unpack_from("<QQ", self.segments[segment], at)
            return word >> 32, (word >> 3 & 0x1fffffff) * 8, what
        if word & 3 == 2:  # far pointer: the location of the pointer
            return self.follow(word >> 32, (word >> 3 & 0x1fffffff) * 8)
        return segment, at + 8 + 8 * ((word >> 2 & 0x3fffffff ^ 0x20000000) - 0x20000000), word

class Identity:
    def __init__(self, seed, nonce=0):
        self.key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        while (hashed := sha256(b"troupe-id" + self.public + struct.pack("<I", nonce)).digest())[20:22] != b"\0\0":
            nonce += 1  # until the id has 16 bits of work
        self.nonce, self.id = nonce, hashed[:20]
        self.contact = (self.public + bytes(20) + struct.pack("<I", nonce),)  # port 0: it cannot be dialled

class Link:
    def __init__(self, to, identity, source=None, seconds=20):
        self.identity, self.next = identity, 1
        context = SSL.Context(SSL.TLSv1_2_METHOD)
        context.set_cipher_list(b"ECDHE-ECDSA-AES128-GCM-SHA256")
        self.tcp = socket.create_connection(to, seconds, source)
        self.tcp.settimeout(None)  # OpenSSL needs a blocking socket; this socket has a time limit
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", seconds, 0))
        self.tls = SSL.Connection(context, self.tcp)
        self.tls.set_connect_state()
        self.tls.do_handshake()
        signed = b"troupe link v1" + self.tls.export_keying_material(b"EXPORTER-troupe-v1", 32)
        theirs = self.receive()[2]
        own = build(identity.public + struct.pack("<IHH32xQ", identity.nonce, 1, 1, 1))
        hashes = sha256(theirs).digest() + sha256(own).digest()
        self.send(HELLO, own, HELLO_KIND, lane=1)
        self.send(PROOF, build(identity.key.sign(signed + b"\2" + hashes)), PROOF_KIND, lane=1)
        self.node = Root(theirs).data[:32]
        Ed25519PublicKey.from_public_bytes(self.node).verify(Root(self.receive()[2]).data, signed + b"\1" + hashes)
    def send(self, frame, payload=b"", kind=0, path=b"", number=0, lane=0):
        rest = path + bytes(-len(path) % 8) + payload
        self.tls.sendall(struct.pack("<IBBHQQ24x", 44 + len(rest), frame, lane, len(path), number, kind) + rest)
    def receive(self):
        """Returns the next frame: type, number, payload, path and kind."""
        length, frame, _, path, number, kind = struct.unpack("<IBBHQQ24x", self.read(48))
        body = self.read(length - 44)
        return frame, number, body[path + -path % 8:], body[:path], kind
    def read(self, count):
        out = b""
        while len(out) < count:
            out += self.tls.recv(count - len(out))
        return out
    def serve(self, frame, number, payload, path, kind):
        """Responds to a frame that is not a response, as a dialler must."""
        if frame == PING:
            self.send(PONG, number=number)
        elif frame == ASK and (path, kind) == (b"/peers", PEERS_PING):
            self.send(ANSWER, build(b"", self.identity.contact, None), PEERS_PONG, number=number)
        elif frame == ASK:
            self.send(ERROR, build(struct.pack("<HHI", 3, 0, 0), b"no such service\0"), ERROR_KIND, number=number)
    def ask(self, path, kind, payload):
        self.next += 2  # a dialler's numbers are odd
        self.send(ASK, payload, kind, path, self.next)
        return self.next
    def answer(self, to):
        while (got := self.receive())[0] not in (ANSWER, ERROR) or got[1] != to:
            self.serve(*got)
        if got[0] == ERROR:
            raise RuntimeError(int.from_bytes(Root(got[2]).data[:2], "little"), Root(got[2]).bytes(0)[:-1].decode())
        return Root(got[2])

def value(link, key):
    question = build(struct.pack("<B7x", 2), (b"", link.identity.contact), key)
    record = link.answer(link.ask(b"/dht", FIND_VALUE, question)).bytes(0)
    owner, name = record[1:33], record[59:59 + record[58]]
    assert key == sha256(b"troupe-dht-kv" + owner + name).digest()[:20], "not the record of this key"
    Ed25519PublicKey.from_public_bytes(owner).verify(record[-64:], b"troupe-dht-record-1" + record[:-64])
    return record[59 + len(name):-64]

def content(link, name, length, kind):
    question = build(b"", (name + struct.pack("<IHH", length, kind, 0),))
    return link.answer(link.ask(b"/files/holder", FETCH_CONTENT, question)).bytes(0)

def chunk(link, cid):
    manifest = content(link, cid, 0, 0)
    assert sha256(manifest).digest() == cid, "not the manifest of this file"
    name, length = struct.unpack_from("<32sI", manifest, 80)
    data = content(link, name, length, 1)
    level = [sha256(data[at:at + 16384]).digest() for at in range(0, length, 16384)]
    level += [bytes(32)] * ((1 << (len(level) - 1).bit_length()) - len(level))
    while len(level) > 1:
        level = [sha256(left + right).digest() for left, right in zip(level[::2], level[1::2])]
    assert level[0] == name, "not that chunk"
    return data

if __name__ == "__main__":
    host, port = sys.argv[1].rsplit(":", 1)
    linked = Link((host, int(port)), Identity(os.urandom(32)))
    sys.stdout.buffer.write({"value": value, "chunk": chunk}[sys.argv[2]](linked, bytes.fromhex(sys.argv[3])))
    linked.send(CLOSE)
