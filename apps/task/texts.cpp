// troupe task logs, and task result
#include <filesystem>
#include <functional>
#include <map>

#include "apps/cli/file_target.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/task/task.hpp"
#include "messages/codec.hpp"
#include "messages/output/task.capnp.h"
#include "runtime/base/text.hpp"

namespace troupe::apps {
namespace {

namespace wire = task::wire;
using base::Code;

template <class OnText>
Client::Outcome<void> read(Client& client, const task::TaskId& id, wire::TaskPart what, bool follow, OnText on_text) {
  return client.subscribe<wire::ReadTask, wire::TaskText>(
      task::kOrdersPath, tasks::kIdle,
      [&](wire::ReadTask::Builder out) {
        out.setId(data_of(id.view()));
        out.setWhat(what);
        out.setFollow(follow);
      },
      on_text);
}

/// The output of a program on one of its streams. The program ran on an untrusted node.
class Printed {
 public:
  Printed(Console& console, std::ostream& to, bool terminal) : console_(console), to_(to), text_(to, terminal) {}

  Client::Outcome<void> add(base::ByteView bytes) {
    text_.print(base::as_text(bytes));
    to_.flush();
    if (!to_) return unwritten(console_, "");
    return {};
  }

 private:
  Console& console_;
  std::ostream& to_;
  Passage text_;
};

Client::Outcome<void> print_standard(Client& client, Console& console, const task::TaskId& id, bool wait) {
  Printed printed(console, console.out, console.out_is_terminal);
  return read(client, id, wire::TaskPart::RESULT, wait, [&](wire::TaskText::Reader text) {
    if (text.getPart() != task::kStandardPart) return Client::Outcome<void>();
    return printed.add(bytes_of(text.getBytes()));
  });
}

/// Replaces bytes that are not UTF-8 by U+FFFD, for JSON.
std::string shown(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t bytes = 1;
    while (bytes < 4 && bytes < text.size() && !base::is_utf8(text.substr(0, bytes))) ++bytes;
    const bool good = base::is_utf8(text.substr(0, bytes));
    out += good ? text.substr(0, bytes) : "\xef\xbf\xbd";
    text.remove_prefix(good ? bytes : 1);
  }
  return out;
}

/// "failed: its disk is full".
std::string state_of(const task::Task& task) {
  return std::string(name(task.state())) + (task.reason().empty() ? "" : ": ") + base::printable(task.reason());
}

/// The lines of both streams, each with the arrival time of its end.
class Lines {
 public:
  /// `member`: the name of the array's member; empty for a task.
  Lines(std::ostream& out, std::string member) : out_(out), member_(std::move(member)) {}

  void take(wire::TaskText::Reader text) {
    if (text.getBytes().size() == 0) return;
    if (text.getToken() != attempt_) end();
    attempt_ = text.getToken();
    auto& [rest, time] = streams_[text.getPart()];
    rest += base::as_text(bytes_of(text.getBytes()));
    std::size_t begin = 0;
    for (std::size_t end = rest.find('\n'); end != rest.npos; end = rest.find('\n', begin)) {
      print(text.getPart(), text.getTimeMs(), rest.substr(begin, end - begin));
      begin = end + 1;
    }
    rest.erase(0, begin);
    time = text.getTimeMs();
    constexpr std::size_t kLineMax = 1u << 20;  // our choice: longer lines are shown in parts
    if (rest.size() >= kLineMax) print(text.getPart(), time, std::exchange(rest, {}));
  }
  void end() {
    for (auto& [part, stream] : streams_)
      if (!stream.rest.empty()) print(part, stream.time, std::exchange(stream.rest, {}));
  }

 private:
  void print(std::uint16_t part, std::uint64_t time, const std::string& text) {
    JsonLine<output::wire::TaskLine> line;
    line->setTime(time);
    line->setStream(part == task::kStandardPart ? "stdout" : "stderr");
    line->setText(shown(text));
    line->setAttempt(attempt_);
    if (!member_.empty()) line->setMember(member_);
    line.print(out_);
  }

  std::ostream& out_;
  const std::string member_;
  std::uint64_t attempt_ = 0;
  struct Stream {
    std::string rest;  ///< of an unfinished line
    std::uint64_t time = 0;
  };
  std::map<std::uint16_t, Stream> streams_;
};

/// The files of `task result -o DIR`. Each gets its name once all files are complete.
class Folder {
 public:
  Folder(std::filesystem::path at, Client& client)
      : at_(std::move(at)), wait_([&client](int descriptor) -> Client::Outcome<void> {
          const auto ready = client.wait_for(descriptor, os::Waker::Want::writing);
          if (!ready.ok()) return ready.error();
          return {};
        }) {}

