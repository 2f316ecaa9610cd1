"""Tests that each rule finds a planted violation, and accepts the same text where it is allowed."""

import tempfile
import unittest
from pathlib import Path

import phrases
import rules


def found(check, path: str, source: str) -> list[int]:
    return [line for line, _ in check(path, rules.bare(source))]


class RulesTest(unittest.TestCase):
    def expect(self, check, source: str, bad=(), good=()):
        for path in bad:
            self.assertNotEqual(found(check, path, source), [], f"{source} in {path}")
        for path in good:
            self.assertEqual(found(check, path, source), [], f"{source} in {path}")

    def test_comments_and_strings_are_no_code(self):
        source = "// rand()\n/* rand(\n) */ const char* a = \"rand()\";\nchar b = '\"'; rand();\n"
        self.assertEqual(found(rules.world, "actors/dht/a.cpp", source), [4])
        self.assertEqual(found(rules.world, "actors/dht/a.cpp", 'auto a = R"x(rand() ")x"; int b = 1\'000; rand();'), [1])
        self.assertEqual(found(rules.world, "actors/dht/a.cpp", "rand(); // it's rand\n// don't\nrand();"), [1, 3])

    def test_includes_point_left(self):
        self.expect(
            rules.layers,
            '#include "runtime/actor/actor.hpp"',
            bad=("runtime/base/time.hpp", "messages/kinds.cpp"),
            good=("runtime/net/link.cpp", "actors/dht/a.cpp", "apps/main.cpp", "tests/runtime/base/a.cpp"),
        )
        self.expect(rules.layers, '#include "apps/a.hpp"', bad=("actors/dht/a.cpp",), good=("apps/b.cpp",))
        self.expect(rules.layers, '#include "tests/a.hpp"', bad=("apps/b.cpp",), good=("tests/b.cpp",))
        self.expect(rules.layers, '#include "link.hpp"', bad=("runtime/net/link.cpp", "tests/runtime/net/a.cpp"))

    def test_domains_meet_at_their_api(self):
        self.expect(
            rules.domains,
            '#include "actors/dht/bucket_actor.hpp"',
            bad=("actors/files/a.cpp",),
            good=("actors/dht/a.cpp", "apps/a.cpp", "tests/actors/files/a.cpp"),
        )
        self.expect(rules.domains, '#include "actors/dht/api.hpp"', good=("actors/files/a.cpp",))

    def test_domains_see_links_through_the_interface(self):
        self.expect(
            rules.domains,
            '#include "runtime/net/pool.hpp"',
            bad=("actors/raft/line.hpp",),
            good=("apps/a.cpp", "runtime/net/a.cpp", "tests/actors/raft/a.cpp"),
        )
        self.expect(rules.domains, '#include "runtime/net/misbehaved.hpp"', good=("actors/files/a.cpp",))
        self.expect(rules.domains, '#include "runtime/actor/links.hpp"', good=("actors/raft/line.hpp",))

    def test_libraries_stay_in_the_runtime(self):
        for name in ("caf/actor.hpp", "leveldb/db.h", "botan/tls_client.h", "sodium.h", "archive.h", "sys/socket.h", "netinet/in.h"):
            self.expect(
                rules.libraries,
                f"#include <{name}>",
                bad=("actors/dht/a.cpp", "apps/a.cpp", "messages/a.cpp", "tests/actors/dht/a.cpp"),
                good=("runtime/net/a.cpp", "tests/runtime/net/a.cpp", "tools/bench/a.cpp"),
            )
        self.expect(rules.libraries, "#include <capnp/message.h>\n#include <vector>", good=("actors/dht/a.cpp",))

    def test_timers_of_caf_are_banned(self):
        for call in ("delayed_send(a, b, c);", "system().clock().now();", "caf::after(s) >> f;"):
            self.expect(rules.timers, call, bad=("runtime/actor/a.cpp", "tests/runtime/actor/a.cpp"), good=("runtime/os/a.cpp",))

    def test_a_request_waits_for_ever(self):
        for call in ("self->request(a, std::chrono::seconds(1), b);", "x.request(f(a, b), 1s)", "self->request<high>(a,\n 1s)"):
            self.expect(rules.timers, call, bad=("runtime/actor/a.cpp",), good=("runtime/sim/a.cpp",))
        for call in ("self->request(f(a, b), caf::infinite, c)", "http.request(1)", "x.request()", "requests(1, 2)", "shell_->request(a, b)"):
            self.expect(rules.timers, call, good=("runtime/actor/a.cpp",))

    def test_connect_never_blocks(self):
        for call in ("add_tcp_scribe(host, 1);", "spawn_client(f, host, 1);"):
            self.expect(rules.blocking, call, bad=("runtime/os/a.cpp", "tests/runtime/os/a.cpp", "apps/a.cpp"))

    def test_nothing_sleeps(self):
        for call in ("std::this_thread::sleep_for(1s);", "usleep(1);", "::sleep(1);"):
            self.expect(rules.sleeping, call, bad=("tests/cluster/a.cpp", "actors/dht/a.cpp"), good=("runtime/os/a.cpp",))

    def test_the_world_is_handed_in(self):
        for call in ("std::chrono::steady_clock::now();", "std::random_device r;", "std::thread t;", "rand();", "time(nullptr);"):
            self.expect(
                rules.world,
                call,
                bad=("actors/dht/a.cpp", "messages/a.cpp", "runtime/net/logic/a.cpp"),
                good=("runtime/os/a.cpp",),
            )
        self.expect(rules.world, "steady_clock::now()", bad=("tests/actors/dht/a.cpp",), good=("tests/cluster/a.cpp",))
        for call in ("std::thread::id a;", "operand(1);", "now();"):
            self.expect(rules.world, call, good=("actors/dht/a.cpp",))

    def test_what_is_fuzzed_compiles_for_fuzzers(self):
        for call in ("std::ranges::unique(a);", "std::views::transform(a, b)"):
            self.expect(rules.fuzzable, call, bad=("actors/dht/a.cpp",), good=("tests/actors/dht/a.cpp",))

    def test_a_domain_speaks_the_schemas_that_are_listed(self):
        self.expect(
            rules.schemas,
            '#include "messages/peers.capnp.h"',
            bad=("actors/dht/a.cpp",),
            good=("actors/files/a.cpp", "actors/peers/a.cpp", "apps/a.cpp", "tests/actors/dht/a.cpp"),
        )
        self.expect(rules.schemas, '#include "messages/store.capnp.h"', good=("actors/dht/a.cpp",))

    def test_folders_in_a_circle_are_found(self):
        with tempfile.TemporaryDirectory() as root:
            for path, includes in {
                "runtime/net/a.hpp": ["runtime/store/a.hpp"],
                "runtime/store/a.hpp": ["runtime/os/logic/a.hpp"],
                "runtime/os/logic/a.hpp": ["runtime/net/a.hpp"],
                "actors/dht/logic/a.hpp": ["actors/dht/b.hpp"],
                "actors/dht/b.hpp": ["actors/dht/logic/a.hpp"],
                "apps/a.hpp": ["apps/cli/a.hpp"],
                "apps/cli/a.hpp": ["apps/a.hpp"],
            }.items():
                file = Path(root, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text("".join(f'#include "{name}"\n' for name in includes), encoding="utf-8")
            found = rules.folder_cycles(Path(root))
            self.assertEqual(len(found), 1)
            for folder in ("runtime/net", "runtime/store", "runtime/os"):
                self.assertIn(f"{folder} -> ", found[0])

    def test_a_schema_behind_another_header_is_found_in_logic(self):
        with tempfile.TemporaryDirectory() as root:
            for path, includes in {
                "actors/files/logic/direct.hpp": ["messages/files.capnp.h"],
                "actors/files/logic/near.cpp": ["actors/files/logic/range.hpp", "actors/dht/api.hpp"],
                "actors/files/logic/range.hpp": ["runtime/base/bytes.hpp"],
                "actors/dht/api.hpp": ["actors/dht/codec.hpp"],
                "actors/dht/codec.hpp": ["messages/dht.capnp.h", "actors/dht/api.hpp"],
                "runtime/base/bytes.hpp": [],
            }.items():
                file = Path(root, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text("".join(f'#include "{name}"\n' for name in includes), encoding="utf-8")
            what = "logic does not know the schemas: "
            self.assertEqual(rules.logic_schemas(Path(root)), [
                f"actors/files/logic/direct.hpp:1: {what}messages/files.capnp.h",
                f"actors/files/logic/near.cpp:2: {what}actors/dht/api.hpp -> actors/dht/codec.hpp -> messages/dht.capnp.h",
            ])

    def test_a_domain_has_its_parts(self):
        with tempfile.TemporaryDirectory() as root:
            Path(root, "meson.build").write_text("domains = ['dht', 'files']\n", encoding="utf-8")
            readme = Path(root, "actors", "dht", "README.md")
            readme.parent.mkdir(parents=True)
            readme.touch()
            found = rules.domain_parts(Path(root))
            self.assertIn("actors/files/README.md is missing: files is a domain", found)
            self.assertNotIn("actors/dht/README.md is missing: dht is a domain", found)

    def test_counted_phrases_may_only_become_fewer(self):
        with tempfile.TemporaryDirectory() as root:
            for path, text in {
                phrases.ALLOWED: "actors/dht 2\n",
                "actors/dht/logic/a.hpp": "// Begins\n// anew.\nint anew = 1;  // 2 at\n// hand\n",
                "actors/dht/README.md": "Fine.\n```sh\nanew\n```\n",
            }.items():
                file = Path(root, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
            self.assertEqual(phrases.more_than_allowed(Path(root)), [])
            added = Path(root, "actors/dht/b.hpp")
            added.write_text('auto text = "begins "\n  "anew";\n', encoding="utf-8")
            self.assertTrue(phrases.more_than_allowed(Path(root))[0].startswith("actors/dht has 3 counted phrases, 2 are"))
            added.unlink()
            Path(root, "actors/dht/logic/a.hpp").write_text("// Begins again.\n", encoding="utf-8")
            self.assertIn("actors/dht", phrases.fewer_than_allowed(Path(root))[0])
            phrases.lower(Path(root))
            self.assertEqual(phrases.allowed(Path(root)), {})

    def test_names_of_tests_count_and_their_strings_do_not(self):
        source = 'TEST_CASE("dht: a node begins anew") { CHECK(text == "anew"); }\n'
        self.assertEqual([text for _, text in phrases.blocks("tests/a_test.cpp", source)], ["dht: a node begins anew"])

    def test_a_folded_contract_is_found(self):
        with tempfile.TemporaryDirectory() as root:
            file = Path(root, "actors", "a.hpp")
            file.parent.mkdir()
            good = "#pragma once\n// Does this.\n//\n// Thread  its own\n//         thread.\n// Limits  none.\n\n// Later.\n"
            for source, line in {
                good: None,
                good.replace("//         thread", "// thread"): 5,
                good.replace("//         thread", "// thread of one"): 5,
                good.replace("thread.\n// ", "thread. "): 5,
            }.items():
                file.write_text(source, encoding="utf-8")
                found = [one.split(": ")[0] for one in rules.folded(Path(root))]
                self.assertEqual(found, [f"actors/a.hpp:{line}"] if line else [], source)

    def test_a_planted_file_is_found(self):
        with tempfile.TemporaryDirectory() as root:
            folder = Path(root, "actors", "dht")
            folder.mkdir(parents=True)
            (folder / "a.cpp").write_text("#include <caf/actor.hpp>\n", encoding="utf-8")
            broken = [lines for lines in rules.check_sources(Path(root)).values() if lines]
            self.assertEqual(len(broken), 1)
            self.assertTrue(broken[0][0].startswith("actors/dht/a.cpp:1: <caf/actor.hpp>"))

    def test_a_forgotten_source_is_found(self):
        with tempfile.TemporaryDirectory() as root:
            for path in ("actors/a.cpp", "tests/actors/a_test.cpp", "tests/actors/b_fuzz.cpp", "tests/actors/c.cpp"):
                file = Path(root, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text("", encoding="utf-8")
            self.assertEqual(len(rules.forgotten(Path(root))), 3)
            Path(root, "tests/meson.build").write_text("files('actors/a_test.cpp', '../actors/a.cpp')", encoding="utf-8")
            self.assertEqual(rules.forgotten(Path(root)), ["tests/actors/b_fuzz.cpp:1: no meson.build names it"])
