#pragma once
// A command of `troupe` as data: parsing, help, completion and the manual come from one table of commands.
//
// To add one: write a function that returns its `Command`s, and name it in `commands` of apps/meson.build.
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apps/cli/console.hpp"
#include "apps/cli/failure.hpp"
#include "runtime/base/endpoint.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/result.hpp"

namespace troupe::apps {

/// What a command needs to do its work.
enum class Needs : std::uint8_t {
  nothing,  ///< no running node
  view,     ///< a node that lets the caller read
  operate,  ///< a node that lets the caller change things
};

/// What an option or argument is to a caller at another machine.
enum class Field : std::uint8_t {
  value,   ///< a parameter
  input,   ///< a file of the caller, whose bytes come with the request
  lines,   ///< lines of a file of the caller, or of standard input
  output,  ///< a file of the caller, which gets the response
  secret,  ///< a passphrase, or a wallet of this machine: never part of a request
  local,   ///< of use only at this machine
};

struct Option {
  std::string name;     ///< "--replicas", or "-o"
  std::string value{};  ///< "N" as shown in help; empty for a switch
  std::string help;     ///< one line
  std::string alias{};  ///< "--output"
  bool repeatable = false;
  std::vector<std::string> choices{};      ///< if not empty, the only values
  std::vector<std::string> suggestions{};  ///< values that completion offers although others are valid
  std::uint64_t min = 0;                   ///< if `max` is above 0, the value is a whole number from min to max
  std::uint64_t max = 0;
  bool required = false;  ///< shown as required in the usage; the command reports a missing option
  Field field = Field::value;
  bool number = false;   ///< a number whose bounds the command checks
  bool endless = false;  ///< with it, the output of the command does not end
};

/// Returns an option whose value is a whole number from `min` to `max`.
inline Option number_option(std::string name, std::string value, std::string help, std::uint64_t min,
                            std::uint64_t max) {
  return {.name = std::move(name), .value = std::move(value), .help = std::move(help), .min = min, .max = max};
}

inline Option required(Option option) {
  option.required = true;
  return option;
}

enum class Arity : std::uint8_t { one, maybe, some, any };  // 1, 0 or 1, 1 or more, 0 or more

struct Positional {
  std::string name;          ///< "FILE"
  std::string help;          ///< one line
  Arity arity = Arity::one;  ///< only the last argument may repeat; only arguments at the end are optional
  std::vector<std::string> choices{};
  std::vector<std::string> suggestions{};
  Field field = Field::value;
  /// Its names in a request; empty: `name` in lower case. Several names: its values in this order (`some`), or one of
  /// them (`one`, `maybe`).
  std::vector<std::string> fields{};
};

/// "ID@HOST:PORT" of --node: the address of a node and the id that it must have.
struct NodeAddress {
  base::NodeId id;
  base::HostPort at;
};

class Cancel;
class Connection;

/// The bytes of a request's body and of its response, for a command that moves a file.
class Transfer {
 public:
  virtual ~Transfer() = default;
  /// Reads the next bytes of the body; returns zero at its end.
  virtual base::Result<std::size_t, Failure> read(std::span<std::uint8_t> into) = 0;
  /// Begins the response: `bytes` bytes, from byte `first` of a file of `file_bytes` bytes.
  virtual void begin(std::uint64_t bytes, std::uint64_t first, std::uint64_t file_bytes) = 0;
  virtual base::Result<void, Failure> write(base::ByteView bytes) = 0;
};

/// What a process that serves requests gives to each command that it runs.
struct Server {
  std::shared_ptr<Connection> connection;       ///< to its node
  std::shared_ptr<Cancel> cancel;               ///< ends the command when nobody waits for its response
  Transfer* transfer = nullptr;                 ///< for a command that moves a file; then "-" is its file
  std::map<std::string, base::Bytes> inputs{};  ///< bytes of files, by the name of the option or argument
};

/// Options that every command takes, before or after its name.
struct Globals {
  std::optional<std::string> data{};      ///< --data; see data_directory()
  std::optional<NodeAddress> node{};      ///< --node; never together with `data`
  std::vector<NodeAddress> more_nodes{};  ///< more nodes, for a command that takes several
  bool json = false;
  std::uint64_t trace = 0;         ///< --trace-id: trace of the command's requests; zero: the node picks one
  std::optional<Server> server{};  ///< set for a command that runs for a request; then `data` and `node` are unused
};

struct Command;

/// A parsed command line. Reading an option or argument that the command does not have is a broken invariant.
class Invocation {
 public:
  using Values = std::map<std::string, std::vector<std::string>, std::less<>>;

