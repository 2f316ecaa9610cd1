#!/usr/bin/python3
"""Attacks on a node by untrusted nodes that speak its protocol, in their own network namespace.

attacks.py BINARY small [NAME...]    some seconds each, against limits that settings make small
attacks.py BINARY full [NAME...]     default settings and full sizes: half an hour for all

Without names: all attacks that ATTACKS switches on. Prints a line of figures per attack. Exit 0: the node held; 1: it
did not; 77: this system allows no network namespace; 78: the named attacks are switched off until the node holds.
Each attack is bounded in count and in time, and stops by itself.
"""
import json
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections import deque, namedtuple
from hashlib import sha256
from pathlib import Path
from OpenSSL import SSL
import client
from client import Identity, Link, Root, build
from datagrams import Asker

NODE, FRIEND, QUIET = ("198.18.0.1", 7000), ("198.19.0.1", 7000), ("198.18.0.2", 7000)
CANCEL, STORE_CONTENT, GET_STATUS = 7, 0xce1031623b0696f3, 0xa18442b425abac38
KIB, MIB = 1 << 10, 1 << 20
CHUNK = bytes(range(256)) * (2 * MIB // 256)
FAILS = (OSError, SSL.Error, RuntimeError)
PATIENCE = 10  # seconds, for events that are late on a busy machine
SILENCE = 2  # seconds; a link without pongs ends after three times the shortest `net.keep_alive` of an attack
NONCES = [int(word) for word in (Path(__file__).parent / "nonces.txt").read_text().split()]


# --- The participants ---

def stranger(number):
    """An identity without a node. nonces.txt, printed by `attacks.py - nonces`, has the work of the first."""
    seed = sha256(b"troupe test %d" % number).digest()
    return Identity(seed, NONCES[number] if number < len(NONCES) else 0)


def source(number, groups):
    """An address of the attacker: the numbers go round `groups` networks of 24 bits."""
    return f"198.18.{1 + number % groups}.{1 + number // groups % 250}", 0


class Control(Link):
    """The control socket of a node: frames without TLS and handshake."""

    def __init__(self, path):
        self.next, self.identity = 1, None
        self.tls = socket.socket(socket.AF_UNIX)
        self.tls.settimeout(20)
        self.tls.connect(path)

    def read(self, count):
        out = self.tls.recv(count, socket.MSG_WAITALL)
        if len(out) < count:
            raise OSError("the node has ended")
        return out

    def status(self):
        """Returns the time of the response in seconds, and whether the node is ok (0), degraded (1) or failing (2)."""
        began = time.monotonic()
        state = self.answer(self.ask(b"/node", GET_STATUS, build()))
        return time.monotonic() - began, state.data[16]


class Node:
    def __init__(self, binary, folder, name, at, settings=()):
        self.binary, self.data = binary, f"{folder}/{name}"
        words = [binary, "node", "--data", self.data, "--listen", "%s:%d" % at]
        for setting in settings:
            words += ["--set", setting]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=open(f"{folder}/{name}.log", "w"))
        line = self.process.stdout.readline().split()
        if len(line) != 3:
            raise RuntimeError(f"the node does not start: {Path(folder, name + '.log').read_text()[-500:]}")
        self.name = f"{line[1].decode()}@{line[2].decode()}"

    def status(self):
        """As Control.status(), over a new link: a silent link ends, and a busy machine asks rarely."""
        return Control(f"{self.data}/control.sock").status()

    def memory(self):
        """Returns the resident memory in MiB."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * 4 // KIB

    def files(self):
        """Returns the number of open files and sockets."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def troupe(self, *words):
        out = subprocess.run([self.binary, *words, "--data", self.data], capture_output=True, timeout=60, check=False)
        return out.returncode, (out.stdout or out.stderr).decode().strip()

    def writes(self):
        """Returns the pages written so far: a synced row is at least one page. 0 on a file system in memory."""
        io = Path(f"/proc/{self.process.pid}/io").read_text()
        return int(re.search(r"^write_bytes: (\d+)", io, re.MULTILINE)[1]) // 4096

    def settles(self):
        """Waits until the node has finished its first writes: a reserve of 16 MiB per store."""
        last = None
        while (now := self.writes()) != last:
            last = now
            time.sleep(0.5)

    def end(self):
        self.process.kill()
        self.process.wait()