  Client::Outcome<void> add(const std::string& path) {
    std::error_code failed;
    const auto to = at_ / path;
    std::filesystem::create_directories(to.parent_path(), failed);
    if (failed)
      return Failure{
          {Code::refused, "the folder " + to.parent_path().string() + " cannot be created: " + failed.message()},
          "nothing was written"};
    auto target = FileTarget::open(to.string());
    if (!target.ok()) return target.error();
    files_.emplace(path, std::move(target).value());
    return {};
  }
  Client::Outcome<void> write(const std::string& path, base::ByteView bytes) {
    if (!files_.contains(path))
      if (auto added = add(path); !added.ok()) return added.error();
    return files_.at(path).write(bytes, wait_);
  }
  Client::Outcome<void> commit() {
    for (auto& [path, file] : files_)
      if (auto done = file.commit(); !done.ok()) return done.error();
    return {};
  }

 private:
  const std::filesystem::path at_;
  FileTarget::WaitForRoom wait_;
  std::map<std::string, FileTarget> files_;
};

Ending result_to(Client& client, const task::TaskId& id, const std::string& directory, bool wait) {
  Folder folder(directory, client);
  std::optional<task::Order> order;
  const auto named = [&](std::uint16_t part) -> std::optional<std::string> {
    if (part == task::kStandardPart) return "stdout";
    if (part == task::kErrorsPart) return "stderr";
    if (part < order->outputs.size()) return order->outputs[part];
    return std::nullopt;
  };
  const auto put = [&](wire::TaskText::Reader text) -> Client::Outcome<void> {
    if (!order) {  // the outputs get names once the folder is complete
      auto shown = tasks::ask(client, id);
      if (!shown.ok()) return shown.error();
      order = std::move(shown.value().order);
    }
    const auto path = named(text.getPart());
    if (!path) return Failure{.error = {Code::corrupt, "the node sent an output that was not requested"}};
    return folder.write(*path, bytes_of(text.getBytes()));
  };
  const auto result = read(client, id, wire::TaskPart::RESULT, wait, put);
  if (!result.ok()) return result.error();
  for (const char* stream : {"stdout", "stderr"})  // also if nothing was printed
    if (auto made = folder.write(stream, {}); !made.ok()) return made.error();
  const auto errors =
      read(client, id, wire::TaskPart::LOG, false, [&](wire::TaskText::Reader text) -> Client::Outcome<void> {
        return text.getPart() == task::kErrorsPart ? put(text) : Client::Outcome<void>();
      });
  if (!errors.ok()) return errors.error();
  if (auto done = folder.commit(); !done.ok()) return done.error();
  return Exit::done;
}

}  // namespace

Ending tasks::wait_for(Client& client, Console& console, const task::TaskId& id) {
  const auto printed = print_standard(client, console, id, true);
  // A cancelled or expired task has no result: its state says so.
  if (!printed.ok() && printed.error().error.code != Code::conflict) return printed.error();
  const auto shown = ask(client, id);
  if (!shown.ok()) return shown.error();
  const task::Task& task = shown.value().task;
  if (task.state() == task::State::done) return Exit::done;
  return Failure{{Code::refused, "the task " + id.hex() + " is " + state_of(task)},
                 "its standard output was printed; its errors were not",
                 "troupe task logs " + id.hex(),
                 Exit::failed};
}

Ending tasks::wait_for_array(Client& client, Console& console, const task::TaskId& id) {
  const auto shown = ask_array(client, id);
  if (!shown.ok()) return shown.error();
  const std::uint32_t members = shown.value().array.members;
  std::uint32_t done = 0;
  for (std::uint32_t i = 0; i < members; ++i) {
    const task::TaskId member = id_of(shown.value().array.member(i));
    const Ending ending = wait_for(client, console, member);
    if (ending.ok()) {
      ++done;
      continue;
    }
    // Only a failed member is a result; any other failure ends the command.
    if (ending.error().exit != Exit::failed) return ending;
    console.err << "member " << i << ": " << base::printable(ending.error().error.message) << '\n';
  }
  if (done == members) return Exit::done;
  return Failure{{Code::refused, std::to_string(done) + " of " + std::to_string(members) + " members of array " +
                                     id.hex() + " are done"},
                 "the output of finished members was printed",
                 "troupe task ls",
                 done > 0 ? Exit::partly : Exit::failed};
}

