#pragma once
// What the commands `troupe file …` share; each is declared here and has a source of its own, file_put.cpp and so on.
#include "actors/files/api.hpp"
#include "apps/cli/client.hpp"

namespace troupe::apps {

// How long nothing may move in a stream: for a node that has gone silent.
inline constexpr std::chrono::minutes kFileIdle{5};
// How often a put whose source is silent says that it still lives; the node forgets an idle stream, too.
inline constexpr std::chrono::minutes kFileAlive{1};
static_assert(2 * kFileAlive < kFileIdle);
// A change is one commit, for which a store has a minute (actors/files/settings.hpp), and what goes before it.
inline constexpr std::chrono::seconds kFileAnswer{75};

using CommandRun = Ending(const Invocation&, Console&);
CommandRun file_put, file_get, file_list, file_view, file_verify, file_remove, file_pin, file_unpin;

/// The argument CID. Fails with usage unless it is 64 hexadecimal digits.
base::Result<files::Cid, Failure> cid_of(const Invocation& invocation);

inline std::string hex(capnp::Data::Reader id) { return base::hex({id.begin(), id.size()}); }
inline capnp::Data::Reader data(const files::Cid& cid) { return {cid.bytes.data(), cid.bytes.size()}; }

}  // namespace troupe::apps
