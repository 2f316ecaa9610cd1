#pragma once
// The options and arguments that an HTTP request gives to a command.
//
// Rules   a GET has them in its query, all other methods in a JSON object. A name that the command does not have, a
//         repeated name, and a value of another type are usage failures. Only values and inputs can be given.
#include <string>
#include <string_view>
#include <vector>

#include "apps/api/routes.hpp"

namespace troupe::apps::api {

enum class FieldType : std::uint8_t { text, number, truth, lines, bytes };

/// A field that a command takes.
struct FieldRow {
  std::string name;
  std::string help;
  FieldType type = FieldType::text;
  bool many = false;
  bool required = false;
  std::vector<std::string> choices{};
  std::uint64_t min = 0, max = 0;  // of a number
};
/// Returns the fields of a command: its arguments, then its options.
std::vector<FieldRow> fields_of(const Command& command);

/// A field as a request gives it.
struct Given {
  std::string name;
  std::vector<std::string> values;
  bool from_json = false;  ///< `type` is the type of the JSON value
  bool list = false;       ///< it was a JSON array
  FieldType type = FieldType::text;
};
using GivenFields = std::vector<Given>;

base::Result<GivenFields, Failure> read_query(std::string_view query);
base::Result<GivenFields, Failure> read_object(std::string_view json);

/// A command's values, the lines of its standard input, and the bytes of its files.
struct Read {
  Invocation::Values values;
  std::string lines;
  std::map<std::string, base::Bytes> inputs;
};
/// Checks the fields against the command's table, as the command line is checked.
base::Result<Read, Failure> values_of(const Called& called, GivenFields given);

}  // namespace troupe::apps::api
