"""Runs test programs, two at a time, measures their cost, and remembers which programs passed.

A stamp is the SHA-256 of a program with all its inputs. A program that has already passed with its present stamp does
not run again: its cases count as passed, and the command says so.
"""

import hashlib
import json
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUMMARY = re.compile(r"test cases:\s*(\d+) \|\s*(\d+) passed \|\s*(\d+) failed")
NOTE = re.compile(r"^NOTE: (.*)$", re.M)
DURATION = re.compile(r"^(\d+\.\d+) s: (.*)\n", re.M)  # of doctest
SKIPPED = re.compile(r"^SKIPPED: (.*?)(?: \[(.*)\])?$", re.M)
LINES_SHOWN = 100  # at each end of a long output; a compiler prints the cause first, a test prints it last


@dataclass
class Job:
    """One process to run: a program, or one source of its tests."""

    name: str
    area: str
    command: list[str]
    data: list[Path] = field(default_factory=list)  # inputs in addition to the program: files and folders
    environment: dict[str, str] = field(default_factory=dict)
    timeout_s: int = 600  # during a whole build, real processes take three times as long
    folder: Path = ROOT
    counts: bool = True  # a doctest program; otherwise a process that exits with 0 is one case


@dataclass
class Outcome:
    passed: int
    failed: int
    skipped: list[str]
    notes: list[str]
    cpu_s: float
    wall_s: float
    when: float
    complaints: list[str] = field(default_factory=list)
    unchanged: bool = False
    stdout: str = ""
    durations: list[tuple[float, str]] = field(default_factory=list)  # seconds, case


def fixed_seed(seed: str = "16") -> dict[str, str]:
    """Makes property tests draw the same cases in each run; `tools/soak night` draws new cases."""
    return {"RC_PARAMS": f"seed={seed}"}


def run(job: Job) -> Outcome:
    """Runs the process to its end, or kills it and its children after its time limit."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        # A group to kill, but not a session: if Linux groups processes by session, `nice` applies only within it.
        command = [*job.command, "--duration=true"] if job.counts else job.command
        process = subprocess.Popen(command, cwd=job.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                   env=os.environ | job.environment, process_group=0)
        late = threading.Event()

        def end() -> None:
            late.set()
            os.killpg(process.pid, signal.SIGKILL)

        clock = threading.Timer(job.timeout_s, end)
        clock.start()
        _, status, usage = os.wait4(process.pid, 0)
        clock.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        for stream in (out, err):
            stream.seek(0)
        said, complained = (stream.read().decode(errors="replace") for stream in (out, err))
    outcome = Outcome(0, 0, [], [], usage.ru_utime + usage.ru_stime, time.monotonic() - began, time.time(), stdout=said)
    output = said + complained
    outcome.durations = [(float(seconds), case) for seconds, case in DURATION.findall(output)]
    tally(job, outcome, DURATION.sub("", output), process.returncode, late.is_set())
    return outcome


def tally(job: Job, outcome: Outcome, output: str, code: int, late: bool) -> None:
    """Counts the cases. A process that exits with an error but names no failed case is itself a failed case."""
    ended = f"was killed after {job.timeout_s} s" if late else f"ended with {code}"
    if not job.counts:
        outcome.passed, outcome.failed = (1, 0) if code == 0 else (0, 1)
    else:
        found = SUMMARY.search(output)
        cases, outcome.passed, outcome.failed = (int(found[n]) for n in (1, 2, 3)) if found else (0, 0, 0)
        outcome.notes = sorted(set(NOTE.findall(output)))
        # A partly skipped case has not passed.
        skipped = {(why, case or str(n)) for n, (why, case) in enumerate(SKIPPED.findall(output))}
        skipped = {(why, case) for why, case in skipped}
        outcome.skipped = sorted(why for why, _ in skipped)
        outcome.passed -= min(outcome.passed, len({case for _, case in skipped}))
        if outcome.failed == 0 and (cases == 0 or code != 0):
            outcome.failed = 1
            ended += "; it has no test cases" if cases == 0 else ""
    if outcome.failed:
        lines = output.splitlines()
        if len(lines) > 2 * LINES_SHOWN:
            lines = lines[:LINES_SHOWN] + [f"... {len(lines) - 2 * LINES_SHOWN} lines ..."] + lines[-LINES_SHOWN:]
        outcome.complaints = [ended, *lines]


def run_all(jobs: list[Job], stamps: "Stamps", workers: int, done) -> None:
    """Runs the jobs without a stamp, the longest first, and passes each job to `done`."""
    waiting = sorted(jobs, key=lambda job: -stamps.wall_s(job))
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                if not waiting:
                    return
                job = waiting.pop(0)
            try:
                stamp = stamps.stamp(job)  # before the run: a file may change during it
                known = stamps.passed(job, stamp)
                outcome = known or run(job)
                if known is None:
                    stamps.note(job, outcome, stamp)
            except Exception as error:  # a job that is not counted would look as if all had passed
                outcome = Outcome(0, 1, [], [], 0.0, 0.0, time.time(), complaints=[f"did not run: {error!r}"])
            with lock:
                done(job, outcome)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Stamps:
    """The jobs that passed, and the hashes of their files. A file is hashed again only if its size or time changes."""

    def __init__(self, at: Path, fresh: bool):
        self.at, self.fresh = at, fresh
        self.lock = threading.Lock()
        try:
            known = json.loads(at.read_text())
        except (OSError, ValueError):
            known = {}
        self.hashes: dict[str, list] = known.get("hashes", {})
        self.jobs: dict[str, dict] = known.get("jobs", {})

    def save(self) -> None:
        self.at.parent.mkdir(parents=True, exist_ok=True)
        partial = self.at.with_suffix(".new")
        partial.write_text(json.dumps({"hashes": self.hashes, "jobs": self.jobs}))
        partial.replace(self.at)

    def hash_of(self, file: Path) -> str:
        status = file.stat()
        version = [status.st_size, status.st_mtime_ns]
        known = self.hashes.get(str(file))
        if known is None or known[:2] != version:
            with file.open("rb") as content:
                known = [*version, hashlib.file_digest(content, "sha256").hexdigest()]
            self.hashes[str(file)] = known
        return known[2]

    def stamp(self, job: Job) -> str:
        whole = hashlib.sha256(json.dumps([job.command[1:], sorted(job.environment.items())]).encode())
        for place in [Path(job.command[0]), *job.data]:
            files = sorted(p for p in place.rglob("*") if p.is_file()) if place.is_dir() else [place]
            for file in files:
                whole.update(f"{file}:{self.hash_of(file) if file.exists() else 'absent'}\n".encode())
        return whole.hexdigest()

    def wall_s(self, job: Job) -> float:
        return self.jobs.get(job.name, {}).get("wall_s", 1e9)

    def passed(self, job: Job, stamp: str) -> Outcome | None:
        known = self.jobs.get(job.name)
        if self.fresh or known is None or known.get("stamp") != stamp:
            return None
        return Outcome(known["passed"], 0, known["skipped"], known["notes"], 0.0, 0.0, known["when"], unchanged=True,
                       stdout=known.get("stdout", ""))

    def note(self, job: Job, outcome: Outcome, stamp: str) -> None:
        kept = {"wall_s": outcome.wall_s}
        if outcome.failed == 0:
            kept |= {"stamp": stamp, "passed": outcome.passed, "skipped": outcome.skipped,
                     "notes": outcome.notes, "when": outcome.when}
            if not job.counts:
                kept["stdout"] = outcome.stdout[:10_000]
        with self.lock:
            self.jobs[job.name] = kept
            self.save()
