#include "apps/bench/file_processes.hpp"

#include <signal.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "apps/cli/run.hpp"
#include "runtime/os/clock.hpp"

namespace troupe::bench {
namespace {

constexpr std::chrono::seconds kReadyMax{60};  // our choice: far longer than a first start takes
const std::string kDone = "done";

/// Runs a command as a separate process would; without an environment, so that no setting of the caller is measured.
/// Passes on the errors of a failure, but not the hints of a success.
Exit run_command(const apps::Commands& table, const std::vector<std::string>& arguments, std::ostream& out) {
  std::ostringstream err;
  std::istringstream in;
  apps::Console console{out, err, in};
  const Exit exit = apps::run(table, arguments, console);
  if (exit != Exit::done) std::cerr << err.str() << std::flush;
  return exit;
}

}  // namespace

Measurement<std::unique_ptr<FileProcesses>> FileProcesses::start(const apps::Commands& table,
                                                                 const ScratchFolder& folder, const std::string& file) {
  const std::string data = folder.path() + "/node";
  auto node = SecondProcess::start([&](SecondProcess::Pipes& pipes) {
    std::ofstream out("/proc/self/fd/" + std::to_string(pipes.out.get()));
    run_command(table, {"node", "--data", data, "--listen", "127.0.0.1:0", "--set", "log.to=file"}, out);
  });
  if (!node.ok()) return node.error();
  auto command = SecondProcess::start([&](SecondProcess::Pipes& pipes) {
    if (pipes.read_line().empty()) return;
    std::ostringstream out;
    const Exit exit = run_command(table, {"file", "put", file, "--replicas", "1", "--data", data}, out);
    pipes.write_line(exit == Exit::done ? kDone : "exit " + std::to_string(static_cast<int>(exit)));
  });
  if (!command.ok()) {
    node.value()->send(SIGTERM);  // it does not read its input
    return command.error();
  }
  return std::unique_ptr<FileProcesses>(new FileProcesses(data, std::move(node).value(), std::move(command).value()));
}

FileProcesses::~FileProcesses() { end(); }

void FileProcesses::end() {
  command_.reset();
  if (node_) node_->send(SIGTERM);
  node_.reset();
  std::error_code left_behind;  // removed with the folder
  std::filesystem::remove_all(data_, left_behind);
}

Measurement<Figure> FileProcesses::measure(os::Waker& waker, std::uint64_t bytes, base::Duration at_most) {
  const auto ready = node_->line(waker, kReadyMax);
  if (!ready.ok()) return ready.error();
  os::Clock clock;
  const base::Instant begun = clock.now();
  command_->tell("put");
  const auto done = command_->line(waker, at_most);
  if (!done.ok()) return done.error();
  const base::Duration took = clock.now() - begun;
  Figure figure{.what = "file.put", .delays = {took}, .errors = done.value() == kDone ? 0u : 1u};
  figure.mib_per_second =
      static_cast<double>(bytes) / static_cast<double>(1 << 20) / std::chrono::duration<double>(took).count();
  end();
  return figure;
}

}  // namespace troupe::bench
