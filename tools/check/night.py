"""Runs the checks that take too long for each commit, in stages that print one line each: tools/soak night.

A stage that passed is not repeated for the same sources: an interrupted night resumes where it stopped. If stages are
named on the command line, only these run. At most 2 hours on two cores.
"""

import argparse
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import programs
import run as command
from programs import ROOT, Job, Stamps

EACH = ROOT / "build-each"
ASAN, TSAN, COVERAGE = ROOT / "build-asan", ROOT / "build-tsan", ROOT / "build-coverage"
# Everything that tools/test omits because of its cost: every check of UBSan, and the program itself under sanitizers.
ASAN_OPTIONS = ["--buildtype=plain", "-Doptimization=1", "-Dcpp_args=['-g1']", "-Dsanitize=address,undefined",
                "-Dtests=true", *command.UNITY]
TSAN_OPTIONS = ["--buildtype=plain", "-Doptimization=1", "-Dcpp_args=['-g1']", "-Dsanitize=thread", "-Dtests=true",
                *command.UNITY]
COVERAGE_OPTIONS = ["--buildtype=plain", "-Doptimization=0", "-Dwerror=false", "-Db_coverage=true", "-Dtests=true",
                    *command.UNITY]
# Areas whose tests run real threads. Not `os`: all its work passes through CAF's workers, whose reference counts
# ThreadSanitizer does not see; a suppression of these reports would hide all others.
THREADED = ("actor", "observe")
FUZZ_SECONDS = 60
WORLDS, FEWER_WORLDS = 20, {"chain": 6}  # of each domain, with few and with heavy faults
LEAKS_OFF = {"ASAN_OPTIONS": "detect_leaks=0"}  # a process that is killed or calls exit() frees nothing
PROGRESS = ROOT / "build" / "night.json"


class Broken(Exception):
    """The failure of a stage; its text is printed."""


def sources_now() -> str:
    """Returns a hash of the commit and of each file that differs from the commit."""
    def said(*words: str) -> bytes:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True).stdout

    whole = hashlib.sha256(said("rev-parse", "HEAD") + said("diff", "HEAD"))
    for name in said("ls-files", "--others", "--exclude-standard", "-z").split(b"\0"):
        if name:
            whole.update(name + hashlib.sha256((ROOT / os.fsdecode(name)).read_bytes()).digest())
    return whole.hexdigest()


def built(folder: Path, options: list[str], *targets: str) -> None:
    count = command.Count()
    if not command.build(count, folder, options, list(targets)):
        raise Broken(f"{folder.name} does not build")


def passed(jobs: list[Job], workers: int = command.WORKERS) -> str:
    """Runs all jobs, even if they passed before. Returns a summary of one line; raises Broken if a case failed."""
    count = command.Count()
    programs.run_all(jobs, Stamps(ROOT / "build" / "night-stamps.json", True), workers, count.job)
    if count.failed:
        raise Broken(f"{count.failed} of {count.passed + count.failed} cases failed")
    skipped = f", {len(count.skipped)} skipped ({'; '.join(sorted(set(count.skipped)))})" if count.skipped else ""
    return f"{count.passed} cases passed{skipped}"


def unit_jobs(folder: Path, environment: dict[str, str], times: int, areas: tuple[str, ...] = ()) -> list[Job]:
    return command.jobs_of(folder, lambda names: "unit" in names and (not areas or any(n in areas for n in names)),
                           environment, times)


def spoke(words: list[str], environment: dict[str, str] = {}, good: tuple[int, ...] = (0,)) -> str:
    """Returns the last line of a command's output; raises Broken with the last 60 lines if the command fails."""
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, env=os.environ | environment)
    lines = (done.stdout + done.stderr).strip().splitlines()
    if done.returncode not in good:
        raise Broken("\n  ".join([f"{' '.join(words)} ended with {done.returncode}", *lines[-60:]]))
    return lines[-1] if lines else ""


# --- stages


def rules() -> str:
    count = command.Count()
    command.checks(count, everything=True)
    if count.failed:
        raise Broken(f"{count.failed} failed")
    return f"{count.passed} passed"


def optimised() -> str:
    """All unit tests with optimisation: separately compiled sources, full loops, new cases of the property tests."""
    built(EACH, command.EACH_ALONE, "unit_tests", "troupe")
    seed = str(random.SystemRandom().randrange(1, 2**63))
    try:
        said = passed(unit_jobs(EACH, programs.fixed_seed(seed), 3))
    except Broken as broken:
        raise Broken(f"{broken}; properties were drawn with RC_PARAMS=seed={seed}") from broken
    return f"{said}; properties with seed {seed}"


def mutants() -> str:
    """Each mutant in each world in which it was recorded."""
    built(command.BUILD, command.OPTIMISED, "tests/test_apps")
    return passed([Job("recorded mutants", "apps", [str(command.BUILD / "tests/test_apps"), "--test-case=*planted bug*"],
                       environment={"TROUPE_EVERY_SEED": "1"}, timeout_s=3600)])