# --- The requests ---

def chunk_id(data):
    level = [sha256(data[at:at + 16 * KIB]).digest() for at in range(0, len(data), 16 * KIB)]
    while len(level) > 1:  # of a power of two
        level = [sha256(left + right).digest() for left, right in zip(level[::2], level[1::2])]
    return level[0]


def key_of(data, name=None):
    return (name or chunk_id(data)) + struct.pack("<IHH", len(data), 1, 0)


def store(link, claim, key, data):
    """Begins to store a chunk under a claim for the named file."""
    return link.ask(b"/files/holder", STORE_CONTENT, build(b"", (bytes(8), claim), (key,), data))


def fetch(link, key):
    return link.ask(b"/files/holder", client.FETCH_CONTENT, build(b"", (key,)))


def numbered(number, size=16):
    return sha256(b"content %d" % number).digest()[:size]


def drain(link, waiting):
    """Receives one response; returns the number of its error, or 0."""
    while (got := link.receive())[0] not in (client.ANSWER, client.ERROR) or got[1] not in waiting:
        link.serve(*got)
    waiting.discard(got[1])
    return Root(got[2]).data[0] if got[0] == client.ERROR else 0


def stream(link, questions, at_once, seconds):
    """Sends requests, `at_once` in flight. Returns the number of responses per error number."""
    answers, waiting, ends = {}, set(), time.monotonic() + seconds
    for question in questions:
        if time.monotonic() > ends:
            break
        waiting.add(question(link))
        if len(waiting) >= at_once:
            code = drain(link, waiting)
            answers[code] = answers.get(code, 0) + 1
    while waiting:
        code = drain(link, waiting)
        answers[code] = answers.get(code, 0) + 1
    return answers


def still_open(links):
    watched = select.poll()
    for link in links:
        watched.register(link.tcp, select.POLLRDHUP)
    return len(links) - len(watched.poll(0))


def connect(to, own):
    tcp = socket.socket()
    tcp.setblocking(False)
    tcp.bind(own)
    tcp.connect_ex(to)
    return tcp


def paced(count, per_second, seconds):
    """Yields the numbers from 0 to `count` at this rate, for at most `seconds`."""
    began = time.monotonic()
    for number in range(count):
        behind = number / per_second - (time.monotonic() - began)
        if behind > 0:
            time.sleep(behind)
        if time.monotonic() - began > seconds:
            return
        yield number


# --- The attacks: each runs in its own process, and returns its result ---

def seats(to, plan, facts):
    """[H4] One id opens link after link from many addresses, and reads no responses."""
    me, links = stranger(0), []
    for number in paced(plan.count, plan.per_second, plan.seconds):
        try:
            links.append(Link(to, me, source(number, plan.groups), 5))
            for _ in range(plan.questions):
                fetch(links[-1], facts["chunk"])
        except FAILS:
            pass
    time.sleep(plan.hold)
    return {"made": len(links)}


def slow(to, plan, facts):
    """[H3] Links that request 32 MiB each and read nothing, or just enough to keep a link. Twice: each is replaced."""
    links, others = [], []
    for number in range(plan.count):
        try:
            links.append(Link(to, stranger(number), source(number, plan.groups), PATIENCE))
            for _ in range(plan.questions):
                fetch(links[-1], facts["chunk"])
            if plan.twice:
                others.append(Link(to, stranger(number), source(number, plan.groups), 5))
        except FAILS:
            pass
    if not links:
        raise RuntimeError("not one link was made")
    ends = time.monotonic() + plan.seconds
    while time.monotonic() < ends:
        time.sleep(min(plan.every, max(0, ends - time.monotonic())))
        for link in links if plan.trickle else ():
            try:
                link.tcp.recv(plan.trickle, socket.MSG_DONTWAIT)
            except OSError:
                pass
    while not plan.full and still_open(links) and time.monotonic() < ends + PATIENCE:
        time.sleep(0.2)
    return {"links": len(links), "open": still_open(links)}


