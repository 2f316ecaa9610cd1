#pragma once
// Commands of clients in the words of messages/raft.capnp, there and back.
#include <optional>
#include <string>

#include "actors/raft/logic/kv/command.hpp"
#include "actors/raft/wire.hpp"

namespace troupe::raft {

/// Nothing unless it has 1 to kKeyBytesMax bytes.
std::optional<std::string> read_key(capnp::Data::Reader from);
/// Errors: `malformed` beyond the limits of kv/command.hpp. Its time is not set; a granted lease has no id.
base::Outcome<kv::Command> read_command(wire::Execute::Reader from);
void write(wire::Execute::Builder out, const kv::Command& command);

}  // namespace troupe::raft
