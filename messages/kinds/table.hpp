#pragma once
// Reads the Cap'n Proto compiler's description of the schemas, and refuses annotations that the node could not honour.
// Used only by the build (generate.cpp); the program does not include it.
#include <capnp/schema.capnp.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace troupe::messages::build {

/// What is wrong with the schemas, for their author: "messages/dht.capnp:Ping: bytesMax is 0 …".
class BadSchema : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One struct with `$kind`.
struct KindRow {
  std::uint64_t id;
  std::string name;  ///< "dht.FindNode"
  std::string lane;  ///< enumerators of messages/kinds.hpp
  std::string when_full;
  unsigned from;  ///< bits of Role
  std::uint32_t bytes_max;
  bool datagram;
};

struct Table {
  std::vector<KindRow> kinds;          ///< by ascending id
  std::vector<std::uint64_t> schemas;  ///< ids of all structs, groups and enums, ascending
};

/// Throws BadSchema for: a file without `$Cxx.namespace("troupe::<domain>::wire")`; a kind without a comment, with a
/// generic parameter, or with a `bytesMax` of 0 or above kBytesMaxLimit, or for datagrams that no other node may send;
/// two kinds of one name.
Table read_table(capnp::schema::CodeGeneratorRequest::Reader request);

}  // namespace troupe::messages::build
