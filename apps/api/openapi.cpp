#include "apps/api/openapi.hpp"

#include <algorithm>
#include <map>
#include <sstream>

#include "apps/api/fields.hpp"
#include "apps/api/schemas.hpp"
#include "runtime/base/text.hpp"
#include "runtime/observe/version.hpp"

namespace troupe::apps::api {
namespace {

/// Writes an object or array: each member after a comma, except the first.
class Json {
 public:
  explicit Json(std::ostream& out) : out_(out) {}
  void open(char bracket) {
    comma();
    out_ << bracket;
    fresh_ = true;
  }
  void close(char bracket) {
    out_ << bracket;
    fresh_ = false;
  }
  Json& key(std::string_view name) {
    comma();
    out_ << base::quoted(name) << ':';
    fresh_ = true;
    return *this;
  }
  void text(std::string_view value) { plain(base::quoted(value)); }
  void number(std::uint64_t value) { plain(std::to_string(value)); }
  void truth(bool value) { plain(value ? "true" : "false"); }
  /// Writes JSON that is complete.
  void plain(std::string_view json) {
    comma();
    out_ << json;
  }

 private:
  void comma() {
    if (!fresh_) out_ << ',';
    fresh_ = false;
  }
  std::ostream& out_;
  bool fresh_ = true;
};

constexpr const char* kAbout =
    "The commands of troupe over HTTP. A response has every field of its schema; a later version may add fields, so a "
    "client ignores unknown fields. If only a part was done, the response has `partly` as well. A response of type "
    "application/x-ndjson has one JSON value in each line, and `x-line-schema` is the schema of each line.";
constexpr const char* kError = R"({"type":"object","required":["error"],"properties":{"error":{"type":"object",)"
                               R"("required":["code","message","outcome","try","retryAfterMs"],"properties":{)"
                               R"("code":{"type":"string"},"message":{"type":"string"},"outcome":{"type":"string"},)"
                               R"("try":{"type":["string","null"]},"retryAfterMs":{"type":["integer","null"]}},)"
                               R"("additionalProperties":false}},"additionalProperties":false})";
constexpr const char* kFailed =
    R"({"description":"an error","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Error"}}}})";
constexpr const char* kBytes = R"({"application/octet-stream":{"schema":{"type":"string","format":"binary"}}})";

// Lines that are not an output of the command.
constexpr const char* kEnd = "StreamEnd";      // the last line of endless output
constexpr const char* kPartly = "PartlyDone";  // the last line of output of which only a part was done

std::string line_like(const char* field) {
  const std::string name = base::quoted(field);
  return R"({"type":"object","required":[)" + name + R"(],"properties":{)" + name +
         R"(:{"const":true}},"additionalProperties":false})";
}
std::string refer(const char* name) { return R"({"$ref":"#/components/schemas/)" + std::string(name) + "\"}"; }

/// Whether an option makes the output endless.
bool can_be_endless(const Command& command) {
  return std::ranges::any_of(command.options, [](const Option& one) { return one.endless && is_field(one.field); });
}

void write_schema(Json& json, const FieldRow& row) {
  const bool array = row.many || row.type == FieldType::lines;
  json.open('{');
  if (array) {
    json.key("type").text("array");
    json.key("items").open('{');
  }
  switch (row.type) {
    case FieldType::number: json.key("type").text("integer"); break;
    case FieldType::truth: json.key("type").text("boolean"); break;
    case FieldType::text:
    case FieldType::lines: json.key("type").text("string"); break;
    case FieldType::bytes:
      json.key("type").text("string");
      json.key("description").text("the bytes of the file in base64, or its content id");
      break;
  }
  if (row.max > 0) {
    json.key("minimum").number(row.min);
    json.key("maximum").number(row.max);
  }
  if (!row.choices.empty()) {
    json.key("enum").open('[');
    for (const std::string& choice : row.choices) json.text(choice);
    json.close(']');
  }
  if (array) json.close('}');
  json.close('}');
}

std::string name_in(const RouteRow& row, const std::string& field) {
  for (const auto& [given, taken] : row.renamed)
    if (taken == field) return given;
  return field;
}

void write_parameter(Json& json, const char* where, const std::string& name, const FieldRow& row) {
  json.open('{');
  json.key("name").text(name);
  json.key("in").text(where);
  json.key("required").truth(row.required || std::string_view(where) == "path");
  json.key("description").text(row.help);
  json.key("schema");
  write_schema(json, row);
  json.close('}');
}

class Document {
 public:
  explicit Document(std::ostream& out) : json_(out) {}

  void write(const Routes& routes) {
    std::map<std::string, std::map<std::string, const RouteRow*>> by_path;
    for (const RouteRow& row : routes.rows()) by_path[path_of(row)].emplace(row.method, &row);
    json_.open('{');
    json_.key("openapi").text("3.1.0");
    json_.key("info").open('{');
    json_.key("title").text("troupe");
    json_.key("version").text(observe::version());
    json_.key("description").text(kAbout);
    json_.close('}');
    json_.key("security").plain(R"([{"key":[]}])");
    json_.key("paths").open('{');
    for (const auto& [path, methods] : by_path) {
      json_.key(path).open('{');
      for (const auto& [method, row] : methods) {
        std::string lower;
        for (const char c : method) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        json_.key(lower).open('{');
        operation(*row, lower);
        json_.close('}');
      }
      json_.close('}');
    }
    json_.close('}');
    components();
    json_.close('}');
  }

 private:
  void operation(const RouteRow& row, const std::string& method) {
    std::string id = method;
    for (const std::string& word : row.words) id += '_' + (word == "*" ? "one" : word);
    json_.key("operationId").text(id);
    json_.key("summary").text(row.command->summary);
    const Positional* subject = subject_of(*row.command);
    const bool in_path = std::find(row.words.begin(), row.words.end(), "*") != row.words.end();
    const std::vector<std::string> subjects = in_path ? field_names(*subject) : std::vector<std::string>{};
    std::vector<FieldRow> rest;
    const FieldRow* named = nullptr;
    const auto fields = fields_of(*row.command);
    for (const FieldRow& field : fields) {
      const bool is_subject = std::find(subjects.begin(), subjects.end(), field.name) != subjects.end();
      if (!is_subject) rest.push_back(field);
      else if (named == nullptr) named = &field;
    }
    const bool in_body = row.method == "POST";
    json_.key("parameters").open('[');
    if (named != nullptr) {
      FieldRow path = *named;
      path.many = false;
      write_parameter(json_, "path", path.name, path);
    }
    if (!in_body)
      for (const FieldRow& field : rest) write_parameter(json_, "query", name_in(row, field.name), field);
    json_.close(']');
    if (in_body) body(row, rest);
    else if (row.method == "PUT")
      json_.key("requestBody")
          .plain(R"({"required":true,"content":{"application/octet-stream":{"schema":{)"
                 R"("type":"string","format":"binary"}}}})");
    json_.key("responses").open('{');
    json_.key(row.method == "PUT" ? "201" : "200").open('{');
    json_.key("description").text("the answer of `troupe " + row.command->name + "`");
    content(row);
    json_.close('}');
    json_.key("default").plain(kFailed);
    json_.close('}');
  }

  /// Writes what the command prints.
  void content(const RouteRow& row) {
    const Route& route = *row.command->route;
    if (route.output == Output::bytes) return json_.key("content").plain(kBytes);
    json_.key("content").open('{');
    const bool has_values = route.output == Output::value;
    if (has_values) {
      json_.key("application/json").open('{');
      json_.key("schema").plain(any_of(route.prints));
      json_.close('}');
    }
    if (!has_values || !route.lines.empty()) {
      std::vector<std::string> also;
      const bool watches = route.output == Output::watch;
      if (watches || can_be_endless(*row.command)) also.push_back(refer(kEnd));
      if (!watches) also.push_back(refer(kPartly));
      if (!has_values || can_be_endless(*row.command)) also.push_back(refer("Error"));
      json_.key("application/x-ndjson").open('{');
      json_.key("schema").plain(R"({"type":"string"})");
      json_.key("x-line-schema").plain(any_of(has_values ? route.lines : route.prints, also));
      json_.close('}');
    }
    json_.close('}');
  }

  std::string any_of(const std::vector<std::string>& types, const std::vector<std::string>& also = {}) {
    std::string out;
    for (const std::string& type : types) out += (out.empty() ? "" : ",") + schemas_.of(type);
    if (types.size() + also.size() == 1) return out;
    for (const std::string& schema : also) out += ',' + schema;
    return "{\"anyOf\":[" + out + "]}";
  }

  /// Writes all schemas to which the paths refer.
  void components() {
    json_.key("components").open('{');
    json_.key("securitySchemes").plain(R"({"key":{"type":"http","scheme":"bearer"}})");
    json_.key("schemas").open('{');
    json_.key("Error").plain(kError);
    json_.key(kEnd).plain(line_like("end"));
    json_.key(kPartly).plain(line_like("partly"));
    for (const auto& [name, schema] : schemas_.definitions()) json_.key(name).plain(schema);
    json_.close('}');
    json_.close('}');
  }

  void body(const RouteRow& row, const std::vector<FieldRow>& fields) {
    json_.key("requestBody").open('{');
    json_.key("content").open('{');
    json_.key("application/json").open('{');
    json_.key("schema").open('{');
    json_.key("type").text("object");
    json_.key("additionalProperties").truth(false);
    json_.key("required").open('[');
    for (const FieldRow& field : fields)
      if (field.required) json_.text(name_in(row, field.name));
    json_.close(']');
    alternatives(*row.command);
    json_.key("properties").open('{');
    for (const FieldRow& field : fields) {
      json_.key(name_in(row, field.name));
      write_schema(json_, field);
    }
    json_.close('}');
    json_.close('}');
    json_.close('}');
    json_.close('}');
    json_.close('}');
  }

  /// Writes which fields stand for one argument: exactly one of them, or one or more.
  void alternatives(const Command& command) {
    for (const Positional& one : command.positionals) {
      const auto names = field_names(one);
      if (names.size() < 2 || !is_field(one.field) || (one.arity != Arity::one && one.arity != Arity::some)) continue;
      json_.key(one.arity == Arity::one ? "oneOf" : "anyOf").open('[');
      for (const std::string& name : names) {
        json_.open('{');
        json_.key("required").open('[');
        json_.text(name);
        json_.close(']');
        json_.close('}');
      }
      json_.close(']');
    }
  }

  Json json_;
  Schemas schemas_;
};

}  // namespace

std::string openapi_text(const Routes& routes) {
  std::ostringstream out;
  Document(out).write(routes);
  out << '\n';
  return out.str();
}

}  // namespace troupe::apps::api
