// The OpenAPI document: what each route answers, in the schemas of the JSON that commands write.
#include "apps/api/openapi.hpp"

#include <capnp/dynamic.h>
#include <capnp/schema-loader.h>
#include <doctest/doctest.h>

#include <set>
#include <sstream>

#include "apps/api/schemas.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/json_read.hpp"
#include "messages/kinds.hpp"
#include "tests/apps/api/all_routes.hpp"

using namespace troupe;
using namespace troupe::apps;
using namespace troupe::apps::api;

namespace {

/// Adds the name in each "#/components/schemas/NAME".
void add_references(const JsonValue& value, std::set<std::string>& to) {
  static const std::string kBefore = "#/components/schemas/";
  for (const JsonValue& item : value.items) add_references(item, to);
  for (const auto& [name, field] : value.fields) {
    if (name == "$ref") to.insert(field.text.substr(kBefore.size()));
    add_references(field, to);
  }
}

std::string definition(const std::string& type) {
  Schemas schemas;
  schemas.of("List(" + type + ')');
  return schemas.definitions().at(type);
}

/// Returns the fields of a struct of messages/output without values, as JSON.
JsonValue empty_output(const std::string& name) {
  capnp::SchemaLoader loader;
  std::uint64_t id = 0;
  for (const messages::SchemaInfo& one : messages::all_schemas()) {
    const auto node =
        capnp::readMessageUnchecked<capnp::schema::Node>(reinterpret_cast<const capnp::word*>(one.node.data()));
    const std::string known = node.getDisplayName();
    if (!known.starts_with("messages/output/")) continue;
    loader.load(node);
    if (known.ends_with(':' + name)) id = one.id;
  }
  REQUIRE(id != 0);
  capnp::MallocMessageBuilder message;
  std::ostringstream out;
  write_json(out, message.initRoot<capnp::DynamicStruct>(loader.get(id).asStruct()).asReader());
  return *read_json(out.str());
}

}  // namespace

TEST_CASE("api openapi: each command with a route names what it prints") {
  const Schemas schemas;
  for (const Command& command : apps::commands()) {
    if (!command.route) continue;
    CAPTURE(command.name);
    const Route& route = *command.route;
    CHECK(route.prints.empty() == (route.output == Output::bytes));
    CHECK((route.lines.empty() || route.output == Output::value));
    for (const std::string& type : route.prints) CHECK_MESSAGE(schemas.has(type), type);
    for (const std::string& type : route.lines) CHECK_MESSAGE(schemas.has(type), type);
  }
  CHECK_FALSE(schemas.has("Nonsense"));
  CHECK_FALSE(schemas.has("List(Nonsense)"));
}

TEST_CASE("api openapi: each schema that the document uses is in it, and each is used") {
  const auto document = read_json(openapi_text(test::all_routes()));
  REQUIRE(document);
  std::set<std::string> used;
  add_references(*document, used);
  std::set<std::string> defined;
  for (const auto& [name, schema] : document->find("components")->find("schemas")->fields) defined.insert(name);
  CHECK(used == defined);
}

TEST_CASE("api schemas: a definition has the fields that the writer of JSON writes") {
  Schemas schemas;
  for (const Command& command : apps::commands())
    if (command.route)
      for (const auto* types : {&command.route->prints, &command.route->lines})
        for (const std::string& type : *types) schemas.of(type);
  for (const auto& [name, text] : schemas.definitions()) {
    CAPTURE(name);
    const auto schema = read_json(text);
    REQUIRE(schema);
    std::vector<std::string> required, written;
    for (const JsonValue& one : schema->find("required")->items) required.push_back(one.text);
    for (const auto& [field, value] : empty_output(name).fields) written.push_back(field);
    CHECK(required == written);
  }
}

TEST_CASE("api schemas: each type of a field has its schema") {
  CHECK(definition("FileRemoved") == R"({"type":"object","required":["cid","holders"],"properties":{)"
                                     R"("cid":{"type":["string","null"],"pattern":"^([0-9a-f]{2})*$"},)"
                                     R"("holders":{"type":"integer","minimum":0,"maximum":4294967295}},)"
                                     R"("additionalProperties":false})");
  CHECK(definition("EscrowOffer").find(R"("due":{"type":["integer","null"],"format":"uint64","minimum":0}})") !=
        std::string::npos);
  CHECK(definition("FileCopy")
            .find(R"("kind":{"anyOf":[{"type":"string","enum":["manifest","chunk"]},)"
                  R"({"type":"integer"}]})") != std::string::npos);
  CHECK(definition("SandboxRan")
            .find(R"("exitStatus":{"type":["integer","null"],"minimum":-2147483648,)"
                  R"("maximum":2147483647})") != std::string::npos);
  CHECK(definition("RaftDelay").find(R"("ms":{"type":["number","null"]})") != std::string::npos);
  CHECK(definition("EscrowShown")
            .find(R"("then":{"anyOf":[{"$ref":"#/components/schemas/EscrowThen"},)"
                  R"({"type":"null"}]})") != std::string::npos);
  CHECK(definition("TaskView").find(R"("arguments":{"type":"array","items":{"type":"string"}})") != std::string::npos);
  Schemas schemas;
  CHECK(schemas.of("List(ChainParam)") == R"({"type":"array","items":{"$ref":"#/components/schemas/ChainParam"}})");
  CHECK(schemas.of("ChainParams") == R"({"type":"object","additionalProperties":{"anyOf":[{"type":"null"},)"
                                     R"({"type":"integer","format":"uint64","minimum":0}]}})");
}

TEST_CASE("api schemas: only a whole response can be partly done") {
  Schemas schemas;
  CHECK(schemas.of("KvAnswer") == R"({"$ref":"#/components/schemas/KvAnswer"})");
  CHECK(schemas.definitions().at("KvAnswer").find(R"("partly":{"const":true})") != std::string::npos);
  CHECK(definition("KvAnswer").find("partly") == std::string::npos);
}