def halves(to, plan, _):
    """[H3] Frames of 2.5 MiB that arrive without their end."""
    links, payload = [], build(b"", None, None, bytes(2_600_000))
    head = struct.pack("<IBBHQQ24x", 44 + 16 + len(payload), client.ASK, 0, 13, 3, STORE_CONTENT)
    for number in range(plan.count):
        try:
            links.append(Link(to, stranger(number), source(number, plan.groups), 5))
            links[-1].tls.sendall(head + b"/files/holder\0\0\0" + payload[:-plan.seconds])
        except FAILS:
            pass
    ends = time.monotonic() + plan.seconds
    while time.monotonic() < ends:
        time.sleep(min(plan.every, max(0, ends - time.monotonic())))
        for link in links:
            try:
                link.tls.sendall(b"\0")
            except FAILS:
                pass
    return {"links": len(links), "open": still_open(links)}


def silent(to, plan, _):
    """[M2] Connections that send nothing, or only a hello."""
    held = {}
    for number in paced(plan.count, plan.per_second, plan.seconds):
        held[number] = connect(to, source(number, plan.groups))
        if number % 2 and number > 100:
            try:
                held[number - 99].send(hello())
            except (OSError, KeyError):
                pass
        if number > plan.at_once:
            held.pop(number - plan.at_once).close()
    return {"connections": number + 1}


def hello():
    """A ClientHello."""
    context = SSL.Context(SSL.TLSv1_2_METHOD)
    context.set_cipher_list(b"ECDHE-ECDSA-AES128-GCM-SHA256")
    tls = SSL.Connection(context, None)
    tls.set_connect_state()
    try:
        tls.do_handshake()
    except SSL.WantReadError:
        return tls.bio_read(4096)


def handshakes(to, plan, _):
    """[M1] TLS handshakes that make the node sign, and end by a reset."""
    said, begun, hellos = hello(), deque(), 0
    for number in paced(plan.count, plan.per_second, plan.seconds):
        begun.append(connect(to, source(number, plan.groups)))
        if len(begun) > plan.at_once:  # it is connected already if the node accepted it
            try:
                begun[-plan.at_once].send(said)
                hellos += 1
            except OSError:
                pass
        if len(begun) > 2 * plan.at_once:
            tcp = begun.popleft()
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            tcp.close()
    return {"connections": number + 1, "hellos": hellos}


def pings(to, plan, _):
    """[M5] Pings that name a different port each time."""
    me = stranger(0)
    link = Link(to, me, source(0, 1), 5)

    def ping(port):
        place = me.public + bytes(10) + b"\xff\xff" + bytes((198, 18, 1, 1)) + struct.pack("<HHI", port, 0, me.nonce)
        return lambda link: link.ask(b"/peers", client.PEERS_PING, build(b"", (place,), None))

    numbers = paced(plan.count, plan.per_second, plan.seconds)
    return {"answers": stream(link, (ping(1024 + number % 2) for number in numbers), 50, plan.seconds)}