namespace {

/// Calls `each` for each member of an array in order. Skips members that have no output.
Ending members_of(const tasks::ShownArray& shown, const task::TaskId& id, const char* passed_on,
                  const std::function<Ending(const task::TaskId& member, const std::string& name)>& each) {
  const std::uint32_t members = shown.array.members;
  std::uint32_t with = 0;
  for (std::uint32_t i = 0; i < members; ++i) {
    const Ending passed = each(id_of(shown.array.member(i)), id.hex() + '.' + std::to_string(i));
    with += passed.ok();
    const Code why = passed.ok() ? Code::conflict : passed.error().error.code;
    if (why != Code::conflict && why != Code::not_found) return passed;
  }
  if (with == members) return Exit::done;
  return Failure{{Code::conflict, std::to_string(with) + " of " + std::to_string(members) + " members have output"},
                 passed_on,
                 "troupe task view " + id.hex(),
                 with > 0 ? Exit::partly : Exit::refused};
}

/// Returns the array with that id, or nullopt if the id belongs to a task or is unknown.
Client::Outcome<std::optional<tasks::ShownArray>> array_named(Client& client, const tasks::Typed& typed) {
  if (typed.member) return std::optional<tasks::ShownArray>();
  auto shown = tasks::ask_array(client, typed.id);
  if (shown.ok()) return std::optional(std::move(shown).value());
  if (shown.error().error.code == Code::not_found) return std::optional<tasks::ShownArray>();
  return shown.error();
}

Ending log_of(Client& client, const Invocation& invocation, Console& console, const task::TaskId& id,
              const std::string& member) {
  Lines lines(console.out, member);
  Printed standard(console, console.out, console.out_is_terminal),
      errors(console, console.err, console.err_is_terminal);
  std::uint64_t attempt = 0;
  const auto ended = read(
      client, id, wire::TaskPart::LOG, invocation.has("-f"), [&](wire::TaskText::Reader text) -> Client::Outcome<void> {
        if (text.getBytes().size() == 0) return {};
        if (invocation.globals.json) {
          lines.take(text);
          console.out.flush();
          if (!console.out) return unwritten(console, "");
          return {};
        }
        if (attempt != 0 && attempt != text.getToken())
          console.err << "note: the previous attempt does not count; output of another attempt follows\n";
        attempt = text.getToken();
        return (text.getPart() == task::kStandardPart ? standard : errors).add(bytes_of(text.getBytes()));
      });
  lines.end();
  if (!ended.ok()) return ended.error();
  return Exit::done;
}

/// Prints the result on standard output. A failed program also has a result.
Ending print_result(Client& client, Console& console, const task::TaskId& id, bool wait) {
  const auto printed = print_standard(client, console, id, wait);
  if (!printed.ok()) return printed.error();
  return Exit::done;
}

/// Checks whether a member is done: its output does not show that.
Ending done_too(Client& client, Console& console, const task::TaskId& id, const std::string& member, Ending passed) {
  if (!passed.ok()) {
    console.err << "member " << member << ": " << base::printable(passed.error().error.message) << '\n';
    return passed;
  }
  const auto shown = tasks::ask(client, id);
  if (!shown.ok()) return shown.error();
  const task::Task& task = shown.value().task;
  if (task.state() == task::State::done) return passed;
  const std::string why = "it is " + state_of(task);
  console.err << "member " << member << ": " << base::printable(why) << '\n';
  return Failure{{Code::conflict, why}, ""};
}

Ending results_of(Client& client, Console& console, const tasks::ShownArray& array, const task::TaskId& id,
                  const std::optional<std::string>& directory, bool wait) {
  if (wait && !directory) return tasks::wait_for_array(client, console, id);
  return members_of(array, id, directory ? "the results were written" : "the output was printed",
                    [&](const task::TaskId& member, const std::string& name) {
                      const auto below = [&] { return *directory + '/' + name.substr(name.find('.') + 1); };
                      return done_too(client, console, member, name,
                                      directory ? result_to(client, member, below(), wait)
                                                : print_result(client, console, member, wait));
                    });
}

}  // namespace

Ending task_logs(const Invocation& invocation, Console& console) {
  const auto id = tasks::id_of(invocation);
  if (!id.ok()) return id.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto array = array_named(*client.value(), id.value());
  if (!array.ok()) return array.error();
  if (array.value())
    return members_of(*array.value(), id.value().id, "the output was printed",
                      [&](const task::TaskId& member, const std::string& name) {
                        return log_of(*client.value(), invocation, console, member, name);
                      });
  const auto known = tasks::resolve(*client.value(), id.value());
  if (!known.ok()) return known.error();
  return log_of(*client.value(), invocation, console, known.value(),
                id.value().member ? *invocation.text("ID") : std::string());
}

Ending task_result(const Invocation& invocation, Console& console) {
  const auto id = tasks::id_of(invocation);
  if (!id.ok()) return id.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const bool wait = invocation.has("--wait");
  const auto directory = invocation.text("-o");
  const auto array = array_named(*client.value(), id.value());
  if (!array.ok()) return array.error();
  if (array.value()) return results_of(*client.value(), console, *array.value(), id.value().id, directory, wait);
  const auto known = tasks::resolve(*client.value(), id.value());
  if (!known.ok()) return known.error();
  if (directory) return result_to(*client.value(), known.value(), *directory, wait);
  return print_result(*client.value(), console, known.value(), wait);
}

}  // namespace troupe::apps
