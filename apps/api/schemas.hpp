#pragma once
// The types of messages/output as JSON Schemas, by the rules of ../cli/json.hpp.
//
// Rules   A schema has every field, as `required`, and no other field. So it finds a field that is missing, new or
//         misspelled. Only the struct of a whole response may have `partly` in addition.
#include <capnp/schema-loader.h>

#include <map>
#include <set>
#include <string>

namespace troupe::apps::api {

class Schemas {
 public:
  Schemas();

  /// Whether messages/output has the type: "KvGot", or "List(KvRow)".
  bool has(const std::string& type) const;
  /// Returns a schema that refers to the definition of the type. An unknown type is a broken invariant.
  std::string of(const std::string& type);
  /// Returns, by name, the definition of each struct to which a returned schema refers.
  std::map<std::string, std::string> definitions();

 private:
  std::string of(const capnp::Type& type, bool nullable);
  std::string of(const capnp::StructSchema& schema, bool nullable);
  std::string fields_of(const capnp::StructSchema& schema, bool partly);
  std::string any_member(const capnp::StructSchema& schema);

  capnp::SchemaLoader loader_;
  std::map<std::string, capnp::StructSchema> structs_;  // all of messages/output, by name
  std::set<std::string> whole_;                         // structs that are whole responses
  std::set<std::string> wanted_;                        // structs without a definition
  std::map<std::string, std::string> defined_;
};

}  // namespace troupe::apps::api