def claims(to, plan, _):
    """[H2] One id claims a few bytes for file after file, as often as allowed."""
    link, chunks = Link(to, stranger(0), source(0, 1), 5), [numbered(i) for i in range(plan.chunks)]
    keys = [key_of(data, sha256(data).digest()) for data in chunks]
    asks = (lambda link, i=i: store(link, numbered(i // plan.chunks, 32), keys[i % plan.chunks],
                                    chunks[i % plan.chunks]) for i in range(plan.count))
    answers = stream(link, asks, 200, plan.seconds)
    return {"claimed": answers.pop(0, 0), "refused": answers}


def target(to, plan, _):
    """[H2] One id claims one known object for many files."""
    link, data = Link(to, stranger(0), source(0, 1), 5), numbered(0)
    key = key_of(data, sha256(data).digest())
    answers = stream(link, (lambda link, i=i: store(link, numbered(i, 32), key, data) for i in range(plan.count)), 200,
                     plan.seconds)
    return {"claimed": answers.pop(0, 0), "refused": answers}


def disk(to, plan, _):
    """[H1] A few ids store as much as the node accepts."""
    stored, refused, ends = 0, {}, time.monotonic() + plan.seconds
    for number in range(plan.ids):
        link = Link(to, stranger(number), source(number, plan.groups), 10)
        for i in range(plan.count):
            data = numbered(1000 * number + i) + CHUNK[16:]
            if time.monotonic() > ends:
                break
            try:
                link.answer(store(link, numbered(number, 32), key_of(data), data))
                stored += 1
            except RuntimeError as why:
                refused[why.args[0]] = refused.get(why.args[0], 0) + 1
                break
    return {"storedMiB": stored * 2, "refused": refused}


def commits(to, plan, _):
    """[M6] The maximum number of stores of 2 MiB in flight on one link, again and again."""
    link = Link(to, stranger(0), source(0, 1), 20)
    stored, refused, ends = 0, {}, time.monotonic() + plan.seconds
    for number in range(plan.rounds):
        if time.monotonic() > ends:
            break
        datas = [numbered(1000 * number + i) + CHUNK[16:] for i in range(plan.count)]
        words = [build(b"", (bytes(8), bytes(32)), (key_of(data),), data) for data in datas]  # to send all at once
        answers = stream(link, (lambda link, one=one: link.ask(b"/files/holder", STORE_CONTENT, one) for one in words),
                         plan.count + 1, 60)
        stored += answers.pop(0, 0)
        refused |= answers
    return {"stored": stored, "refused": refused}


def cancels(to, plan, _):
    """Links of several processes send large requests and cancel them at once; every fourth link reconnects."""
    words = build(b"", (bytes(8), bytes(32)), (key_of(CHUNK),), CHUNK)

    def work(first):
        links, sent, ends = {}, 0, time.monotonic() + plan.seconds
        while time.monotonic() < ends:
            number = first + sent % plan.count
            try:
                if number not in links:
                    links[number] = Link(to, stranger(number), source(number, plan.groups), 5)
                    links[number].tcp.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 2, 0))
                links[number].send(CANCEL, number=links[number].ask(b"/files/holder", STORE_CONTENT, words))
                if number % 4 == 0 and sent % 3 == 0:
                    links.pop(number).tcp.close()
            except FAILS:
                links.pop(number, None)
            sent += 1
        return sent

    kids = [forked(lambda kid=kid: work(kid * plan.count), os.sched_getaffinity(0)) for kid in range(plan.ids)]
    return {"questions": sum(json.loads(os.read(reads, 100)) for _, reads in kids)}


def datagrams(to, plan, facts):
    """[M3, M4] Datagrams that request a value too large for a datagram, and stores of a stored record."""
    askers = [Asker(to, stranger(number), source(0, 1)[0], facts["key"]) for number in range(plan.ids)]
    for asker in askers:
        asker.meet(facts["large"], facts["small"], facts["record"])
    sent = began = time.monotonic()
    for sent in paced(plan.count, plan.per_second, plan.seconds):
        askers[sent % plan.ids].again()
    return {"datagrams": sent + 1, "perSecond": round(sent / (time.monotonic() - began)),
            "answers": sum(asker.answers() for asker in askers)}


# --- The honest client during an attack ---

