// Which command a path leads to, and which commands have no path.
#include "apps/api/routes.hpp"

#include <doctest/doctest.h>

#include <set>

#include "apps/api/openapi.hpp"
#include "apps/cli/json_read.hpp"
#include "tests/apps/api/all_routes.hpp"

using namespace troupe;
using namespace troupe::apps;
using namespace troupe::apps::api;

namespace {

/// Returns "COMMAND" or "COMMAND SUBJECT"; otherwise "none", "bad" or the allowed methods.
std::string called(std::string_view method, std::string_view path) {
  const Lookup found = test::all_routes().find(method, path);
  if (std::holds_alternative<NoRoute>(found)) return "none";
  if (std::holds_alternative<BadPath>(found)) return "bad";
  if (const auto* wrong = std::get_if<WrongMethod>(&found)) return wrong->allowed;
  const auto& out = std::get<Called>(found);
  return out.row->command->name + (out.subject ? ' ' + *out.subject : "");
}

}  // namespace

TEST_CASE("api routes: a path has the words of a command, and perhaps its first argument") {
  CHECK(called("GET", "/v1/kv/get/orders%2F17") == "kv get orders/17");
  CHECK(called("GET", "/v1/kv/get") == "kv get");
  CHECK(called("POST", "/v1/kv/put/a") == "kv put a");
  CHECK(called("GET", "/v1/status") == "status");
  CHECK(called("POST", "/v1/peers/connect/127.0.0.1%3A1") == "peers connect 127.0.0.1:1");
  CHECK(called("GET", "/v1/reputation/00ff") == "reputation 00ff");
  CHECK(called("POST", "/v1/reputation/report/00ff") == "reputation report 00ff");
  CHECK(called("GET", "/v1/escrow/arbiter/ls") == "escrow arbiter ls");
  CHECK(called("HEAD", "/v1/files/00ff") == "file get 00ff");
}

TEST_CASE("api routes: short paths lead to the same commands") {
  CHECK(called("GET", "/v1/nodes") == "registry ls");
  CHECK(called("GET", "/v1/nodes/00ff") == "registry view 00ff");
  CHECK(called("POST", "/v1/nodes/reputation") == "reputation report");
  CHECK(called("PUT", "/v1/files") == "file put");
  CHECK(called("GET", "/v1/files/00ff") == "file get 00ff");
  CHECK(called("GET", "/v1/accounts/tro1x/balance") == "wallet balance tro1x");
}

TEST_CASE("api routes: a path is decoded once, and a wrong one is refused") {
  CHECK(called("GET", "/v1/kv/get/%252F") == "kv get %2F");
  CHECK(called("GET", "/v1/kv/get/a%20+") == "kv get a +");
  CHECK(called("GET", "/v1/kv/get/%C3%A9") == "kv get \xc3\xa9");
  for (const char* path : {"/v1/kv/get/", "/v1//get/a", "/v1/kv/get/%2e%2E", "/v1/kv/get/.", "/v1/kv/../status",
                           "/v1/kv/get/%00", "/v1/kv/get/%ff", "/v1/kv/get/%4", "/v1/kv/get/%zz", "v1/status", ""})
    CHECK_MESSAGE(called("GET", path) == "bad", path);
  for (const char* path : {"/", "/v2/status", "/v1", "/v1/nothing", "/v1/kv/get/a/b", "/v1/KV/get/a", "/status"})
    CHECK_MESSAGE((called("GET", path) == "none" || called("GET", path) == "bad"), path);
  CHECK(called("GET", "/v1/kv/%67et/a") == "kv get a");
}

TEST_CASE("api routes: a wrong method names the right ones") {
  CHECK(called("POST", "/v1/kv/get/a") == "GET");
  CHECK(called("GET", "/v1/kv/put/a") == "POST");
  CHECK(called("DELETE", "/v1/files") == "PUT");
}

TEST_CASE("api routes: a command without a route has a reason") {
  // They belong to this machine, or use a key of it.
  const std::set<std::string> reasons = {
      "node", "api", "api routes", "api openapi", "api rules check", "demo", "inspect", "manual", "version",
      "completion", "help", "operator key", "config show", "config check", "sandbox check", "sandbox run",
      // keys and files of a directory
      "wallet new", "wallet restore", "wallet show", "wallet export", "wallet ls", "wallet issue", "wallet own",
      "wallet multisig create", "chain found", "chain genesis", "chain sign", "chain fork", "chain resume",
      "validator resume", "fund verify", "airdrop check", "task result",
      // signed, or paid by the node
      "wallet send", "wallet faucet", "wallet multisig propose", "wallet multisig sign", "escrow create", "escrow sign",
      "escrow fund", "escrow start", "escrow progress", "escrow deliver", "escrow accept", "escrow dispute",
      "escrow propose", "escrow agree", "escrow rule", "escrow cancel", "escrow extend", "escrow arbiter join",
      "escrow arbiter leave", "fund propose", "fund sign", "airdrop create", "airdrop object"};
  for (const Command& command : commands()) {
    const bool other = command.name.starts_with("bench") || command.name == "sim" || command.name.starts_with("sim ");
    CHECK_MESSAGE(command.route.has_value() != (other || reasons.contains(command.name)), command.name);
  }
}

TEST_CASE("api routes: no field of a route is a file, a passphrase or a wallet of this machine") {
  for (const RouteRow& row : test::all_routes().rows())
    for (const Option& option : row.command->options) {
      const bool local = option.name == "--passphrase-file" || option.name == "--wallet" || option.name == "-o" ||
                         option.name == "--config" || option.name == "--max-price";
      CHECK_MESSAGE(!(local && option.field == Field::value), row.command->name << ' ' << option.name);
    }
}

TEST_CASE("api openapi: the document is JSON, with each route once") {
  const auto document = read_json(openapi_text(test::all_routes()));
  REQUIRE(document);
  const JsonValue* paths = document->find("paths");
  REQUIRE(paths != nullptr);
  std::size_t operations = 0;
  for (const auto& [path, methods] : paths->fields) operations += methods.fields.size();
  CHECK(operations == test::all_routes().rows().size());
  const JsonValue* put = paths->find("/v1/kv/put/{key}");
  REQUIRE(put != nullptr);
  CHECK(put->find("post") != nullptr);
}
