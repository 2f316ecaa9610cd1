#pragma once
// The commands of `troupe task`; task.cpp names them all.
#include "actors/task/api.hpp"
#include "actors/task/logic/array.hpp"
#include "apps/cli/client.hpp"
#include "apps/cli/command.hpp"

namespace troupe::apps {

Ending task_submit(const Invocation& invocation, Console& console);
Ending task_list(const Invocation& invocation, Console& console);
Ending task_view(const Invocation& invocation, Console& console);
Ending task_logs(const Invocation& invocation, Console& console);
Ending task_cancel(const Invocation& invocation, Console& console);
Ending task_result(const Invocation& invocation, Console& console);

namespace tasks {

inline constexpr std::chrono::seconds kDue{75};       // our choice: more than the minute that a commit may take
inline constexpr std::chrono::hours kIdle{24 * 365};  // for a stream that waits for a task

/// The argument ID: the id of a task or an array; with ".K" it means member K of an array.
struct Typed {
  task::TaskId id;
  std::optional<std::uint32_t> member;
};
/// Reads the argument ID. Fails with usage unless it is 64 hexadecimal digits, optionally followed by "." and a number.
base::Result<Typed, Failure> id_of(const Invocation& invocation);

/// An array, as its node reports it.
struct ShownArray {
  task::Array array;
  std::array<std::uint32_t, task::kStates> states{};  ///< number of members in each state
  std::uint32_t in(task::State state) const { return states[static_cast<std::size_t>(state)]; }
};
Client::Outcome<ShownArray> ask_array(Client& client, const task::TaskId& id);
/// Returns the id of the task; if `typed` names a member, asks the node for the array.
Client::Outcome<task::TaskId> resolve(Client& client, const Typed& typed);

/// A task, as its node reports it.
struct Shown {
  task::Order order;
  task::Task task;
  std::string why;
  struct Part {
    std::uint16_t output = 0;
    std::uint64_t bytes = 0;
    base::Digest digest;
  };
  std::vector<Part> parts;
  std::optional<base::Digest> escrow;  ///< escrow that pays the attempts
};
Client::Outcome<Shown> ask(Client& client, const task::TaskId& id);

/// Stores the root file system of a task, given as a content id, a folder or a tar archive, for a program with the
/// loader `loader` (empty: none). Fails before anything is stored if the archive cannot be unpacked, or the folder
/// lacks the loader.
Client::Outcome<task::Cid> store_root(Client& client, Console& console, const std::string& typed,
                                      const std::string& loader);

/// Returns the name of a state from its number on the wire.
std::string state_text(std::uint8_t number);

/// Waits until a task has ended, and prints its standard output. If the task is not done, prints the reason on standard
/// error.
Ending wait_for(Client& client, Console& console, const task::TaskId& id);
/// Does the same for each member of an array, in order. Exits with done, partly or failed.
Ending wait_for_array(Client& client, Console& console, const task::TaskId& id);

}  // namespace tasks
}  // namespace troupe::apps
