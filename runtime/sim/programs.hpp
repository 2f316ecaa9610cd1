#pragma once
// Simulated programs: scripts in place of machine code. A script is plain data, made for each process.
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

/// Prints; while the pipe of kPipeBytes is full, the program waits.
struct Print {
  ports::Output to = ports::Output::standard;
  base::Bytes bytes;
};
/// Takes the wall time `time`, or longer if the program's cores need longer for `cpu`.
struct Work {
  base::Duration time{0};
  base::Duration cpu{0};
};
/// Uses these amounts from now on. A program above a limit ends: it is killed for memory, and fails for the other
/// resources.
struct Use {
  std::uint64_t memory_bytes = 0;
  std::uint64_t disk_bytes = 0;
  std::uint64_t pids = 1;
};
/// Leaves a file below /task. If a name is left twice, the last file counts.
struct Leave {
  std::string path;
  base::Bytes bytes;
};
/// Makes a forbidden system call; with tripwires, that ends the program.
struct Try {
  std::string call = "mount";
};
struct Exit {
  int status = 0;
};
/// Ends by a signal that the program causes.
struct Crash {
  int signal = 11;
};
/// Does nothing until the program is ended or its time is over.
struct Hang {};

/// Is killed because the machine is out of memory.
struct Spare {};
/// Delays the program's end by this time after it is killed.
struct Linger {
  base::Duration time{};
};

using Act = std::variant<Print, Work, Use, Leave, Try, Exit, Crash, Hang, Spare, Linger>;
/// The actions of a program, in this order. After the last it exits with 0.
using Script = std::vector<Act>;

inline constexpr std::size_t kPipeBytes = std::size_t{64} << 10;  // of each stream; as in Linux

inline Print print(std::string_view text, ports::Output to = ports::Output::standard) {
  return {to, {text.begin(), text.end()}};
}

/// The facts that a program may know. A malicious program uses `node`.
struct Run {
  const sandbox::Spec& spec;
  base::ByteView input;
  std::uint16_t node;    ///< its number in the run
  base::Random& chance;  ///< of the node's processes
};
using Program = std::function<Script(const Run&)>;

/// The programs of a run, by name: the first word of a command.
class Programs {
 public:
  void add(std::string name, Program program) { by_name_.insert_or_assign(std::move(name), std::move(program)); }
  /// Sets the program for all names that were not added.
  void add_others(Program program) { others_ = std::move(program); }
  /// Returns the program for that name, or null.
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
