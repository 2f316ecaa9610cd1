#include "apps/bench/node_processes.hpp"

#include <capnp/serialize.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "actors/inspect/api.hpp"
#include "actors/peers/api.hpp"
#include "apps/bench/ask_once.hpp"
#include "apps/cli/directory_access.hpp"
#include "apps/cli/run.hpp"
#include "messages/codec.hpp"
#include "messages/peers.capnp.h"
#include "messages/raft.capnp.h"

namespace troupe::bench {
namespace {

namespace words = raft::wire;

constexpr std::chrono::seconds kNodeReadyMax{60};  // our choice: far longer than a first start takes
constexpr const char* kGroup = "bench";
constexpr const char* kLogs = "/raft/log";

Failure not_ready(const std::string& line) {
  return {{base::Code::unavailable, "a node printed \"" + line + "\" instead of ready"},
          "nothing was measured",
          "again",
          Exit::failed};
}

Failure failed(const base::Error& error) { return {error, "nothing was measured", "again", Exit::failed}; }

}  // namespace

Measurement<std::unique_ptr<NodeProcesses>> NodeProcesses::start(const apps::Commands& table,
                                                                 const ScratchFolder& folder, std::size_t nodes,
                                                                 std::vector<std::string> settings) {
  std::unique_ptr<NodeProcesses> out(new NodeProcesses(table, folder.path(), nodes, std::move(settings)));
  for (std::size_t node = 0; node < nodes; ++node) {
    auto process = out->keep(node);
    if (!process.ok()) return process.error();
    out->members_[node].process = std::move(process).value();
  }
  return out;
}

/// Its input: `kill`, or an address at which to start the node; the end of its input ends all.
Measurement<std::unique_ptr<SecondProcess>> NodeProcesses::keep(std::size_t node) {
  return SecondProcess::start([this, node](SecondProcess::Pipes& pipes) {
    pid_t child = -1;
    const auto end = [&](int signal) {
      if (child <= 0) return;
      ::kill(child, signal);
      ::waitpid(std::exchange(child, -1), nullptr, 0);
    };
    for (std::string told = "127.0.0.1:0"; !told.empty(); told = pipes.read_line()) {
      end(SIGKILL);
      if (told == "kill") continue;
      child = ::fork();
      if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        run(node, told, pipes);
        std::_Exit(0);
      }
    }
    end(SIGTERM);
  });
}

void NodeProcesses::run(std::size_t node, const std::string& listen, SecondProcess::Pipes& pipes) {
  pipes.write_line(std::to_string(::getpid()));
  std::ofstream out("/proc/self/fd/" + std::to_string(pipes.out.get()));
  std::ostringstream err;
  std::istringstream in;
  apps::Console console{out, err, in};
  std::vector<std::string> words{"node", "--data", data(node), "--listen", listen, "--set", "log.to=file"};
  for (const std::string& setting : settings_) words.insert(words.end(), {"--set", setting});
  if (apps::run(table_, words, console) != Exit::done) std::cerr << err.str() << std::flush;
}

Measurement<void> NodeProcesses::await_ready(os::Waker& waker, std::size_t node) {
  Member& member = members_[node];
  const auto process = member.process->line(waker, kNodeReadyMax);
  if (!process.ok()) return process.error();
  member.process_id = process.value();
  const auto line = member.process->line(waker, kNodeReadyMax);
  if (!line.ok()) return line.error();
  if (!line.value().starts_with("ready ") || line.value().size() < 48) return not_ready(line.value());
  member.id = line.value().substr(6, 40);
  member.at = line.value().substr(47);
  return {};
}

void NodeProcesses::kill(std::size_t node) { members_[node].process->tell("kill"); }

Measurement<void> NodeProcesses::restart(os::Waker& waker, std::size_t node) {
  members_[node].process->tell(members_[node].at);
  return await_ready(waker, node);
}

std::uint64_t NodeProcesses::resident_bytes_max() const {
  std::uint64_t out = 0;
  for (const Member& member : members_) {
    std::ifstream statm("/proc/" + member.process_id + "/statm");
    std::uint64_t all = 0, resident = 0;
    statm >> all >> resident;
    out = std::max(out, resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
  }
  return out;
}

double NodeProcesses::cpu_seconds(std::size_t node) const {
  // Nanoseconds on a processor: proc(5), schedstat; for each thread separately.
  double out = 0;
  std::error_code none;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/" + members_[node].process_id + "/task", none)) {
    std::ifstream stat(thread.path() / "schedstat");
    double ran = 0;
    stat >> ran;
    out += ran / 1e9;
  }
  return out;
}