  /// Keeps pointers to `command` and `table`.
  Invocation(const Command& command, const std::vector<Command>& table, Globals for_all, Values values,
             std::string line = {})
      : globals(std::move(for_all)),
        command_(&command),
        table_(&table),
        values_(std::move(values)),
        line_(std::move(line)) {}

  /// Whether the option or optional argument was given.
  bool has(std::string_view name) const { return !all(name).empty(); }
  /// Returns the value of an option or argument, or nullopt if it was not given.
  std::optional<std::string> text(std::string_view name) const;
  /// Returns the number of an option with bounds, or nullopt if it was not given.
  std::optional<std::uint64_t> number(std::string_view name) const;
  /// Returns all values of an option or argument, in order.
  const std::vector<std::string>& all(std::string_view name) const;

  const Command& command() const { return *command_; }
  const std::vector<Command>& table() const { return *table_; }

  /// Records the request id that the command generated because none was typed.
  void made_request(std::string id) const { request_ = std::move(id); }
  /// Returns the command as it was typed, with the generated request id, to paste: repeating it does not repeat the
  /// change.
  std::string repeated() const { return request_.empty() ? line_ : line_ + " --request " + request_; }
  /// Whether repeated() contains a request id.
  bool can_be_repeated() const;

  Globals globals;

 private:
  const Command* command_;
  const std::vector<Command>* table_;
  Values values_;
  std::string line_;
  mutable std::string request_;
};

/// The callers of a command over HTTP. A later role may call whatever an earlier role may.
enum class Role : std::uint8_t { viewer, user, operator_, admin };

/// What a command prints with --json.
enum class Output : std::uint8_t {
  value,  ///< one value, often an object or a list
  lines,  ///< a value in each line
  watch,  ///< a value in each line, without an end
  bytes,  ///< the bytes of a file
};

/// How a command is called over HTTP (apps/api).
struct Route {
  Role role = Role::viewer;
  Output output = Output::value;
  /// What it prints with --json, as types of messages/output: "KvGot", or "List(KvRow)". Several: any of them.
  std::vector<std::string> prints{};
  std::vector<std::string> lines{};  ///< the same for each line, if a `value` can also have several lines
};

/// How a command ended: an exit, if its output was printed, or a failure that the caller prints.
using Ending = base::Result<Exit, Failure>;

struct Command {
  std::string name;     ///< one to three words: "status", "config show", "wallet multisig sign"
  std::string summary;  ///< one line
  std::vector<Option> options{};
  std::vector<Positional> positionals{};
  std::string form{};  ///< arguments in the usage line, if they may be left out only in some combinations
  Needs needs = Needs::nothing;
  Effect effect = Effect::read;
  bool several_nodes = false;    ///< --node may be given several times
  std::string notes{};           ///< only for help: lines of at most 100 columns, below the options
  std::optional<Route> route{};  ///< nullopt: the command cannot be called over HTTP
  std::function<Ending(const Invocation&, Console&)> run;
  std::vector<std::string> examples{};  ///< only for help: command lines, from apps/examples.cpp
};
using Commands = std::vector<Command>;

/// Reads a trace id as it is typed: up to 16 hexadecimal digits, not zero.
std::optional<std::uint64_t> parse_trace(std::string_view hex);

/// Returns the node's data directory: --data, otherwise TROUPE_DATA, $XDG_DATA_HOME/troupe or ~/.local/share/troupe.
/// Fails with usage if none of them is set.
base::Result<std::string, Failure> data_directory(const Globals& globals, const Console& console);

}  // namespace troupe::apps
