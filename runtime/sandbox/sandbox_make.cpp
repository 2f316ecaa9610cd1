// How a sandbox is made: the input of its process is prepared, then the process is created.
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <system_error>

#include "runtime/base/ensure.hpp"
#include "runtime/sandbox/filter.hpp"
#include "runtime/sandbox/hosts.hpp"
#include "runtime/sandbox/identity.hpp"
#include "runtime/sandbox/passed.hpp"
#include "runtime/sandbox/processes.hpp"
#include "runtime/sandbox/sandbox.hpp"

namespace troupe::sandbox {
namespace {

constexpr std::size_t kStackBytes = 64 << 10;  // for the few calls before execve(2)
constexpr std::uint64_t kNamespaceFlags =
    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
constexpr rlim_t kStackMax = rlim_t{64} << 20;
constexpr rlim_t kStackUsual = rlim_t{8} << 20;
constexpr rlim_t kLockedBytesMax = rlim_t{64} << 10;
constexpr rlim_t kSignalsMax = 1'024;
constexpr int kNiceMost = 19;  // setpriority(2)

// As fork(2), without libc's handlers: nothing in the new process may wait for a lock.
pid_t make_process(int cgroup, int& life) {
  if (cgroup >= 0) {
    clone_args arguments{};
    arguments.flags = kNamespaceFlags | CLONE_PIDFD | CLONE_INTO_CGROUP;
    arguments.pidfd = reinterpret_cast<std::uintptr_t>(&life);
    arguments.exit_signal = SIGCHLD;
    arguments.cgroup = static_cast<std::uint64_t>(cgroup);
    return static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments));
  }
  return static_cast<pid_t>(
      ::syscall(SYS_clone, kNamespaceFlags | CLONE_PIDFD | SIGCHLD, nullptr, &life, nullptr, nullptr));
}

NotMade no_namespaces(int error) {
  NotMade out{"the kernel does not let this user create namespaces: " + std::generic_category().message(error), ""};
  if (error == ENOSPC || error == EUSERS)
    out.advice = "sysctl -w user.max_user_namespaces=10000, if that limit is low here";
  else if (error == EPERM)
    out.advice = "as root; or sysctl -w kernel.unprivileged_userns_clone=1, unless a container forbids it";
  return out;
}

/// Shared mappings of /dev/zero hold memory that no process has mapped. /dev/full reads the same and cannot be mapped.
void forgo_shared_zeros(std::vector<Step>& steps) {
  for (Step& step : steps)
    if (step.from == "/dev/zero") step.from = "/dev/full";
}

std::vector<int> numbers_of(const std::vector<base::Descriptor>& descriptors) {
  std::vector<int> out;
  for (const auto& one : descriptors) out.push_back(one.get());
  return out;
}

std::vector<std::string> paths_of(const Spec& spec) {
  if (spec.command.empty()) return {};
  const std::string& program = spec.command.front();
  if (program.find('/') != program.npos) return {program};
  std::string_view folders = "/usr/local/bin:/usr/bin:/bin";
  for (const std::string_view one : spec.environment)
    if (one.starts_with("PATH=")) folders = one.substr(5);
  std::vector<std::string> out;
  for (std::size_t begin = 0; begin <= folders.size();) {
    const std::size_t end = std::min(folders.find(':', begin), folders.size());
    out.push_back(std::string(end > begin ? folders.substr(begin, end - begin) : ".") + '/' + program);
    begin = end + 1;
  }
  return out;
}

ResourceLimit lowered(int resource, rlim_t soft, rlim_t hard) {
  rlimit now{};
  ::getrlimit(static_cast<__rlimit_resource_t>(resource), &now);
  hard = std::min(hard, now.rlim_max);
  return {resource, std::min(soft, hard), hard};
}