std::shared_ptr<net::Link> NodeProcesses::link(std::size_t node) {
  Member& member = members_[node];
  if (!member.link || member.link->end())
    member.link = pool_->dial_local("k" + std::to_string(node) + '/' + apps::kControlSocket);
  return member.link;
}

runtime::Handle NodeProcesses::member(std::size_t node) { return link(node)->proxy(raft::path_of(kGroup)); }

Measurement<void> NodeProcesses::begin(os::Waker& waker, Runner& runner) {
  for (std::size_t node = 0; node < members_.size(); ++node)
    if (auto ready = await_ready(waker, node); !ready.ok()) return ready;
  net::NetSetup setup = loopback_setup(members_.size());
  setup.role = messages::Role::operate;
  pool_ = std::make_shared<net::Pool>(runner.node(), setup);
  return {};
}

Measurement<void> NodeProcesses::connect(Runner& runner, std::size_t from, std::size_t to) {
  const std::string target = address(to);
  const auto linked = ask_once<peers::wire::ConnectPeer, peers::wire::Connected>(
      runner, service(from, peers::kPath), [&target](peers::wire::ConnectPeer::Builder out) { out.setTarget(target); });
  if (!linked.ok()) return linked.error();
  // They may have connected by themselves.
  if (!linked.value().ok() && linked.value().error().code != base::Code::conflict)
    return failed(linked.value().error());
  return {};
}

Measurement<void> NodeProcesses::make_group(os::Waker& waker, Runner& runner) {
  if (auto begun = begin(waker, runner); !begun.ok()) return begun;
  const auto made = ask_once<words::InitGroup, words::GroupMade>(
      runner, link(0)->proxy(raft::kPath), [this](words::InitGroup::Builder out) {
        out.setGroup(kGroup);
        auto list = out.initMembers(static_cast<unsigned>(members_.size()));
        for (unsigned i = 0; i < list.size(); ++i) {
          list[i].setNode(data_of(base::NodeId::from_hex(members_[i].id)->view()));
          list[i].setEndpoint(members_[i].at);
        }
      });
  if (!made.ok()) return made.error();
  if (!made.value().ok()) return failed(made.value().error());
  const auto leads = leader(runner);
  if (!leads.ok()) return leads.error();
  return {};
}

Measurement<std::size_t> NodeProcesses::leader(Runner& runner) {
  const base::Instant due = runner.now() + kAskedMax;
  while (runner.now() < due) {
    for (std::size_t node = 0; node < members_.size(); ++node) {
      const auto status =
          ask_once<words::GetGroup, words::GroupStatus>(runner, member(node), [](words::GetGroup::Builder) {});
      if (!status.ok()) return status.error();
      if (!status.value().ok()) continue;
      runtime::Envelope::Reading<words::GroupStatus> reading(status.value().value());
      if (text_of(reading.root().getRole()) == "leader") return node;
    }
    if (auto paused = runner.pause(std::chrono::milliseconds(20)); !paused.ok()) return paused.error();
  }
  return failed({base::Code::timeout, "the group has no leader"});
}

Measurement<std::uint64_t> NodeProcesses::log_syncs(Runner& runner, std::size_t node) {
  using Look = inspect::wire::LookAt;
  using Seen = inspect::wire::Looked;
  const auto looked =
      ask_once<Look, Seen>(runner, service(node, inspect::kPath), [](Look::Builder out) { out.setPath(kLogs); });
  if (!looked.ok()) return looked.error();
  if (!looked.value().ok()) return failed(looked.value().error());
  runtime::Envelope::Reading<Seen> reading(looked.value().value());
  const auto bytes = reading.root().getPortrait().getState();
  if (bytes.size() == 0) return failed({base::Code::timeout, "the logs of a node do not report their syncs"});
  auto flat = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
  std::memcpy(flat.begin(), bytes.begin(), flat.asBytes().size());
  capnp::FlatArrayMessageReader state(flat);
  return state.getRoot<words::LogState>().getSyncs();
}

}  // namespace troupe::bench
