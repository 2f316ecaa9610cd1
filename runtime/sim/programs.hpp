#pragma once
// What simulated programs do: scripts in place of machine code. A script is plain data, made anew for each process.
//
//     sim::Programs programs;
//     programs.add("/task/count", [](const sim::Run& run) -> sim::Script {
//       return {sim::Work{.time = 2s, .cpu = 1s}, sim::print("17\n"), sim::Exit{run.node == 3 ? 1 : 0}};
//     });
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/base/bytes.hpp"
#include "runtime/base/random.hpp"
#include "runtime/base/time.hpp"
#include "runtime/ports/processes.hpp"

namespace troupe::sim {

/// Prints; while the pipe is full, which holds kPipeBytes, the program waits.
struct Print {
  ports::Output to = ports::Output::standard;
  base::Bytes bytes;
};
/// Takes that time of the wall clock, or more if its cores give it less `cpu` in that time.
struct Work {
  base::Duration time{0};
  base::Duration cpu{0};
};
/// Has that much from now on. With more than its limit it ends: killed for memory, failed for the others.
struct Use {
  std::uint64_t memory_bytes = 0;
  std::uint64_t disk_bytes = 0;
  std::uint64_t pids = 1;
};
/// Leaves a file below /task. The last one of a name counts.
struct Leave {
  std::string path;
  base::Bytes bytes;
};
/// Calls what no program may: with tripwires that ends it.
struct Try {
  std::string call = "mount";
};
struct Exit {
  int status = 0;
};
/// Ends by a signal of its own.
struct Crash {
  int signal = 11;
};
/// Does nothing more, until it is ended or its time is over.
struct Hang {};

/// Is ended because the machine has no memory left for it.
struct Spare {};
/// Once it is killed, its end takes that long.
struct Linger {
  base::Duration time{};
};

using Act = std::variant<Print, Work, Use, Leave, Try, Exit, Crash, Hang, Spare, Linger>;
/// What it does, in this order. At its end it exits with 0.
using Script = std::vector<Act>;

inline constexpr std::size_t kPipeBytes = std::size_t{64} << 10;  // of each stream; as Linux has it

inline Print print(std::string_view text, ports::Output to = ports::Output::standard) {
  return {to, {text.begin(), text.end()}};
}

/// What a program may know. One that lies looks at the node.
struct Run {
  const sandbox::Spec& spec;
  base::ByteView input;
  std::uint16_t node;    ///< its number in the world
  base::Random& chance;  ///< of the node's processes
};
using Program = std::function<Script(const Run&)>;

/// The programs that a world has, by name: the first word of a command.
class Programs {
 public:
  void add(std::string name, Program program) { by_name_.insert_or_assign(std::move(name), std::move(program)); }
  /// For all names that have no program of their own.
  void add_others(Program program) { others_ = std::move(program); }
  /// Null if there is none.
  const Program* find(const std::string& name) const {
    const auto found = by_name_.find(name);
    if (found != by_name_.end()) return &found->second;
    return others_ ? &others_ : nullptr;
  }

 private:
  std::map<std::string, Program> by_name_;
  Program others_;
};

inline const Programs kNoPrograms;

}  // namespace troupe::sim
