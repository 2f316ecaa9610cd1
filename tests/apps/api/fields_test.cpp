// What a request gives to a command: names, types, and what is refused.
#include "apps/api/fields.hpp"

#include <doctest/doctest.h>

#include "tests/apps/api/all_routes.hpp"

using namespace troupe;
using namespace troupe::apps;
using namespace troupe::apps::api;

namespace {

base::Result<Read, Failure> read(std::string_view method, std::string_view path, std::string_view fields) {
  const Lookup found = test::all_routes().find(method, path);
  REQUIRE(std::holds_alternative<Called>(found));
  auto given = method == "GET" ? read_query(fields) : read_object(fields);
  if (!given.ok()) return given.error();
  return values_of(std::get<Called>(found), std::move(given).value());
}

/// Returns the message of the error, or an empty string.
std::string why(std::string_view method, std::string_view path, std::string_view fields) {
  const auto out = read(method, path, fields);
  if (out.ok()) return "";
  CHECK(out.error().exit == Exit::usage);
  return out.error().error.message;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("api fields: a query and an object give the same values") {
  const auto got = read("GET", "/v1/kv/get/a", "stale=true&rev=7&group=g%20h");
  REQUIRE(got.ok());
  CHECK(got.value().values.at("KEY") == Texts{"a"});
  CHECK(got.value().values.at("--stale") == Texts{"true"});
  CHECK(got.value().values.at("--rev") == Texts{"7"});
  CHECK(got.value().values.at("--group") == Texts{"g h"});
  const auto put = read("POST", "/v1/kv/put", R"({"key":"..","value":"-","hex":false,"ttl":"5m"})");
  REQUIRE(put.ok());
  CHECK(put.value().values.at("KEY") == Texts{".."});
  CHECK(put.value().values.at("VALUE") == Texts{"-"});
  CHECK(put.value().values.at("--hex").empty());
  const auto cas = read("POST", "/v1/kv/cas/a", R"({"new":"2","old":"1"})");
  REQUIRE(cas.ok());
  CHECK(cas.value().values.at("OLD NEW") == Texts{"1", "2"});
}

TEST_CASE("api fields: an input is lines, and an argument may repeat") {
  const auto txn = read("POST", "/v1/kv/txn", R"({"lines":["put a 1","get a"]})");
  REQUIRE(txn.ok());
  CHECK(txn.value().lines == "put a 1\nget a\n");
  CHECK(txn.value().values.at("-") == Texts{"-"});
  const auto many = read("GET", "/v1/dht/get", "key=a&key=b");
  REQUIRE(many.ok());
  CHECK(many.value().values.at("KEY") == Texts{"a", "b"});
}

TEST_CASE("api fields: the bytes of a file come in base64, and are never a path") {
  const std::string cid(64, 'a');
  const auto stored = read("POST", "/v1/task/submit", R"({"program":")" + cid + R"(","args":["a","-"],"retries":0})");
  REQUIRE(stored.ok());
  CHECK(stored.value().values.at("PROGRAM") == Texts{cid});
  CHECK(stored.value().values.at("ARG") == Texts{"a", "-"});
  const auto sent = read("POST", "/v1/task/submit", R"({"program":"IyEvYmluL3NoCg==","stdin":"/etc"})");
  REQUIRE(sent.ok());
  CHECK(sent.value().values.at("PROGRAM") == Texts{"-"});
  CHECK(sent.value().values.at("--stdin") == Texts{"-"});
  CHECK(base::as_text(sent.value().inputs.at("PROGRAM")) == "#!/bin/sh\n");
  CHECK(sent.value().inputs.at("--stdin").size() == 3);
  for (const char* text : {"/etc/passwd", "-", "../x", "a b=", "\\u00e9"})
    CHECK(
        why("POST", "/v1/task/submit", R"({"program":")" + std::string(text) + "\"}").starts_with("\"program\" needs"));
}

TEST_CASE("api fields: an unknown, repeated, missing or wrong field is refused") {
  CHECK(why("POST", "/v1/kv/put/a", R"({"value":"1","nope":1})") == "unknown field \"nope\" for kv put");
  CHECK(why("POST", "/v1/kv/put/a", R"({"value":"1","value":"2"})") == "the field \"value\" repeats");
  CHECK(why("POST", "/v1/kv/put/a", "{}").starts_with("\"value\" is missing"));
  CHECK(why("POST", "/v1/kv/put/a", R"({"value":1})") == "\"value\" needs a string");
  CHECK(why("POST", "/v1/kv/put/a", R"({"value":["1"]})") == "\"value\" needs one value, not an array");
  CHECK(why("POST", "/v1/kv/put/a", R"({"value":null})") == "the field \"value\" has a value of a wrong type");
  CHECK(why("POST", "/v1/kv/put/a", R"({"value":{}})") == "the field \"value\" has a value of a wrong type");
  CHECK(why("POST", "/v1/kv/put/a", R"({"key":"b","value":"1"})") ==
        "\"key\" is given twice: in the path and as a field");
  CHECK(why("POST", "/v1/kv/put/a", "[]") == "the body is not a JSON object");
  CHECK(why("POST", "/v1/kv/put/a", "{\"value\":\"\xff\"}") == "the body is not UTF-8");
  CHECK(why("POST", "/v1/kv/put/a", std::string(10'000, '[')) == "the body is not a JSON object");
  std::string many = "{\"lines\":[\"get a\"";
  for (int i = 0; i < 20'000; ++i) many += ",\"\"";
  CHECK(why("POST", "/v1/kv/txn", many + "]}") == "the body is not a JSON object");
  CHECK(why("GET", "/v1/kv/get/a", "rev=x").starts_with("\"rev\" needs a whole number"));
  CHECK(why("GET", "/v1/kv/get/a", "rev=0").starts_with("\"rev\" needs a whole number"));
  CHECK(why("GET", "/v1/kv/get/a", "group=a&group=b") == "\"group\" is given twice");
  CHECK(why("GET", "/v1/kv/get/a", "stale=yes") == "\"stale\" needs true or false");
  CHECK(why("GET", "/v1/kv/get/a", "group=%00").starts_with("the query has an invalid escape"));
  CHECK(why("GET", "/v1/registry/ls", "status=ill").starts_with("\"status\" must be one of"));
}

TEST_CASE("api fields: what belongs to this machine cannot be given") {
  for (const char* name : {"data", "node", "json", "trace_id", "o", "output", "wallet", "passphrase_file"})
    CHECK(why("GET", "/v1/file/get/a", std::string(name) + "=x") ==
          "unknown field \"" + std::string(name) + "\" for file get");
  CHECK(why("POST", "/v1/registry/register", R"({"pay_to":"x"})") == "unknown field \"pay_to\" for registry register");
}

TEST_CASE("api fields: a short path may name a field in its own way") {
  const auto got = read("GET", "/v1/nodes", "capability=gpu&status=healthy");
  REQUIRE(got.ok());
  CHECK(got.value().values.at("--need") == Texts{"gpu"});
}