/// If a user has more descriptors in flight between sockets than a sender may have open, that sender can pass none
/// (unix(7), ETOOMANYREFS). So a program with the launcher's user id gets half of the launcher's limit. Otherwise a
/// program that keeps all of them in flight would end all other sandboxes.
ResourceLimit files(const Limits& limits) {
  rlimit now{};
  ::getrlimit(RLIMIT_NOFILE, &now);
  const rlim_t most = std::min<rlim_t>(limits.files, std::max<rlim_t>(now.rlim_max / 2, kFilesMin));
  return lowered(RLIMIT_NOFILE, most, most);
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& one : texts) out.push_back(const_cast<char*>(one.c_str()));
  out.push_back(nullptr);
  return out;
}

}  // namespace

std::vector<std::string> default_environment() {
  return {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/task", "TMPDIR=/tmp",
          "LANG=C.UTF-8"};
}

base::Result<std::unique_ptr<Sandbox>, NotMade> Sandbox::start(const Spec& spec, Streams streams,
                                                               const CgroupPlaces& places, base::Instant now) {
  base::ensure(!spec.command.empty() || spec.inside.run != nullptr, "a sandbox has something to run");
  std::unique_ptr<Sandbox> out(new Sandbox(spec, now));
  if (const auto wrong = out->make(&streams, places)) return *wrong;
  return out;
}

base::Result<std::unique_ptr<Sandbox>, NotMade> Sandbox::make_ahead(const Spec& shape, const CgroupPlaces& places,
                                                                    base::Instant now) {
  std::unique_ptr<Sandbox> out(new Sandbox(shape, now));
  out->waits_ = true;
  if (const auto wrong = out->make(nullptr, places)) return *wrong;
  return out;
}

bool Sandbox::go(const Spec& spec, Streams& streams, base::Instant now) {
  base::ensure(waits_ && !spec.command.empty(), "a sandbox that waits is given a program, once");
  auto steps = disk_steps_of(spec);
  if (!steps.ok() || finished_ || ended_) return false;
  const auto order = write_order(spec, steps.value(), paths_of(spec));
  if (!order) return false;
  const auto trees = trees_of(steps.value());
  std::vector<int> passed;
  for (const base::Descriptor& one : streams) passed.push_back(one.get());
  for (std::size_t i = 0; i < trees.size(); ++i) {
    if (steps.value()[i].kind != Step::Kind::bind) continue;
    if (!trees[i].valid()) return false;
    passed.push_back(trees[i].get());
  }
  if (!pass(talk_.get(), *order, passed)) return false;
  streams = {};
  ::send(talk_.get(), &kStreamsClosed, 1, MSG_NOSIGNAL);  // if it has failed by then, its report says how
  steps_.insert(steps_.end(), steps.value().begin(), steps.value().end());
  spec_ = spec;
  if (!cgroup_.has(Controller::memory)) kills_.fill(kills_for_memory());
  started_ = now;
  watched_ = {};
  waits_ = false;
  return true;
}

std::optional<NotMade> Sandbox::make(Streams* streams, const CgroupPlaces& places) {
  if (spec_.hosts.size() > kHostsMax) return NotMade{"the sandbox could not be made: it names more than 16 hosts", ""};
  auto steps = steps_of(spec_);
  if (!steps.ok()) return NotMade{"the sandbox could not be made: " + steps.error(), ""};
  steps_ = std::move(steps).value();
  if (spec_.cgroups == Cgroups::where_possible) cgroup_ = Cgroup::make(places, spec_.group, spec_.limits);
  if (!cgroup_.has(Controller::memory)) forgo_shared_zeros(steps_);
  ids_ = mappable();
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return NotMade{
        "the sandbox could not be made: it could not create a socket: " + std::generic_category().message(errno), ""};
  talk_ = base::Descriptor(ends[0]);
  const base::Descriptor theirs(ends[1]);
  Plan plan;
  prepare(plan);
  plan.talk = theirs.get();
  if (streams != nullptr)
    for (std::size_t i = 0; i < streams->size(); ++i) plan.streams[i] = (*streams)[i].get();
  if (!cgroup_.has(Controller::memory)) kills_.fill(kills_for_memory());
  const auto doors = cgroup_.doors(), trees = trees_of(steps_);
  const auto door_numbers = numbers_of(doors), tree_numbers = numbers_of(trees);
  plan.doors = door_numbers;
  plan.trees = tree_numbers;
  int life = -1;
  init_ = make_process(cgroup_.folder(), life);
  if (init_ == 0) {
    ::close(ends[0]);
    become_init(plan);
  }
  if (init_ < 0) return no_namespaces(errno);
  life_ = base::Descriptor(life);
  if (streams != nullptr) *streams = {};
  return let_go();
}

