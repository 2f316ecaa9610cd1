"""The test command: checks, two builds, each test once; see tools/README.md. Counts test cases, not programs.

    run.py [--all] [AREA...]    --all also repeats unchanged programs that passed; AREA: only this area, by its name
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import time
import unittest
from collections import defaultdict
from pathlib import Path

import phrases
import programs
import rules
import rules_test
from programs import ROOT, Job, Outcome, Stamps

# The program, and the tests that need it: commands as functions (`apps`) and as processes (`cluster`).
# Sixteen sources, or ten tests (tests/joined), are compiled together, as in a manual build; this halves the time.
# `tools/soak night` compiles each source separately, and so finds a missing include.
RELEASE = ["--buildtype=release", "-Db_ndebug=false", "-Dtests=true"]
EACH_ALONE = [*RELEASE, "--unity=off"]
OPTIMISED = [*RELEASE, "--unity=on", "--unity-size=16"]
# All unit tests. Line tables are enough for a report. Sixteen sources are compiled together. Three checks are omitted
# because they cost a sixth of a compile and find next to nothing on x86: `tools/soak night` has them.
CHEAP_CHECKS = "-fno-sanitize=object-size,vptr,alignment"
UNITY = ["--unity=on", "--unity-size=16"]
SANITIZED = ["--buildtype=plain", "-Doptimization=1", f"-Dcpp_args=['-g1','{CHEAP_CHECKS}']",
             "-Dsanitize=address,undefined", "-Dwerror=true", "-Dtests=true", *UNITY]
REPORTS = {"UBSAN_OPTIONS": "print_stacktrace=1", "ASAN_OPTIONS": "detect_stack_use_after_return=1"}
CLUSTER = "cluster"
CHECKS = "checks"  # the rules and the format: an area that builds nothing
IN_OPTIMISED = ("apps", CLUSTER)
# Not `all`: in meson it includes every test program, even programs of the sanitizer build.
OPTIMISED_TARGETS = ["troupe", *(f"tests/test_{area}" for area in IN_OPTIMISED), "tests/world_hash"]
SLOWEST = 10  # cases that the summary names
WORKERS = max(2, os.cpu_count() or 2)
WORLDS = ["1", "2"]  # seeds of simulated worlds
# Lets ccache reuse precompiled headers (ccache's manual, "Precompiled headers").
BUILDING = {"CCACHE_SLOPPINESS": "pch_defines,time_macros"}
BUILD, SANITIZE = ROOT / "build", ROOT / "build-sanitize"

# Other inputs of the programs: if an input changes, the program runs again.
DATA = {
    "apps": [ROOT / "tests/scenarios"],
    CLUSTER: [BUILD / "troupe", ROOT / "tools/metrics"],
    "os": [ROOT / "tests/runtime/os/corpus"],
    "raft": [ROOT / "tests/actors/raft/scripts"],
    "sim": [ROOT.parent / "shared/vectors"],
}
PAGES = [*sorted(file for end in ("*.md", "*.expect") for file in ROOT.glob(end)),
         *sorted(file for folder in rules.FOLDERS for end in ("*.md", "*.expect")
                 for file in (ROOT / folder).rglob(end))]
# The same of one source of the tests of commands and of processes.
DATA_OF_SOURCE = {
    "readme_test.cpp": [ROOT / "tests/scenarios", *PAGES],
    "manual/manual_test.cpp": PAGES,
    "json_test.cpp": [ROOT / "tests/cluster/json"],
    "task_test.cpp": [ROOT / "tests/runtime/os/corpus"],
    "upgrade_test.cpp": [ROOT / "tests/data"],
    "protocol_test.cpp": [ROOT / "tests/protocol", ROOT / "messages"],
}


def show(claim: str, lines: list[str]) -> None:
    print(f"FAILED: {claim}", *(line[:500] for line in lines), sep="\n  ", flush=True)


class Count:
    """Counts cases and the cost of each area."""

    def __init__(self) -> None:
        self.passed = self.failed = self.unchanged = 0
        self.since = time.time()
        self.skipped: list[str] = []
        self.notes: list[str] = []
        self.durations: list[tuple[float, str]] = []  # seconds, case
        # Seconds: CPU time to build, CPU time to run, elapsed time of the run.
        self.costs: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
        self.lock = threading.Lock()

    def case(self, claim: str, complaints: list[str]) -> None:
        with self.lock:
            if complaints:
                self.failed += 1
                show(claim, complaints)
            else:
                self.passed += 1

    def job(self, job: Job, outcome: Outcome) -> None:
        with self.lock:
            self.passed += outcome.passed
            self.failed += outcome.failed
            self.skipped += outcome.skipped
            self.notes += outcome.notes
            self.durations += outcome.durations
            self.spent(job.area, run_s=outcome.cpu_s, wall_s=outcome.wall_s)
            if outcome.unchanged:
                self.unchanged += outcome.passed
                self.since = min(self.since, outcome.when)
            if outcome.failed:
                show(job.name, outcome.complaints)

    def spent(self, area: str, build_s: float = 0, run_s: float = 0, wall_s: float = 0) -> None:
        cost = self.costs[area]
        for n, seconds in enumerate((build_s, run_s, wall_s)):
            cost[n] += seconds

    def report(self) -> int:
        shown = {area: cost for area, cost in self.costs.items() if sum(cost) >= 0.05}
        for area, (build_s, run_s, wall_s) in sorted(shown.items(), key=lambda one: -one[1][0] - one[1][1]):
            print(f"cost: {area:<12} {build_s:7.1f} CPU-s to build, {run_s:6.1f} to run, in {wall_s:6.1f} s")
        for seconds, case in sorted(self.durations, reverse=True)[:SLOWEST]:
            print(f"slow: {seconds:6.1f} s, {case}")
        for note in self.notes:
            print(f"NOTE: {note}")
        form = "%H:%M" if time.time() - self.since < 12 * 3600 else "%F %H:%M"
        since = f" since {time.strftime(form, time.localtime(self.since))}" if self.unchanged else ""
        why = f" ({'; '.join(sorted(set(self.skipped)))})" if self.skipped else ""
        print(f"{self.unchanged:,} of them unchanged{since}; SKIPPED: {len(self.skipped)}{why}")
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed else 0


# --- checks of the sources


def format_complaints(everything: bool) -> list[str]:
    """Returns sources that clang-format would change. A source that passed is checked again only if it changes."""
    at = BUILD / "formatted.json"
    try:
        known = {} if everything else json.loads(at.read_text())
    except (OSError, ValueError):
        known = {}
    style = (ROOT / ".clang-format").read_bytes()
    now = {str(path.relative_to(ROOT)): hashlib.sha256(style + path.read_bytes()).hexdigest()
           for path in rules.sources(ROOT)}
    changed = [path for path, mark in now.items() if known.get(path) != mark]
    if not changed:
        return []
    done = subprocess.run(
        ["xargs", "-n", "20", "-P", str(WORKERS), "clang-format-14", "--dry-run", "-Werror"],
        input="\n".join(changed), capture_output=True, text=True, cwd=ROOT,
    )
    wrong = sorted({line.split(":")[0] for line in done.stderr.splitlines() if ": error" in line})
    if done.returncode != 0 and not wrong:
        return [done.stderr.strip()]
    if BUILD.exists():
        at.write_text(json.dumps({path: mark for path, mark in now.items() if path not in wrong}))
    return wrong


def checks(count: Count, everything: bool) -> None:
    began, used = time.monotonic(), time.thread_time()
    for claim, violations in rules.check_all(ROOT).items():
        count.case(claim, violations)
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromModule(rules_test).run(result)
    broken = result.errors + result.failures
    for _ in range(result.testsRun - len(broken)):
        count.case("rules", [])
    for test, trace in broken:
        count.case(str(test), trace.splitlines())
    count.case("sources are formatted (clang-format-14 -i FILE)", format_complaints(everything))
    with count.lock:
        count.notes += phrases.fewer_than_allowed(ROOT)
        count.spent("checks", run_s=time.thread_time() - used, wall_s=time.monotonic() - began)


# --- builds


def configure(folder: Path, options: list[str], environment: dict[str, str] = {}) -> list[str]:
    """Configures a new folder, or sets the options that an old folder lacks. Returns complaints."""
    asked = {}
    for option in options:
        name, _, value = option.lstrip("-").removeprefix("D").partition("=")
        asked[{"unity-size": "unity_size"}.get(name, name)] = value
    said = folder / "meson-private" / "cmd_line.txt"
    if (folder / "build.ninja").exists():
        old = dict(line.split(" = ", 1) for line in said.read_text().splitlines() if " = " in line)
        new = [f"-D{name}={value}" for name, value in asked.items() if old.get(name) != value]
        commands = [["meson", "configure", str(folder), *new]] if new else []
        # The lists of tests are read before anything is built: an area may be new.
        commands.append(["ninja", "-C", str(folder), "build.ninja"])
    else:
        wipe = ["--wipe"] if (folder / "meson-private").exists() else []
        commands = [["meson", "setup", *wipe, str(folder), *options]]
    for command in commands:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | environment)
        if done.returncode != 0:
            return done.stdout.splitlines()[-30:] + done.stderr.splitlines()
    return []


AREA = re.compile(r"(?:^|[/_])(?:(?:actors|runtime)[/_]([a-z]+)[/_]|tests/test_([a-z]+)$|joined_([a-z]+)_|"
                  r"(apps|messages|cluster)[/_])")


def area_of(path: str) -> str:
    """Returns the area of a source, of an object named after a source, or of a test program."""
    found = AREA.search(path)
    return next(filter(None, found.groups())) if found else "the rest"


def shares(folder: Path, since_ns: int) -> dict[str, float]:
    """Returns each area's share of the build that began at `since_ns`, by the times of its jobs in ninja's log."""
    spent: dict[str, float] = defaultdict(float)
    for line in (folder / ".ninja_log").read_text().splitlines()[1:]:
        begin, end, written_ns, output = line.split("\t")[:4]
        if int(written_ns) < since_ns:
            continue
        joined = re.search(r"^(.*)/meson-generated_(.*-unity\d+\.cpp)\.o$", output)
        source = folder / joined[1] / joined[2] if joined else None
        parts = re.findall(r"<(.*)>", source.read_text()) if source and source.exists() else []
        paths = [os.path.relpath(part, ROOT) for part in parts] or [output]
        for path in paths:
            spent[area_of(path)] += (int(end) - int(begin)) / len(paths)
    whole = sum(spent.values())
    return {area: part / whole for area, part in spent.items()} if whole else {}


def build(count: Count, folder: Path, options: list[str], targets: list[str]) -> bool:
    """Builds at low priority: tests that run at the same time wait for each other and go first."""
    complaints = configure(folder, options)
    if not complaints:
        began, began_at = time.monotonic(), time.time_ns()
        # Three failed commands are enough to find the cause.
        job = Job(f"{folder.name} builds", folder.name, counts=False, timeout_s=24 * 3600,
                  command=["nice", "-n", "19", "ninja", "-C", str(folder), "--quiet", "-k", "3", *targets],
                  environment=BUILDING)
        outcome = programs.run(job)
        complaints = outcome.complaints
        with count.lock:
            for area, share in shares(folder, began_at).items():
                count.spent(area, build_s=outcome.cpu_s * share)
            count.spent(folder.name, wall_s=time.monotonic() - began)
    count.case(f"{folder.name} builds", complaints)
    return not complaints


# --- tests


def tests_of(folder: Path) -> list[dict]:
    return json.loads((folder / "meson-info" / "intro-tests.json").read_text())


def jobs_of(folder: Path, wanted, environment: dict[str, str], times: int) -> list[Job]:
    """Returns the tests of a build folder whose suites `wanted` accepts."""
    jobs = []
    for test in tests_of(folder):
        suites = [suite.split(":")[-1] for suite in test["suite"]]
        if not wanted([*suites, test["name"]]):
            continue
        area = "fuzz" if "fuzz" in suites else test["name"]
        inputs = [Path(word) for word in test["cmd"][1:] if Path(word).is_dir()]
        job = Job(f"{folder.name} {test['name']}", area, test["cmd"], [*DATA.get(area, []), *inputs], environment,
                  int(test["timeout"] * times), counts=area != "fuzz")
        jobs += by_source(job) if area in IN_OPTIMISED else [job]
    return jobs


def by_source(job: Job) -> list[Job]:
    """Returns a job per source of a program: the jobs run in parallel, and each has its own time limit."""
    folder = ROOT / "tests" / job.area
    sources = sorted(str(path.relative_to(folder)) for path in folder.rglob("*_test.cpp"))
    return [Job(f"{job.name} {name}", job.area, [*job.command, f"--source-file=*/{job.area}/{name}"],
                [*job.data, *DATA_OF_SOURCE.get(name, [])], job.environment, job.timeout_s) for name in sources]


def optimised_jobs(areas: list[str] = list(IN_OPTIMISED)) -> list[Job]:
    wanted = [area for area in areas if area in IN_OPTIMISED]
    return jobs_of(BUILD, lambda names: any(name in wanted for name in names), programs.fixed_seed(), 1)


def sanitized_jobs(areas: list[str]) -> list[Job]:
    return jobs_of(SANITIZE, lambda names: "unit" in names and (not areas or any(name in areas for name in names)),
                   REPORTS | programs.fixed_seed(), 3)


# --- worlds


def hash_jobs(folder: Path) -> list[Job]:
    """Returns jobs that show: the same seeds give the same worlds in every build, process and environment."""
    program = str(folder / "tests/world_hash")
    if folder == SANITIZE:
        return [Job("worlds run in the sanitizer build", "worlds", [program, *WORLDS], counts=False)]
    return [
        Job("worlds run in the optimised build", "worlds", [program, *WORLDS], counts=False),
        Job("worlds run in another directory and environment", "worlds", [program, *WORLDS], counts=False,
            environment={"UNKNOWN": "x" * 3000}, folder=Path("/")),
        Job("worlds run in valgrind", "worlds", ["valgrind", "--quiet", "--error-exitcode=99", program, *WORLDS],
            [Path(program)], counts=False, timeout_s=900),
    ]


def step(name: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {name}", flush=True)


class Background(threading.Thread):
    """Runs during a build; `wait` raises its exception again."""

    def __init__(self, work):
        super().__init__()
        self.work, self.broken = work, None
        self.start()

    def run(self) -> None:
        try:
            self.work()
        except BaseException as broken:  # a check that breaks must not look like a passed check
            self.broken = broken

    def wait(self) -> None:
        self.join()
        if self.broken:
            raise self.broken


def whole(count: Count, stamps: Stamps, everything: bool) -> None:
    said: dict[str, str] = {}

    def done(job: Job, outcome: Outcome) -> None:
        count.job(job, outcome)
        if job.area == "worlds":
            said[job.name] = outcome.stdout

    def run(jobs: list[Job], workers: int) -> None:
        programs.run_all(jobs, stamps, workers, done)

    step("build, with checks in parallel")
    beside = [Background(lambda: checks(count, everything))]
    optimised = build(count, BUILD, OPTIMISED, OPTIMISED_TARGETS)
    step("build-sanitize, with cluster, apps and worlds in parallel")
    if optimised:
        beside.append(Background(lambda: run(optimised_jobs() + hash_jobs(BUILD), 2)))
    sanitized = build(count, SANITIZE, SANITIZED, ["unit_tests"])
    if sanitized:
        step("unit tests")
        run(sanitized_jobs([]) + hash_jobs(SANITIZE), WORKERS)
    for thread in beside:
        thread.wait()
    if optimised and sanitized:
        differ = [f"{name}: {output}" for name, output in said.items()] if len(set(said.values())) != 1 else []
        count.case("the same seeds are the same worlds everywhere", differ)


def some(count: Count, stamps: Stamps, areas: list[str]) -> None:
    """Builds and runs only these areas."""
    if CHECKS in areas:
        checks(count, everything=False)
        areas = [area for area in areas if area != CHECKS]
    for folder, options, jobs in ((SANITIZE, SANITIZED, sanitized_jobs), (BUILD, OPTIMISED, optimised_jobs)):
        count_here = [area for area in areas if (area in IN_OPTIMISED) == (folder == BUILD)]
        if not count_here:
            continue
        complaints = configure(folder, options)
        if complaints:
            count.case(f"{folder.name} is configured", complaints)
            continue
        wanted = jobs(count_here)
        known = {job.area for job in wanted} | {job.name.removeprefix(folder.name + " ") for job in wanted}
        for area in count_here:
            if area not in known and area != "unit":
                count.case(f"there is an area {area}", [f"areas: {', '.join(sorted(all_areas()))}"])
        targets = sorted({os.path.relpath(job.command[0], folder) for job in wanted})
        if folder == BUILD and CLUSTER in count_here:
            targets.append("troupe")
        if targets and build(count, folder, options, targets):
            programs.run_all(jobs(count_here), stamps, WORKERS, count.job)


def all_areas() -> set[str]:
    return {test["name"] for folder in (SANITIZE, BUILD) if (folder / "build.ninja").exists()
            for test in tests_of(folder)} | {"fuzz", CHECKS}


def main() -> int:
    words = argparse.ArgumentParser(prog="tools/test", description=__doc__.splitlines()[0])
    words.add_argument("--all", action="store_true", help="also repeat unchanged programs that passed")
    words.add_argument("areas", nargs="*", metavar="AREA", help="build and run only these, e.g. dht, store, fuzz, cluster, checks")
    asked = words.parse_args()
    count = Count()
    stamps = Stamps(BUILD / "tested.json", asked.all)
    if asked.areas:
        some(count, stamps, asked.areas)
    else:
        whole(count, stamps, asked.all)
    stamps.save()
    return count.report()


if __name__ == "__main__":
    sys.exit(main())
