"""Requests by datagram, as in messages/README.md, "A datagram"."""
import os
import socket
import struct
from hashlib import sha512
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from client import FIND_VALUE, Root, build

STORE = 0xb620820c3acf06d7
P = 2**255 - 19


def montgomery(key):
    y = int.from_bytes(key, "little") & (1 << 255) - 1
    return ((1 + y) * pow(1 - y, P - 2, P) % P).to_bytes(32, "little")


def hchacha(key, nonce):
    """Returns the key for the rest of an XChaCha nonce (draft-irtf-cfrg-xchacha-03, 2.2)."""
    x = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, *struct.unpack("<8I4I", key + nonce)]

    def turn(i, way):
        x[i] = (x[i] << way | x[i] >> 32 - way) & 0xffffffff

    for _ in range(10):
        for a, b, c, d in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
                           (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            for to, add, mix, way in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                x[to] = x[to] + x[add] & 0xffffffff
                x[mix] ^= x[to]
                turn(mix, way)
    return struct.pack("<8I", *x[:4], *x[12:])


class Asker:
    """One id at its own port, which sends requests to one node."""

    def __init__(self, to, identity, address, node_key):
        self.identity, self.cookie, self.count = identity, bytes(16), 0
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((address, 0))
        self.udp.connect(to)
        self.udp.settimeout(2)
        seed = identity.key.private_bytes(serialization.Encoding.Raw, serialization.PrivateFormat.Raw,
                                          serialization.NoEncryption())
        secret = X25519PrivateKey.from_private_bytes(sha512(seed).digest()[:32]).exchange(
            X25519PublicKey.from_public_bytes(montgomery(node_key)))
        self.sends, self.takes = (
            HKDF(hashes.SHA256(), 32, None, b"troupe-dgram-1" + info).derive(secret)
            for info in (identity.public + node_key, node_key + identity.public))
        self.begin = os.urandom(16)  # of all nonces, so that one key seals all datagrams
        self.seals = ChaCha20Poly1305(hchacha(self.sends, self.begin))

    def send(self, path, kind, words):
        self.count += 1
        unique = struct.pack("<Q", self.count)
        head = (struct.pack("<BBHI", 0x11, 0, 0, self.identity.nonce) + os.urandom(8) + self.identity.public
                + self.cookie + self.begin + unique)
        sealed = struct.pack("<QQQIBxxx", kind, 0, 0, 0, len(path)) + path + bytes(-len(path) % 8) + words
        self.udp.send(head + self.seals.encrypt(bytes(4) + unique, sealed, head))

    def ask(self, path, kind, words):
        """Returns the type and the words of the response."""
        for _ in range(5):
            self.send(path, kind, words)
            got = self.udp.recv(2048)
            if got[0] != 0x13:
                break
            self.cookie = got[16:]
        key = ChaCha20Poly1305(hchacha(self.takes, got[16:32]))
        opened = key.decrypt(bytes(4) + got[32:40], got[40:], got[:40])
        return opened[8], opened[16:]

    def meet(self, large, small, record):
        """Proves its address, and builds the requests that again() sends."""
        asker = (b"", self.identity.contact)
        kind, words = self.ask(b"/dht", FIND_VALUE, build(struct.pack("<B7x", 2), asker, small))
        assert kind == 1, "an honest request is answered"
        token = Root(words).bytes(2)
        assert self.ask(b"/dht", FIND_VALUE, build(struct.pack("<B7x", 2), asker, large))[0] == 3, "too large"
        self.questions = [(b"/dht", FIND_VALUE, build(struct.pack("<B7x", 2), asker, large)),
                          (b"/dht", STORE, build(bytes(16), asker, token, small, record))]
        self.udp.setblocking(False)

    def again(self):
        try:
            self.send(*self.questions[self.count % 2])
        except OSError:
            pass  # a datagram that the kernel refuses is lost, as elsewhere

    def answers(self):
        count = 0
        try:
            while self.udp.recv(2048):
                count += 1
        except OSError:
            return count
