"""All checks and tests, one step after the other; see tools/test. Counts test cases, not programs."""

import json
import os
import re
import subprocess
import sys
import time
import unittest
from pathlib import Path

import rules
import rules_test

ROOT = Path(__file__).resolve().parents[2]
SUMMARY = re.compile(r"test cases:\s*(\d+) \|\s*(\d+) passed \|\s*(\d+) failed")
OPTIMISED = ["--buildtype=release", "-Db_ndebug=false", "-Dtests=true"]
# Line tables are enough for a report. Some warnings of g++ are wrong under sanitizers; the optimised build has them
# as errors already.
SANITIZED = [
    "--buildtype=plain", "-Doptimization=1", "-Dcpp_args=-g1", "-Dwerror=false", "-Dsanitize=address,undefined",
    "-Dtests=true",
]


WORLDS = ["1", "2"]  # seeds of simulated worlds
LINES_SHOWN = 100  # of each end of a long output; a compiler says the cause first, a test last


def show(claim: str, lines: list[str]) -> None:
    if len(lines) > 2 * LINES_SHOWN:
        lines = lines[:LINES_SHOWN] + [f"... {len(lines) - 2 * LINES_SHOWN} lines ..."] + lines[-LINES_SHOWN:]
    print(f"FAILED: {claim}", *(line[:500] for line in lines), sep="\n  ", flush=True)


class Count:
    passed = 0
    failed = 0

    def case(self, claim: str, complaints: list[str]) -> None:
        if complaints:
            self.failed += 1
            show(claim, complaints)
        else:
            self.passed += 1


def checks(count: Count) -> None:
    for claim, violations in rules.check_all(ROOT).items():
        count.case(claim, violations)
    files = [str(path.relative_to(ROOT)) for path in rules.sources(ROOT)]
    formatted = subprocess.run(
        ["xargs", "-n", "20", "-P", str(os.cpu_count()), "clang-format-14", "--dry-run", "-Werror"],
        input="\n".join(files), capture_output=True, text=True, cwd=ROOT,
    )
    wrong = sorted({line.split(":")[0] for line in formatted.stderr.splitlines() if ": error" in line})
    if formatted.returncode != 0 and not wrong:
        wrong = [formatted.stderr.strip()]
    count.case("sources are formatted (clang-format-14 -i FILE)", wrong)

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromModule(rules_test).run(result)
    broken = result.errors + result.failures
    count.passed += result.testsRun - len(broken)
    for test, trace in broken:
        count.case(str(test), trace.splitlines())


def build(folder: str, options: list[str], target: str) -> list[str]:
    """Configures once, then builds. Returns complaints."""
    if not (ROOT / folder / "build.ninja").exists():
        wipe = ["--wipe"] if (ROOT / folder / "meson-private").exists() else []
        done = subprocess.run(["meson", "setup", *wipe, folder, *options], cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            return done.stdout.splitlines()[-30:] + done.stderr.splitlines()
    # A folder that was made for the program alone, as tools/demo does, is told once that tests are wanted.
    if "tests = true" not in (ROOT / folder / "meson-private" / "cmd_line.txt").read_text():
        done = subprocess.run(["meson", "configure", folder, "-Dtests=true"], cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            return done.stdout.splitlines()[-30:] + done.stderr.splitlines()
    # Three failed commands are enough to see what is wrong.
    done = subprocess.run(["ninja", "-C", folder, "--quiet", "-k", "3", target], cwd=ROOT, capture_output=True, text=True)
    return (done.stdout + done.stderr).splitlines() if done.returncode != 0 else []


def tests(count: Count, folder: str, arguments: list[str], environment: dict[str, str]) -> None:
    log = ROOT / folder / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    done = subprocess.run(
        ["meson", "test", "-C", folder, "--no-rebuild", "--quiet", *arguments],
        cwd=ROOT, capture_output=True, text=True, env=os.environ | environment,
    )
    programs = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    if not programs:
        count.case(f"{folder}: there are tests", (done.stdout + done.stderr).splitlines())
    for program in programs:
        tally(count, program)


def tally(count: Count, program: dict) -> None:
    """Adds the test cases of one program. One that fails without naming a failed case is a failed case itself."""
    output = program.get("stdout", "") + program.get("stderr", "")
    found = SUMMARY.search(output)
    passed, failed = (int(found[2]), int(found[3])) if found else (0, 0)
    good = program["result"] in ("OK", "EXPECTEDFAIL")
    count.passed += passed
    if failed == 0:
        if not found or not good:
            count.case(f"{program['name']} ended well: {program['result']}", [] if good else output.splitlines())
    else:
        count.failed += failed
        show(program["name"], output.splitlines())


def hashes(count: Count) -> None:
    """The same seeds are the same worlds in every build, process and surroundings."""
    plain, sanitized = str(ROOT / "build/tests/world_hash"), str(ROOT / "build-sanitize/tests/world_hash")
    said = {}
    for name, command, folder, environment in (
        ("the optimised build", [plain], ROOT, os.environ),
        ("another directory and environment", [plain], "/", {"UNKNOWN": "x" * 3000}),
        ("the sanitizer build", [sanitized], ROOT, os.environ),
        ("valgrind", ["valgrind", "--quiet", "--error-exitcode=99", plain], ROOT, os.environ),
    ):
        done = subprocess.run([*command, *WORLDS], cwd=folder, env=environment, capture_output=True, text=True)
        said[name] = done.stdout
        count.case(f"worlds run in {name}", [] if done.returncode == 0 else (done.stdout + done.stderr).splitlines())
    first = next(iter(said.values()))
    count.case("the same seeds are the same worlds everywhere",
               [] if first and all(one == first for one in said.values()) else [f"{k}: {v}" for k, v in said.items()])


def step(name: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {name}", flush=True)


def main() -> int:
    count = Count()
    step("checks")
    checks(count)

    for folder, options, target, arguments, environment in (
        ("build", OPTIMISED, "all", [], {}),
        ("build-sanitize", SANITIZED, "unit_tests", ["--suite", "unit", "--timeout-multiplier", "3"],
         {"UBSAN_OPTIONS": "print_stacktrace=1", "ASAN_OPTIONS": "detect_stack_use_after_return=1"}),
    ):
        step(f"{folder}: build")
        complaints = build(folder, options, target)
        count.case(f"{folder} builds", complaints)
        if not complaints:
            step(f"{folder}: tests")
            tests(count, folder, arguments, environment)

    step("worlds")
    hashes(count)

    step("done")
    print(f"{count.passed} passed, {count.failed} failed")
    return 1 if count.failed else 0


if __name__ == "__main__":
    sys.exit(main())
