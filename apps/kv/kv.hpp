#pragma once
// The commands of `troupe kv` that have their own source file; kv.cpp names them all.
#include <optional>
#include <string>
#include <vector>

#include "actors/raft/kv_words.hpp"
#include "apps/cli/client.hpp"
#include "apps/cli/input.hpp"
#include "apps/cli/json.hpp"
#include "apps/raft/raft.hpp"
#include "runtime/base/text.hpp"

namespace troupe::apps {

Ending kv_put(const Invocation& invocation, Console& console);
Ending kv_get(const Invocation& invocation, Console& console);
Ending kv_del(const Invocation& invocation, Console& console);
Ending kv_cas(const Invocation& invocation, Console& console);
Ending kv_list(const Invocation& invocation, Console& console);
Ending kv_txn(const Invocation& invocation, Console& console);
Ending kv_batch(const Invocation& invocation, Console& console);
Ending kv_watch(const Invocation& invocation, Console& console);
Ending kv_lease(const Invocation& invocation, Console& console);

namespace kv_command {

namespace kv = raft::kv;
namespace wire = raft::wire;

/// The way to a group: a client of this node, the group's name, and the time limit.
struct Way {
  std::string path, group;
  base::Duration timeout;
  std::unique_ptr<Client> client;
};
base::Result<Way, Failure> way_of(const Invocation& invocation, Console& console);

/// Reads a key as it is typed; with --hex in hexadecimal digits. `empty`: the key may be empty, as a prefix.
base::Result<std::string, Failure> key_of(const Invocation& invocation, const std::string& typed, bool empty = false);
/// Reads a value as it is typed; `-` reads standard input.
base::Result<kv::Value, Failure> value_of(Console& console, const std::string& typed);
kv::Value value_of(std::string_view text);

/// The maximum line of `kv txn` and `kv batch`: fits two values in which each byte is escaped.
inline constexpr std::size_t kLineBytesMax = 16 * kv::kValueBytesMax;

/// Returns the words of a line; a word that begins with a quotation mark is a JSON string. Returns nullopt if the line
/// is malformed.
std::optional<std::vector<std::string>> words_of(std::string_view line);

/// Sends a change to the group. An outcome other than `done` is a failure with its exit.
base::Result<Kept<wire::Executed>, Failure> execute(Way& way, const kv::Command& command);
base::Result<Kept<wire::GotKey>, Failure> get(Way& way, const std::string& key, bool stale, std::uint64_t revision);
/// Reads the lease of --lease, in the form that `kv lease grant` prints. Fails with usage.
base::Result<kv::LeaseId, Failure> lease_of(const std::string& typed);
std::string shown(capnp::Data::Reader bytes);  ///< for an error message

/// Sets `value` if it is UTF-8, otherwise `valueHex`; for any output with both.
template <class Builder>
void write_value(Builder out, capnp::Data::Reader value) {
  const std::string_view text(reinterpret_cast<const char*>(value.begin()), value.size());
  if (base::is_utf8(text)) out.setValue({text.data(), text.size()});
  else out.setValueHex(hex(value));
}
template <class Builder>
void write_key(Builder out, capnp::Data::Reader key) {
  const std::string_view text(reinterpret_cast<const char*>(key.begin()), key.size());
  if (base::is_utf8(text)) out.setKey({text.data(), text.size()});
  else out.setKeyHex(hex(key));
}

}  // namespace kv_command
}  // namespace troupe::apps
