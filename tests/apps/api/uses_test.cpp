// What a call touches, and what it has made.
#include "apps/api/uses.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "runtime/crypto/hash.hpp"
#include "tests/apps/api/all_routes.hpp"

using namespace troupe;
using namespace troupe::apps;
using namespace troupe::apps::api;

namespace {

const std::string kCid = "00ff" + std::string(60, 'a');

/// A call of a command, whose values are named as in its row.
struct Call {
  Call(const std::string& name, Invocation::Values given, std::string text = {}) : lines(std::move(text)) {
    const auto& table = test::all_commands();
    const auto command = std::ranges::find(table, name, &Command::name);
    REQUIRE(command != table.end());
    for (const Option& one : command->options) given.try_emplace(one.name);
    for (const Positional& one : command->positionals) given.try_emplace(one.name);
    Globals globals;
    globals.json = true;
    invocation.emplace(*command, table, globals, std::move(given));
  }
  /// Returns "COMMAND SUBJECT way" of each use, with a comma between two.
  std::string uses() const {
    static const std::string kWays[] = {"read", "change", "create", "remove", "any"};
    const auto all = uses_of(*invocation, lines);
    if (!all.ok()) return "refused";
    std::string out;
    for (const Use& use : all.value().list)
      out += (out.empty() ? "" : ", ") + use.command + ' ' + use.subject + ' ' +
             kWays[static_cast<std::size_t>(use.way)] + (use.thing || use.way == Way::any ? "" : " (nobody's)");
    return out;
  }
  access::Thing thing() const { return *uses_of(*invocation, lines).value().list.front().thing; }

  std::string lines;
  std::optional<Invocation> invocation;
};

std::string uses(const std::string& name, Invocation::Values given, std::string lines = {}) {
  return Call(name, std::move(given), std::move(lines)).uses();
}

}  // namespace

TEST_CASE("api uses: a call touches what its arguments name") {
  CHECK(uses("status", {}).empty());
  CHECK(uses("file get", {{"CID", {kCid}}}) == "file get " + kCid + " read");
  CHECK(uses("file rm", {{"CID", {kCid}}}) == "file rm " + kCid + " remove");
  CHECK(uses("file unpin", {{"CID", {kCid}}}) == "file unpin " + kCid + " remove");
  CHECK(uses("file verify", {}) == "file verify  any");
  CHECK(uses("kv put", {{"KEY", {"a/b"}}, {"VALUE", {"1"}}}) == "kv put a/b create");
  CHECK(uses("kv get", {{"KEY", {"a"}}}) == "kv get a read");
  CHECK(uses("kv del", {{"KEY", {"a"}}}) == "kv del a remove");
  CHECK(uses("kv lease", {{"WHAT", {"grant"}}, {"TIME|ID", {"30s"}}}).empty());
  CHECK(uses("kv get", {{"KEY", {"xx"}}, {"--hex", {"true"}}}) == "refused");
  CHECK(uses("kv get", {{"KEY", {"a"}}, {"--group", {"no group"}}}) == "refused");
  CHECK(uses("dht get", {{"KEY", {"a", "b"}}}) == "dht get a read, dht get b read");
  CHECK(uses("dht put", {{"KEY", {"a"}}, {"VALUE", {"1"}}}) == "dht put a create");
  CHECK(uses("dht put", {{"KEY", {"/cid"}}, {"VALUE", {"1"}}}) == "dht put /cid create (nobody's)");
  CHECK(uses("dht put", {{"--from", {"-"}}}, "a 1\nb 2\n") == "dht put a create, dht put b create");
  CHECK(uses("dht withdraw", {{"KEY", {"a"}}}) == "dht withdraw a remove");
  CHECK(uses("dht list", {}) == "dht list  any");
  CHECK(uses("dht provide", {{"CID", {kCid}}}) == "file get " + kCid + " read");
  CHECK(uses("task view", {{"ID", {"00FF.3"}}}) == "task view 00ff.3 read");
  CHECK(uses("task cancel", {{"ID", {"00ff"}}}) == "task cancel 00ff change");
  CHECK(uses("task submit", {{"PROGRAM", {kCid}}, {"--input", {kCid + ":in"}}, {"--after", {"00ff"}}}) ==
        "file get " + kCid + " read, file get " + kCid + " read, task view 00ff read");
}

TEST_CASE("api uses: each line of a transaction and of a batch is a use") {
  CHECK(uses("kv txn", {{"-", {"-"}}}, "if a = 1\nif b absent\nput c 1\ndel d\nget e\n") ==
        "kv get a read, kv get b read, kv put c create, kv del d remove, kv get e read");
  CHECK(uses("kv batch", {{"-", {"-"}}}, "put \"a b\" 1\r\ncas c 1 2\n\nget d") ==
        "kv put a b create, kv cas c create, kv get d read");
}

TEST_CASE("api uses: all spellings of a name are one thing") {
  const auto thing = [](const std::string& name, Invocation::Values given) {
    return Call(name, std::move(given)).thing();
  };
  const auto key = thing("kv get", {{"KEY", {"a"}}});
  CHECK(key == thing("kv put", {{"KEY", {"61"}}, {"--hex", {"true"}}, {"VALUE", {"1"}}}));
  CHECK(key == thing("kv del", {{"KEY", {"a"}}, {"--group", {"main"}}}));
  CHECK(key != thing("kv get", {{"KEY", {"a"}}, {"--group", {"other"}}}));
  std::string upper = kCid;
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  CHECK(thing("file get", {{"CID", {kCid}}}) == thing("file rm", {{"CID", {upper}}}));
  CHECK(thing("dht get", {{"KEY", {"name"}}}) == thing("dht put", {{"KEY", {"/kv/name"}}, {"VALUE", {"1"}}}));
  CHECK(thing("dht get", {{"KEY", {"name"}}}) != thing("dht get", {{"KEY", {"name@" + std::string(40, 'a')}}}));
  CHECK(thing("task view", {{"ID", {"00ff.1"}}}) == thing("task view", {{"ID", {"00ff"}}}));
}

TEST_CASE("api uses: what a call has made is in its output") {
  const Call put("file put", {}), submit("task submit", {{"PROGRAM", {kCid}}}), dht("dht put", {{"KEY", {"/cid"}}});
  const auto file = made_by(*put.invocation, R"({"cid":")" + kCid + R"(","listed":false})" + '\n');
  REQUIRE(file.size() == 1);
  CHECK(file.front().way == Way::create);
  CHECK(*file.front().thing == Call("file get", {{"CID", {kCid}}}).thing());
  const auto known = made_by(*put.invocation, R"({"cid":")" + kCid + R"(","listed":true})" + '\n');
  REQUIRE(known.size() == 1);
  CHECK(known.front().way == Way::change);
  CHECK(made_by(*submit.invocation, "{\"task\":\"00ff\"}\n").front().subject == "00ff");
  const auto value = made_by(*dht.invocation, "{\"key\":\"/cid/" + kCid + "\"}\n{\"key\":\"x\",\"error\":{}}\n");
  REQUIRE(value.size() == 1);
  CHECK(value.front().thing->kind == access::Kind::content);
  CHECK(made_by(*put.invocation, "no JSON").empty());
}