def fuzzers() -> str:
    return spoke(["tools/soak", str(FUZZ_SECONDS)])


def sanitizers() -> str:
    """All unit tests with every check of UBSan."""
    built(ASAN, ASAN_OPTIONS, "unit_tests", "troupe")
    return passed(unit_jobs(ASAN, command.REPORTS | programs.fixed_seed(), 5))


def worlds() -> str:
    """Worlds of all domains under sanitizers."""
    built(ASAN, ASAN_OPTIONS, "troupe")
    listed = subprocess.run([ASAN / "troupe", "sim", "list", "--json"], capture_output=True, check=True).stdout
    said = []
    for domain in [row["name"] for row in json.loads(listed) if row["kind"] == "domain"]:
        for weather in ([], ["--storm"]):
            held = spoke(["build-asan/troupe", "sim", domain, *weather, "--seeds",
                          str(FEWER_WORLDS.get(domain, WORLDS)), "--jobs", str(command.WORKERS)], command.REPORTS)
            said.append(f"{' '.join([domain, *weather])}: {held}")
    return "; ".join(said)


def cluster() -> str:
    """The cluster tests with sanitized processes, from the build folder of tools/test."""
    built(command.BUILD, command.OPTIMISED, *command.OPTIMISED_TARGETS)
    built(command.SANITIZE, command.SANITIZED, "troupe")
    jobs = command.optimised_jobs([command.CLUSTER])
    for job in jobs:
        job.environment = job.environment | LEAKS_OFF | {"BINARY_UNDER_TEST": str(command.SANITIZE / "troupe")}
        job.timeout_s *= 5
    return passed(jobs, 2)


def threads() -> str:
    """The areas whose tests run real threads, under the thread sanitizer."""
    built(TSAN, TSAN_OPTIONS, *(f"tests/test_{area}" for area in THREADED))
    told = {"TSAN_OPTIONS": f"suppressions={ROOT}/tools/check/tsan.supp history_size=4"}
    return passed(unit_jobs(TSAN, programs.fixed_seed() | told, 5, THREADED))


def coverage() -> str:
    """The share of lines that unit tests run, by folder."""
    built(COVERAGE, COVERAGE_OPTIONS, "unit_tests")
    for old in COVERAGE.rglob("*.gcda"):
        old.unlink()
    passed(unit_jobs(COVERAGE, programs.fixed_seed(), 3))
    lines: dict[str, dict[tuple[str, int], bool]] = defaultdict(dict)
    for data in sorted([*COVERAGE.glob("lib*.a.p/**/*.gcda"), *COVERAGE.glob("actors/lib*.a.p/**/*.gcda")]):
        told = subprocess.run(["gcov", "--json-format", "--stdout", str(data)], cwd=COVERAGE, capture_output=True)
        for text in told.stdout.splitlines():
            for file in json.loads(text)["files"]:
                path = os.path.relpath(os.path.normpath(COVERAGE / file["file"]), ROOT)
                if not path.startswith(("runtime/", "actors/", "messages/")):
                    continue
                folder = "/".join(path.split("/")[:2])
                for line in file["lines"]:
                    at = (path, line["line_number"])
                    lines[folder][at] = lines[folder].get(at, False) or line["count"] > 0
    share = {folder: 100 * sum(seen.values()) // len(seen) for folder, seen in sorted(lines.items())}
    if not share:
        raise Broken("gcov says nothing")
    return ", ".join(f"{folder} {percent} %" for folder, percent in share.items())


STAGES = (rules, optimised, mutants, sanitizers, worlds, cluster, threads, fuzzers, coverage)


def main() -> int:
    names = [stage.__name__ for stage in STAGES]
    words = argparse.ArgumentParser(prog="tools/soak night", description=__doc__.splitlines()[0])
    words.add_argument("--again", action="store_true", help="repeat stages that have passed for these sources")
    words.add_argument("stages", nargs="*", metavar="STAGE", help=f"only these: {', '.join(names)}")
    asked = words.parse_args()
    if unknown := set(asked.stages) - set(names):
        words.error(f"unknown stage: {', '.join(sorted(unknown))}")

    sources = sources_now()
    try:
        known = json.loads(PROGRESS.read_text())
    except (OSError, ValueError):
        known = {}
    if known.get("sources") != sources:
        known = {"sources": sources, "passed": {}}
    broken = 0
    for stage in STAGES:
        name = stage.__name__
        if asked.stages and name not in asked.stages:
            continue
        if name in known["passed"] and not asked.again and not asked.stages:
            print(f"{name}: passed before: {known['passed'][name]}", flush=True)
            continue
        began = time.monotonic()
        try:
            said = stage()
            known["passed"][name] = said
            PROGRESS.parent.mkdir(exist_ok=True)
            PROGRESS.write_text(json.dumps(known))
        except Broken as found:
            said = f"BROKEN: {found}"
            known["passed"].pop(name, None)
            broken += 1
        print(f"{name}: {said} ({time.monotonic() - began:.0f} s)", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