/// Clones the sources of the binds among the steps, read-only. Root may show a folder that the ids inside may not read,
/// such as a private folder. Empty if this process may not mount.
std::vector<base::Descriptor> Sandbox::trees_of(const std::vector<Step>& steps) {
  std::vector<base::Descriptor> out(steps.size());
  if (ids_ != Ids::two) return out;
  for (std::size_t i = 0; i < steps.size(); ++i)
    if (steps[i].kind == Step::Kind::bind)
      out[i] = base::Descriptor(
          ::open_tree(AT_FDCWD, steps[i].from.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
  mount_attr wanted{};
  wanted.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  wanted.propagation = MS_PRIVATE;  // later mounts of the host are not visible
  for (base::Descriptor& tree : out)
    if (tree.valid() && ::mount_setattr(tree.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, &wanted, sizeof wanted) != 0)
      tree.reset();
  return out;
}

void Sandbox::prepare(Plan& plan) {
  paths_ = paths_of(spec_);
  for (const std::string& path : paths_) path_pointers_.push_back(path.c_str());
  path_pointers_.push_back(nullptr);
  argument_pointers_ = pointers(spec_.command);
  environment_pointers_ = pointers(spec_.environment);
  stack_.resize(kStackBytes);
  const bool counted = cgroup_.has(Controller::memory);
  limits_ = {lowered(RLIMIT_CORE, 1, 1),  // 0 would still start the program of kernel.core_pattern, outside
             files(spec_.limits),
             lowered(RLIMIT_MEMLOCK, kLockedBytesMax, kLockedBytesMax),
             lowered(RLIMIT_MSGQUEUE, 0, 0),
             lowered(RLIMIT_NICE, 0, 0),
             lowered(RLIMIT_RTPRIO, 0, 0),
             lowered(RLIMIT_SIGPENDING, kSignalsMax, kSignalsMax),
             lowered(RLIMIT_STACK, kStackUsual, kStackMax)};
  // The watcher ends a program that uses too much. Between two checks this limit keeps each process from taking all
  // memory.
  if (!counted) limits_.push_back(lowered(RLIMIT_DATA, 2 * spec_.limits.memory_bytes, 2 * spec_.limits.memory_bytes));
  if (!cgroup_.has(Controller::pids)) {
    const rlim_t processes = spec_.limits.pids + (ids_ == Ids::one ? 1 : 0);  // then the init has the same id
    limits_.push_back(lowered(RLIMIT_NPROC, processes, processes));
  }
  // Without a cgroup that limits cores, all other programs of the machine have priority.
  plan.niceness = cgroup_.has(Controller::cpu) ? 0 : kNiceMost;
  plan.ids = ids_;
  plan.steps = steps_;
  plan.paths = path_pointers_.data();
  plan.arguments = argument_pointers_.data();
  plan.environment = environment_pointers_.data();
  plan.directory = spec_.directory.c_str();
  plan.inside = spec_.inside;
  listens_ = inside_of(spec_.hosts);
  plan.listens = listens_;
  plan.limits = limits_;
  plan.filter = filter(counted ? Memory::counted : Memory::watched,
                       spec_.tripwires == Tripwires::yes ? Forbidden::reported : Forbidden::refused);
  plan.guarded = spec_.tripwires == Tripwires::yes;
  plan.stack = stack_;
  if (!waits_) return;
  order_.resize(kOrderBytesMax);
  texts_.resize(kOrderTextsMax);
  plan.order = order_;
  plan.texts = texts_;
}

std::optional<NotMade> Sandbox::let_go() {
  if (const auto mapped = map_ids(init_, ids_); !mapped.ok()) return NotMade{mapped.error(), ""};
  ::send(talk_.get(), &kMapped, 1, MSG_NOSIGNAL);  // if it has failed by then, its report says how
  return std::nullopt;
}

}  // namespace troupe::sandbox