class Honest:
    """Gets a value repeatedly over a link that existed before the attack, and links again from time to time."""

    def __init__(self, node, at, key):
        self.node, self.at, self.key, self.seen = node, at, key, 0
        self.begin()
        self.gets, self.links, self.statuses, self.errors, self.files = [], [], [], [], []
        self.memory = self.worst = 0

    def begin(self):
        self.link, self.used = Link(self.at, stranger(255), ("198.19.255.1", 0), 20), time.monotonic()

    def look(self):
        if time.monotonic() - self.used > SILENCE:
            self.begin()
        began = time.monotonic()
        try:
            client.value(self.link, self.key)
            self.used = time.monotonic()
            self.gets.append(self.used - began)
        except FAILS as why:
            self.errors.append(repr(why))
            self.begin()
        self.memory = max(self.memory, self.node.memory())
        self.files.append(self.node.files())
        self.seen += 1
        if self.seen % 10 == 1:
            self.links.append(self.link_anew())
            took, health = self.node.status()
            self.statuses.append(took)
            self.worst = max(self.worst, health)

    def link_anew(self):
        """Returns the seconds until a new identity, retrying every 100 ms, is linked; on failure PATIENCE or more."""
        began = time.monotonic()
        own = (f"198.19.{1 + len(self.links) % 250}.1", 0)
        while time.monotonic() - began < PATIENCE:
            try:
                Link(self.at, stranger(254 - len(self.links) % 50), own, 5).send(client.CLOSE)
                break
            except FAILS:
                time.sleep(0.1)
        return time.monotonic() - began

    def figures(self):
        gets, files = sorted(self.gets) or [99], sorted(self.files)
        return {"gets": len(self.gets), "getP50Ms": round(1000 * gets[len(gets) // 2], 2),
                "getP99Ms": round(1000 * gets[int(len(gets) * 0.99)], 2), "linkS": round(max(self.links), 2),
                "statusMs": round(1000 * max(self.statuses), 1), "memoryMiB": self.memory,
                "files": files[len(files) // 2], "filesP90": files[len(files) * 9 // 10], "errors": self.errors[:3]}


# --- The table: which attacks are on, limits, sizes and requirements ---

Attack = namedtuple("Attack", "run on settings small full holds")
Run = namedtuple("Run", "plan result figures quiet node before after facts")


class Plan:
    """The sizes of an attack; sizes that a row does not name have these defaults."""
    groups, seconds, per_second, hold, every, trickle, at_once, ids, questions = 2, 2, 100, 0, 0.5, 0, 100, 1, 16
    twice = False

    def __init__(self, **sizes):
        self.__dict__.update(sizes)


def puts(run):
    """The node can still put a file."""
    path = Path(run.node.data).parent / "own"
    path.write_bytes(os.urandom(MIB))
    began = time.monotonic()
    code, said = run.node.troupe("file", "put", str(path), "--replicas", "1")
    return code == 0 and time.monotonic() - began < 5, f"its own put of 1 MiB: exit {code}, {said}"


def dials(run):
    code, said = run.node.troupe("peers", "connect", run.facts["friend"])
    return code == 0, f"its own dial: exit {code}, {said}"


def stores(run):
    """The node still accepts an object of another untrusted node."""
    link, data = Link(NODE, stranger(253), ("198.19.253.1", 0)), numbered(0)
    try:
        link.answer(store(link, numbered(99, 32), key_of(data, sha256(data).digest()), data))
        return True, ""
    except RuntimeError as why:
        return False, f"a store by another untrusted node: {why}"


def well(run):
    return run.figures["worst"] < 2, "the node is failing because of an untrusted node"


def few(name, small, full=None):
    """At most this many. The end of a link may be hidden behind unread bytes, so one `open` is allowed."""
    def holds(run):
        most = full if full is not None and run.plan.full else small
        return run.result[name] <= most, f"{name}: {run.result[name]}, more than {most}"
    return holds


def grows(most):
    """Growth of resident memory in MiB; full: 600 MiB in all. Not checked under sanitizers, which use memory too."""
    def holds(run):
        grown = run.figures["memoryMiB"] - run.before["memory"]
        allowed = 600 - run.before["memory"] if run.plan.full else most
        return grown <= allowed or "BINARY_UNDER_TEST" in os.environ, f"memory grew by {grown} MiB"
    return holds


def quick(run):
    """At most ten times the quiet time. The small attack requires any response, because a busy machine is slow."""
    if not run.plan.full:
        return run.figures["gets"] > 0, "no honest get was answered"
    most = 10 * run.quiet["getP99Ms"]
    return run.figures["getP99Ms"] <= most, f"an honest get takes {run.figures['getP99Ms']} ms, more than {most:.1f}"


def answers(run):
    return not run.plan.full or run.figures["statusMs"] <= 100, f"status takes {run.figures['statusMs']} ms"


def files(small, full):
    """Additional open files and sockets in nine of ten samples, in the small attack in half of them: occupied
    connection slots. A refused socket is also open for a moment, and on a busy machine many samples include several.
    Without the limit the small attack occupies all 32 slots. A sanitized program closes refused sockets later."""
    def holds(run):
        most = full if run.plan.full else 2 * small if "BINARY_UNDER_TEST" in os.environ else small
        more = run.figures["filesP90" if run.plan.full else "files"] - run.before["files"]
        return more <= most, f"{more} more files and sockets open, of {most}"
    return holds


def written(small, full):
    """Pages written; in a full run the honest links cause some hundred per second."""
    def holds(run):
        done, most = run.after["writes"] - run.before["writes"], full if run.plan.full else small
        return done <= most, f"{done} pages written, more than {most}"
    return holds


SMALL_BUFFERS = "net.buffer_bytes_max=16MiB", "net.keep_alive=1s", "net.questions_in_flight_max=64"
# Function, whether the attack is on (ATTACKS_ALL=1 in the environment switches all on), settings of the small attack,
# sizes of the small and the full attack, and requirements in addition to the common limits in `run`.
ATTACKS = {
    "seats": Attack(seats, True, ["net.links_max=32"], Plan(count=80, groups=4, per_second=80, questions=8),
                    Plan(count=1500, groups=4, per_second=200, seconds=20, hold=2),
                    [answers, files(24, 24), grows(96), dials]),  # queues of four links, and memory kept for reuse
    "slow": Attack(slow, True, SMALL_BUFFERS, Plan(count=8), Plan(count=64, seconds=60, every=15, trickle=48 * KIB),
                   [few("open", 1, 0), grows(128)]),
    "twice": Attack(slow, True, SMALL_BUFFERS, Plan(count=8, twice=True),
                    Plan(count=64, seconds=60, every=15, trickle=48 * KIB, twice=True),
                    [few("open", 1, 0), grows(128)]),
    "halves": Attack(halves, True, SMALL_BUFFERS, Plan(count=10), Plan(count=64, seconds=75, every=20),
                     [grows(64), puts]),
    "silent": Attack(silent, True, [], Plan(count=2000, groups=3, per_second=600, at_once=400),
                     Plan(count=30_000, groups=3, per_second=1000, seconds=20, at_once=5000), [answers]),
    "handshakes": Attack(handshakes, True, [], Plan(count=2000, groups=3, per_second=1000),
                         Plan(count=100_000, groups=3, per_second=5000, seconds=20), [quick, answers]),
    "pings": Attack(pings, True, [], Plan(count=1800, per_second=900), Plan(count=18_000, per_second=900, seconds=20),
                    [written(1300, 6000)]),
    "claims": Attack(claims, True, ["files.claims_max=1024"], Plan(count=1500, chunks=16, seconds=3),
                     Plan(count=1 << 20, chunks=1030, seconds=60), [stores, puts, well]),
    "target": Attack(target, True, [], Plan(count=200, seconds=3), Plan(count=1100, seconds=10),
                     [few("claimed", 16), stores]),
    "disk": Attack(disk, True, ["files.space=64MiB"], Plan(ids=5, count=40, groups=1, seconds=3),
                   Plan(ids=20, count=100, groups=4, seconds=20), [puts, well, few("storedMiB", 64, 4096)]),
    "commits": Attack(commits, True, ["files.commits_max=64"], Plan(count=48, rounds=1),
                      Plan(count=256, rounds=4, seconds=20), [grows(160), puts]),
    "cancels": Attack(cancels, True, SMALL_BUFFERS, Plan(count=3, ids=4, groups=6, seconds=3),
                      Plan(count=8, ids=6, groups=50, seconds=30), [grows(96), puts]),
    "datagrams": Attack(datagrams, True, [], Plan(count=20_000, per_second=10_000),
                        Plan(count=200_000, per_second=10_000, seconds=20), [quick]),
    "line": Attack(datagrams, True, [], Plan(count=20_000, per_second=10_000, ids=25),
                   Plan(count=200_000, per_second=10_000, seconds=20, ids=25), [quick]),
}


# --- One run ---

def forked(work, cores):
    """Runs `work` in a new process. Returns its id, and the pipe from which to read its result."""
    reads, writes = os.pipe()
    process = os.fork()
    if process:
        os.close(writes)
        return process, reads
    os.sched_setaffinity(0, cores)
    try:
        said = json.dumps(work())
    except BaseException as why:  # is reported, and fails the run
        said = json.dumps({"broken": repr(why)})
    os.write(writes, said.encode())
    os._exit(0)


def watched(node, at, key, attack, plan, to, facts, cores):
    """Attacks `to` while an honest client uses `node`. Returns the result of the attack and the figures."""
    honest = Honest(node, at, key)
    honest.look()
    process, reads = forked(lambda: attack.run(to, plan, facts), cores)
    try:
        while not select.select([reads], [], [], 0.01)[0]:
            honest.look()
        result = json.loads(os.read(reads, 65536))
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(reads)
    return result, honest.figures() | {"worst": honest.worst}


def furnish(node, at):
    """Stores the data that the attacks request."""
    put = [node.troupe("dht", "put", name, value)[1].split()[0][4:] for name, value in
           (("orders/17", "seven"), ("large", "x" * 48 * KIB))]
    small, large = (bytes.fromhex(key) for key in put)
    link = Link(at, stranger(252), ("198.19.252.1", 0))
    link.answer(store(link, numbered(0, 32), key_of(CHUNK), CHUNK))
    question = build(struct.pack("<B7x", 2), (b"", link.identity.contact), small)
    record = link.answer(link.ask(b"/dht", client.FIND_VALUE, question)).bytes(0)
    return {"chunk": key_of(CHUNK), "small": small, "large": large, "record": record, "key": link.node}


def run(binary, name, full):
    attack, complaints = ATTACKS[name], []
    plan = attack.full if full else attack.small
    plan.full = full
    cores = sorted(os.sched_getaffinity(0))
    ours, theirs = ({cores[0]}, {cores[-1]}) if full else (set(cores), set(cores))
    folder = tempfile.mkdtemp(prefix="troupe-attack-")
    nodes = []
    try:
        os.sched_setaffinity(0, ours)  # processes started from here on inherit this
        node = Node(binary, folder, "node", NODE, [] if full else attack.settings)
        nodes.append(node)
        nodes.append(Node(binary, folder, "friend", FRIEND))
        facts = furnish(node, NODE) | {"friend": nodes[1].name}
        key, quiet = facts["small"], None
        if full:
            os.sched_setaffinity(0, theirs)
            nodes.append(Node(binary, folder, "quiet", QUIET))
            os.sched_setaffinity(0, ours)
            short = Plan(**vars(plan) | {"seconds": min(plan.seconds, 20)})
            quiet = watched(node, NODE, key, attack, short, QUIET, furnish(nodes[2], QUIET), theirs)[1]
        node.settles()
        before = {"memory": node.memory(), "files": node.files(), "writes": node.writes()}
        result, figures = watched(node, NODE, key, attack, plan, NODE, facts, theirs)
        after = {"writes": node.writes()}
        done = Run(plan, result, figures, quiet, node, before, after, facts)
        limits = [(figures["linkS"] < (2 if full else PATIENCE), f"an honest client links in {figures['linkS']} s"),
                  (not figures["errors"], f"an honest get fails: {figures['errors']}"),
                  ("broken" not in result, f"the attack broke off: {result}")]
        if "broken" not in result:
            limits += [holds(done) for holds in attack.holds]
        if full:
            ends = time.monotonic() + 120
            while node.memory() > 150 and time.monotonic() < ends:
                time.sleep(1)
            limits += [(node.memory() <= 150, f"{node.memory()} MiB two minutes later"),
                       (figures["memoryMiB"] <= 600, f"{figures['memoryMiB']} MiB at worst")]
            figures |= {"laterMiB": node.memory(), "quietGetP99Ms": quiet["getP99Ms"]}
        complaints = [said for held, said in limits if not held]
        print(json.dumps({"attack": name, "before": before} | result | figures), flush=True)
    finally:
        for one in nodes:
            one.end()
        shutil.rmtree(folder)
    for complaint in complaints:
        print(f"FAILED: {name}: {complaint}", file=sys.stderr)
    return not complaints


def main():
    if sys.argv[2] == "nonces":
        return print(*(stranger(number).nonce for number in range(256)))
    if os.environ.get("ATTACKS_INSIDE") != "inside":
        unshare = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]
        if subprocess.run([*unshare, "ip", "link", "set", "lo", "up"], capture_output=True, check=False).returncode:
            sys.exit(77)
        os.environ["ATTACKS_INSIDE"] = "inside"
        os.execvp("unshare", [*unshare, sys.executable, "-B", *sys.argv])
    for words in ("link set lo up", "route add local 198.18.0.0/15 dev lo"):
        subprocess.run(["ip", *words.split()], check=True)
    names = [name for name in sys.argv[3:] or ATTACKS if ATTACKS[name].on or os.environ.get("ATTACKS_ALL")]
    if not names:
        sys.exit(78)
    sys.exit(not all([run(sys.argv[1], name, sys.argv[2] == "full") for name in names]))


if __name__ == "__main__":
    main()
