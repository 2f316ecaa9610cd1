#pragma once
// Converts clients' commands between messages/raft.capnp and logic/kv.
#include <optional>
#include <string>

#include "actors/raft/logic/kv/command.hpp"
#include "actors/raft/wire.hpp"

namespace troupe::raft {

/// Returns nullopt unless the key has 1 to kKeyBytesMax bytes.
std::optional<std::string> read_key(capnp::Data::Reader from);
/// Fails with `malformed` beyond the limits of kv/command.hpp. The command has no time, and a granted lease no id, yet.
base::Outcome<kv::Command> read_command(wire::Execute::Reader from);
void write(wire::Execute::Builder out, const kv::Command& command);

}  // namespace troupe::raft
