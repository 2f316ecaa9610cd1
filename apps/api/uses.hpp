#pragma once
// What a call touches: each file, key of the store, value of the DHT and task, as if the call named nothing else.
//
// Names   are decoded first, so that all spellings of a name are the same thing: a key with `hex`, upper-case digits of
//         an id, NAME and /kv/NAME.
#include <string>
#include <vector>

#include "actors/access/logic/key.hpp"
#include "apps/cli/command.hpp"

namespace troupe::apps::api {

/// What a use does with a thing.
enum class Way : std::uint8_t {
  read,
  change,
  create,  ///< or change, if it exists
  remove,  ///< or what other owners of the thing could miss
  any,     ///< reads things of everybody
};

struct Use {
  std::string command;                   ///< "kv put"
  std::string subject;                   ///< the name, decoded
  std::optional<access::Thing> thing{};  ///< nullopt: it belongs to nobody before the call
  Way way = Way::read;
};

/// How the output of a call is cut down to what the caller may read.
struct Filter {
  std::string command;             ///< as which each item is read: "kv get"
  std::string field, hex_field{};  ///< of an item, with its name; `hex_field` has it in hexadecimal
  std::string group{};             ///< of the key-value store
  Use use(const std::string& name) const;
};

struct Uses {
  std::vector<Use> list;
  std::optional<Filter> filter;
};

/// Returns what the call touches before it runs. Errors: usage, for arguments that the command would refuse too.
base::Result<Uses, Failure> uses_of(const Invocation& invocation, const std::string& lines);
/// Returns what the call has made, from its output.
std::vector<Use> made_by(const Invocation& invocation, const std::string& output);

}  // namespace troupe::apps::api
