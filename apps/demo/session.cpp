#include "apps/demo/session.hpp"

#include <signal.h>
#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "apps/cli/file_source.hpp"
#include "apps/cli/terminal.hpp"

namespace troupe::apps {
namespace {

// Our choices: far longer than a slow machine needs, so that a hanging demo ends by itself.
constexpr std::chrono::seconds kNodeReady{60};
constexpr std::chrono::seconds kNodeEnd{10};
constexpr std::chrono::minutes kCommand{10};
constexpr std::chrono::milliseconds kPause{100};

std::string shown(const Words& words) { return joined(words, " "); }

}  // namespace

DemoSession::Outcome<DemoSession> DemoSession::make(std::string program, const std::string& temporary,
                                                    std::ostream& shown) {
  std::string directory = temporary + "/troupe-demo-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr)
    return Failure{system_error("cannot make a directory in " + temporary, errno), "nothing was started",
                   "TMPDIR=ANOTHER-DIR troupe demo", Exit::failed};
  return DemoSession(std::move(program), std::move(directory), shown);
}

DemoSession::DemoSession(std::string program, std::string directory, std::ostream& shown)
    : program_(std::move(program)),
      directory_(std::move(directory)),
      shown_(&shown),
      attention_(std::make_unique<Attention>(std::initializer_list<int>{SIGINT, SIGTERM})) {}

DemoSession::~DemoSession() {
  std::error_code left_behind;
  if (attention_) std::filesystem::remove_all(directory_, left_behind);
}

void DemoSession::say(const std::string& what) { *shown_ << "\n# " << what << std::endl; }
void DemoSession::show(const std::string& command) { *shown_ << "$ " << command << std::endl; }
void DemoSession::show_output(const std::string& text) { *shown_ << text << std::flush; }

DemoSession::Outcome<std::string> DemoSession::run(const Words& words) {
  show(shown(words));
  auto output = ask(words);
  if (output.ok()) show_output(output.value());
  return output;
}

DemoSession::Outcome<std::string> DemoSession::ask(const Words& words) {
  auto child = Child::start({.arguments = resolved(words), .directory = directory_});
  if (!child.ok()) return Failure{child.error(), "", "", Exit::failed};
  return output(child.value(), '"' + shown(words) + '"');
}

DemoSession::Outcome<void> DemoSession::foreground(const Words& words) {
  show(shown(words));
  auto child = Child::start({.arguments = resolved(words), .directory = directory_, .terminal = true});
  if (!child.ok()) return Failure{child.error(), "", "", Exit::failed};
  std::optional<int> ended;
  // A signal is meant for the command: Ctrl-C reaches it anyway, and it restores the terminal before it ends.
  while (!(ended = child.value().wait(*attention_, std::chrono::hours{24})))
    if (const auto signal = attention_->take(); signal && *signal != SIGINT) child.value().send(*signal);
  if (*ended != 0) return failure(shown(words) + " ended with " + std::to_string(*ended));
  return {};
}

DemoSession::Outcome<Child> DemoSession::begin(const Words& words) {
  show(shown(words) + " &");
  auto child = Child::start({.arguments = resolved(words), .directory = directory_});
  if (!child.ok()) return Failure{child.error(), "", "", Exit::failed};
  return std::move(child).value();
}

DemoSession::Outcome<void> DemoSession::rest(Child& command) {
  const auto text = output(command, "a command in the background");
  if (!text.ok()) return text.error();
  show_output(text.value());
  return {};
}

DemoSession::Outcome<std::string> DemoSession::output(Child& command, const std::string& shown) {
  const auto output = command.rest(*attention_, kCommand);
  if (!output) return failure(shown + " did not end");
  const auto ended = command.wait(*attention_, kNodeEnd);
  if (!ended) return failure(shown + " did not end");
  if (*ended != 0) return failure(shown + " ended with " + std::to_string(*ended));
  return *output;
}

DemoSession::Outcome<DemoNode> DemoSession::start(const std::string& data, const Words& words) {
  Words command{"troupe", "node", "--data", data};
  command.insert(command.end(), words.begin(), words.end());
  show(shown(command) + " 2>" + data + ".log &");
  auto child = Child::start({.arguments = resolved(command),
                             .directory = directory_,
                             .errors = directory_ + '/' + data + ".log",
                             .apart = true});
  if (!child.ok()) return Failure{child.error(), "", "", Exit::failed};
  const auto line = child.value().line(*attention_, kNodeReady);
  const auto gap = line ? line->rfind(' ') : std::string::npos;
  constexpr std::string_view kReady = "ready ";
  if (!line || !line->starts_with(kReady) || gap <= kReady.size())
    return failure("the node " + data + " is not ready: see its log");
  show_output(*line + '\n');
  return DemoNode{data, line->substr(kReady.size(), gap - kReady.size()), line->substr(gap + 1),
                  std::move(child).value()};
}

DemoSession::Outcome<void> DemoSession::stop(DemoNode& node) {
  node.process.send(SIGTERM);
  const auto ended = node.process.wait(*attention_, kNodeEnd);
  if (!ended || *ended != 0) return failure("the node " + node.data + " did not shut down properly");
  return {};
}

void DemoSession::kill(DemoNode& node) {
  show("kill -9 " + std::to_string(node.process.id()));
  node.process.send(SIGKILL);
  node.process.wait(*attention_, kNodeEnd);
}

DemoSession::Outcome<void> DemoSession::pause() {
  if (!attention_->wait(kPause)) return failure("");
  return {};
}

Words DemoSession::resolved(const Words& words) const {
  Words out = words;
  if (out.front() == "troupe") out.front() = program_;
  return out;
}

Failure DemoSession::failure(const std::string& what) {
  const std::string gone = "the demo was stopped, and removed everything";
  if (attention_->take()) return {{base::Code::dropped, "interrupted"}, gone, {}, Exit::interrupted};
  // Their logs are removed with everything else: their last lines are more useful than a path.
  for (const auto& file : std::filesystem::directory_iterator(directory_)) {
    if (file.path().extension() != ".log") continue;
    std::ifstream log(file.path());
    std::string last, line;
    while (std::getline(log, line))
      if (!line.empty()) last = line;
    if (!last.empty()) say(file.path().filename().string() + " ends with: " + last);
  }
  return {{base::Code::internal, "the demo failed: " + what}, gone, {}, Exit::failed};
}

}  // namespace troupe::apps
