#pragma once
// Converts this domain's values from and to messages/raft.capnp.
#include <optional>
#include <string>

#include "actors/raft/logic/message.hpp"
#include "actors/raft/logic/saves.hpp"
#include "messages/codec.hpp"
#include "messages/raft.capnp.h"
#include "runtime/base/error.hpp"

namespace troupe::raft {

void write(wire::Member::Builder out, const MemberId& member);
/// Returns nullopt unless its node has 20 bytes.
std::optional<MemberId> read(wire::Member::Reader from);

void write(capnp::List<wire::Entry>::Builder out, const std::vector<Entry>& entries);
/// Reads entries from index `first`. Returns nullopt if one of them has an unknown kind or exceeds kEntryBytesLimit.
std::optional<std::vector<Entry>> read_entries(capnp::List<wire::Entry>::Reader from, Index first);

void write(wire::SnapshotMark::Builder out, const Snapshot& snapshot);
/// Returns nullopt unless configuration and digest can be read. The configuration may be empty, as in `Snapshot{}`.
std::optional<Snapshot> read(wire::SnapshotMark::Reader from);

void write(wire::Vote::Builder out, const HardState& state);
std::optional<HardState> read(wire::Vote::Reader from);

void write(wire::Talk::Builder out, const Message& message);
/// Returns nullopt if the message exceeds its schema's limits. flaw() finds the other errors.
std::optional<Message> read(wire::Talk::Reader from);

}  // namespace troupe::raft
