#pragma once
// What the commands `troupe file …` share; each is declared here and has a source of its own, file_put.cpp and so on.
#include <thread>

#include "actors/files/api.hpp"
#include "apps/client.hpp"

namespace troupe::apps {

// A node gives up a stream in which nothing moves after a minute, and says why; this is for one that is gone silent.
inline constexpr std::chrono::minutes kFileIdle{5};
// A change is one commit, for which a store has a minute (actors/files/settings.hpp), and what goes before it.
inline constexpr std::chrono::seconds kFileAnswer{75};

// How long a command waits for a node that is there and says when to come again: our choice, far above what reading a
// catalogue takes.
inline constexpr std::chrono::seconds kFileBudget{10};
inline constexpr std::chrono::milliseconds kFileAgainMax{500};  // between two tries, so that Ctrl-C is noticed

/// Calls `call() -> Client::Outcome<T>` again while it fails because the node reads its files (it has just started, or
/// mends a fault) and says when to come again; `anew()` says whether nothing of the last try is left.
template <class Call, class Anew>
auto patiently(Client& client, Call&& call, Anew&& anew) {
  const base::Instant due = client.now() + kFileBudget;
  while (true) {
    auto outcome = call();
    if (outcome.ok() || outcome.error().error.code != base::Code::unavailable) return outcome;
    const base::Duration wait = std::min(outcome.error().error.retry_after, kFileAgainMax);
    if (wait <= base::Duration::zero() || client.now() + wait > due || client.interrupted() || !anew()) return outcome;
    std::this_thread::sleep_for(wait);
  }
}
template <class Call>
auto patiently(Client& client, Call&& call) {
  return patiently(client, std::forward<Call>(call), [] { return true; });
}

using CommandRun = Ending(const Invocation&, Console&);
CommandRun file_put, file_get, file_list, file_view, file_verify, file_remove, file_pin, file_unpin;

/// The argument CID. Fails with usage unless it is 64 hexadecimal digits.
base::Result<files::Cid, Failure> cid_of(const Invocation& invocation);

inline std::string hex(capnp::Data::Reader id) { return base::hex({id.begin(), id.size()}); }
inline capnp::Data::Reader data(const files::Cid& cid) { return {cid.bytes.data(), cid.bytes.size()}; }

}  // namespace troupe::apps
