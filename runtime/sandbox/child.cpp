#include "runtime/sandbox/child.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "runtime/sandbox/passed.hpp"

namespace troupe::sandbox {
namespace {

// The init's descriptors, once no others are open.
constexpr int kTalk = 3, kHand = 4, kBadness = 5;

// libc's setresuid() and similar functions notify all threads of the process, which the copy does not have.
template <class... Arguments>
long call(long number, Arguments... arguments) {
  return ::syscall(number, arguments...);
}

void send(int talk, const Report& report, std::span<const int> descriptors = {}) {
  iovec part{const_cast<Report*>(&report), sizeof report};
  alignas(cmsghdr) char control[CMSG_SPACE(kHostsMax * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* const head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(head), descriptors.data(), descriptors.size_bytes());
  }
  [[maybe_unused]] const auto sent =
      ::sendmsg(talk, &message, MSG_NOSIGNAL);  // if the parent is gone, no report is needed
}

[[noreturn]] void fail(int talk, Stage stage, int error, int index = 0) {
  send(talk, {.kind = Report::Kind::failed, .stage = stage, .index = index, .error = error});
  ::_exit(1);
}

// The parent may have died before PR_SET_PDEATHSIG was set: then the socket is at its end.
void await(int talk, char word) {
  char heard = 0;
  ssize_t got = 0;
  do got = ::recv(talk, &heard, 1, 0);
  while (got < 0 && errno == EINTR);
  if (got != 1 || heard != word) fail(talk, Stage::parent, got < 0 ? errno : 0);
}

bool take_id(std::uint32_t id) { return call(SYS_setresgid, id, id, id) == 0 && call(SYS_setresuid, id, id, id) == 0; }

bool write_at(int file, const char* text) { return ::write(file, text, std::strlen(text)) >= 0; }

/// Shows `from` at `to` with these attributes; a folder with everything mounted below it.
bool bind(const char* from, const char* to, std::uint64_t attributes, unsigned recursive) {
  const int tree = ::open_tree(AT_FDCWD, from, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive);
  if (tree < 0) return false;
  mount_attr wanted{};
  wanted.attr_set = attributes;
  const bool done =
      (attributes == 0 || ::mount_setattr(tree, "", AT_EMPTY_PATH | recursive, &wanted, sizeof wanted) == 0) &&
      ::move_mount(tree, "", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH) == 0;
  const int error = errno;
  ::close(tree);
  errno = error;
  return done;
}

bool make_file(const char* to) {
  const int file = ::open(to, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0444);
  if (file >= 0) ::close(file);
  return file >= 0;
}

bool write_file(const char* to, std::string_view text) {
  const int file = ::open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0444);
  if (file < 0) return false;
  const bool done = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(file);
  return done;
}

bool perform(Step::Kind kind, const char* from, const char* to, int tree, Ids ids) {
  using Kind = Step::Kind;
  constexpr std::uint64_t kReadOnly = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID;
  switch (kind) {
    case Kind::folder: return ::mkdir(to, 0755) == 0 || errno == EEXIST;
    case Kind::file: return make_file(to);
    case Kind::text: return write_file(to, from);
    case Kind::link: return ::symlink(from, to) == 0;
    case Kind::bind:
      if (tree >= 0) return ::move_mount(tree, "", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH) == 0;
      return bind(from, to, kReadOnly | MOUNT_ATTR_NODEV, AT_RECURSIVE);
    case Kind::device: return bind(from, to, kReadOnly | MOUNT_ATTR_NOEXEC, 0);
    case Kind::process:
      return ::mount("proc", to, "proc", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "subset=pid,hidepid=2") == 0;
    case Kind::disk: return ::mount("tmpfs", to, "tmpfs", MS_NOSUID | MS_NODEV, from) == 0;
    case Kind::shift: return bind(from, to, 0, 0);
    case Kind::give_all: return ::chmod(to, 01777) == 0;
    case Kind::give: return ids == Ids::one || ::chown(to, kProgramId, kProgramId) == 0;
    case Kind::seal: {
      mount_attr wanted{};
      wanted.attr_set = kReadOnly | MOUNT_ATTR_NODEV;
      return ::mount_setattr(AT_FDCWD, to, 0, &wanted, sizeof wanted) == 0;
    }
  }
  return false;
}

/// Makes an empty file system in memory, mounted over the root of the host: paths still start at the host's root.
int new_root() {
  const int made = ::fsopen("tmpfs", FSOPEN_CLOEXEC);
  if (made < 0) return -1;
  ::fsconfig(made, FSCONFIG_SET_STRING, "mode", "0755", 0);
  ::fsconfig(made, FSCONFIG_SET_STRING, "size", "1m", 0);
  if (::fsconfig(made, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return -1;
  const int root = ::fsmount(made, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
  ::close(made);
  if (root < 0 || ::move_mount(root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) != 0 || ::fchdir(root) != 0) return -1;
  return root;
}

void build_tree(const Plan& plan) {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) fail(plan.talk, Stage::mounts, errno);
  const int root = new_root();
  if (root < 0) fail(plan.talk, Stage::mounts, errno);
  int index = 0;
  for (const Step& step : plan.steps) {
    if (!perform(step.kind, step.from.c_str(), step.to.c_str(), plan.trees[static_cast<std::size_t>(index)], plan.ids))
      fail(plan.talk, Stage::tree, errno, index);
    ++index;
  }
  ::close(root);
  // The old root is now mounted over the new root; it is unmounted.
  if (call(SYS_pivot_root, ".", ".") != 0 || ::umount2(".", MNT_DETACH) != 0 || ::chdir("/") != 0)
    fail(plan.talk, Stage::root, errno);
}

bool bring_up_loopback() {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return errno == EAFNOSUPPORT;  // a kernel without IPv4
  ifreq request{};
  std::memcpy(request.ifr_name, "lo", 3);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const bool done = ::ioctl(socket, SIOCSIFFLAGS, &request) == 0;
  const int error = errno;
  ::close(socket);
  errno = error;
  return done;
}

/// Adds an address to the loopback, unless it is in 127.0.0.0/8, which the loopback has.
bool add_address(const base::Endpoint& at, int number) {
  if (at.is_loopback()) return true;
  const int socket = ::socket(at.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return false;
  bool done = false;
  if (at.is_v4()) {
    ifreq request{};
    std::memcpy(request.ifr_name, "lo:", 3);
    request.ifr_name[3] = static_cast<char>('a' + number);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    std::memcpy(&address.sin_addr, at.address.data() + 12, sizeof address.sin_addr);
    std::memcpy(&request.ifr_addr, &address, sizeof address);
    done = ::ioctl(socket, SIOCSIFADDR, &request) == 0;
    std::memset(&address.sin_addr, 0xff, sizeof address.sin_addr);
    std::memcpy(&request.ifr_netmask, &address, sizeof address);
    done = done && ::ioctl(socket, SIOCSIFNETMASK, &request) == 0;
  } else {
    struct {  // in6_ifreq, whose header conflicts with libc's
      in6_addr address;
      std::uint32_t prefix;
      int interface;
    } request{{}, 128, 1};
    std::memcpy(&request.address, at.address.data(), sizeof request.address);
    done = ::ioctl(socket, SIOCSIFADDR, &request) == 0 || errno == EEXIST;
  }
  const int error = errno;
  ::close(socket);
  errno = error;
  return done;
}

int listen_at(const base::Endpoint& at) {
  const bool v4 = at.is_v4();
  const int socket = ::socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return -1;
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_port = htons(at.port);
  std::memcpy(&four.sin_addr, at.address.data() + 12, sizeof four.sin_addr);
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(at.port);
  std::memcpy(&six.sin6_addr, at.address.data(), sizeof six.sin6_addr);
  const int bound = v4 ? ::bind(socket, reinterpret_cast<const sockaddr*>(&four), sizeof four)
                       : ::bind(socket, reinterpret_cast<const sockaddr*>(&six), sizeof six);
  constexpr int kWaitingMax = 16;
  if (bound == 0 && ::listen(socket, kWaitingMax) == 0) return socket;
  const int error = errno;
  ::close(socket);
  errno = error;
  return -1;
}

/// Listens for connections to the granted hosts, and passes the sockets to the parent; keeps none.
void listen_for_hosts(const Plan& plan) {
  if (plan.listens.empty()) return;
  std::array<int, kHostsMax> sockets{};
  std::size_t made = 0;
  for (const base::Endpoint& at : plan.listens) {
    if (!add_address(at, static_cast<int>(made)) || (sockets[made] = listen_at(at)) < 0)
      fail(plan.talk, Stage::network, errno);
    ++made;
  }
  const std::span<const int> all = std::span(sockets).first(made);
  send(plan.talk, {.kind = Report::Kind::listens}, all);
  for (const int one : all) ::close(one);
}

// Otherwise a TCP socket's buffers grow to some MiB, which no cgroup of v1 counts and no watcher sees. If /proc is not
// writable, the kernel's defaults hold.
void narrow_sockets() {
  struct Setting {
    const char *path, *value;
  };
  constexpr Setting kNarrow[] = {{"/proc/sys/net/ipv4/tcp_rmem", "4096 65536 212992"},
                                 {"/proc/sys/net/ipv4/tcp_wmem", "4096 65536 212992"},
                                 {"/proc/sys/net/ipv4/tcp_max_tw_buckets", "1024"},
                                 {"/proc/sys/net/core/somaxconn", "128"},
                                 {"/proc/sys/net/core/optmem_max", "4096"}};  // per namespace since Linux 6.7
  for (const Setting& one : kNarrow) {
    const int file = ::open(one.path, O_WRONLY | O_CLOEXEC);
    if (file < 0) continue;
    write_at(file, one.value);
    ::close(file);
  }
}

bool name_itself() {
  constexpr char kName[] = "sandbox";
  // Inside, the sandbox's cgroup is the root of all visible cgroups. A kernel without cgroup namespaces has none to
  // hide.
  if (::unshare(CLONE_NEWCGROUP) != 0 && errno != EINVAL) return false;
  return ::sethostname(kName, sizeof kName - 1) == 0;
}

bool forgo_capabilities_of_programs() {
  constexpr int kBits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                        SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
  constexpr int kCapabilitiesMax = 64;
  if (::prctl(PR_SET_SECUREBITS, kBits, 0, 0, 0) != 0) return false;
  for (int one = 0; one < kCapabilitiesMax; ++one)
    if (::prctl(PR_CAPBSET_DROP, one, 0, 0, 0) != 0)
      return errno == EINVAL && one > 0;  // this capability does not exist
  return true;
}

bool forgo_capabilities(std::uint32_t but = 0) {
  __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct left[_LINUX_CAPABILITY_U32S_3] = {};
  left[0].effective = left[0].permitted = but;
  return call(SYS_capset, &head, left) == 0;
}

/// Moves `descriptor` to `number`, and closes the original.
bool move_to(int descriptor, int number) {
  if (descriptor == number) return true;
  const bool done = ::dup3(descriptor, number, O_CLOEXEC) == number;
  ::close(descriptor);
  return done;
}

/// The texts of an order, one after the other; null after the last.
class Texts {
 public:
  Texts(std::span<char> bytes, std::span<char*> pointers) : bytes_(bytes), pointers_(pointers) {}

  char* next() {
    const auto end = std::find(bytes_.begin(), bytes_.end(), '\0');
    if (end == bytes_.end()) return nullptr;
    char* const out = bytes_.data();
    bytes_ = bytes_.subspan(static_cast<std::size_t>(end - bytes_.begin()) + 1);
    return out;
  }
  /// Returns a list ended by null; null if there are not enough texts, or not enough space for their pointers.
  char** list(std::uint32_t count) {
    if (count >= pointers_.size()) return nullptr;
    char** const out = pointers_.data();
    for (std::uint32_t i = 0; i < count; ++i)
      if ((out[i] = next()) == nullptr) return nullptr;
    out[count] = nullptr;
    pointers_ = pointers_.subspan(std::size_t{count} + 1);
    return out;
  }

 private:
  std::span<char> bytes_;
  std::span<char*> pointers_;
};

struct Parts {
  ssize_t bytes = 0;  ///< below 0: there is no packet
  std::size_t descriptors = 0;
};

/// Receives the next packet, truncated to the given space.
Parts receive(int from, std::span<char> bytes, std::span<int> descriptors, int flags) {
  iovec part{bytes.data(), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE((1 + kOrderStreams + kOrderTreesMax) * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
  Parts out;
  do out.bytes = ::recvmsg(from, &message, flags);
  while (out.bytes < 0 && errno == EINTR);
  if (const cmsghdr* const head = CMSG_FIRSTHDR(&message); head != nullptr && head->cmsg_type == SCM_RIGHTS) {
    out.descriptors = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    std::memcpy(descriptors.data(), CMSG_DATA(head), std::min(out.descriptors, descriptors.size()) * sizeof(int));
  }
  return out;
}

/// Prepared except for the program, which comes with the next packet. No descriptor of the parent is open until then.
void await_order(Plan& plan) {
  int parts[1 + kOrderStreams + kOrderTreesMax];
  const auto [got, passed] = receive(plan.talk, plan.order, parts, MSG_CMSG_CLOEXEC);
  OrderHead head;
  if (got < static_cast<ssize_t>(sizeof head) || passed < kOrderStreams) fail(plan.talk, Stage::parent, 0);
  std::memcpy(&head, plan.order.data(), sizeof head);
  for (std::size_t i = 0; i < kOrderStreams; ++i) plan.streams[i] = parts[i];
  Texts texts(plan.order.subspan(sizeof head, static_cast<std::size_t>(got) - sizeof head), plan.texts);
  plan.directory = texts.next();
  std::size_t tree = kOrderStreams;
  for (std::uint32_t i = 0; i < head.steps; ++i) {
    const char* const text = texts.next();
    if (text == nullptr) fail(plan.talk, Stage::parent, 0);
    const auto kind = static_cast<Step::Kind>(text[0] - mark_of(Step::Kind{}));
    const int shown = kind == Step::Kind::bind && tree < passed ? parts[tree++] : -1;
    if (!perform(kind, "", text + 1, shown, plan.ids))
      fail(plan.talk, Stage::tree, errno, static_cast<int>(plan.steps.size() + i));
  }
  plan.paths = texts.list(head.paths);
  plan.arguments = texts.list(head.arguments);
  plan.environment = texts.list(head.environment);
  if (!plan.directory || !plan.paths || !plan.arguments || !plan.environment) fail(plan.talk, Stage::parent, 0);
  await(plan.talk, kStreamsClosed);
}

/// Returns the descriptor from which a child takes the streams, or -1. From here on only the program's process has an
/// end of them. A program can keep a pipe locked for as long as it likes (splice(2), a page that does not arrive), and
/// a process that closes an end waits for that, even when it is killed.
int hand_over(const std::array<int, 3>& streams) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return -1;
  const char byte = 0;
  const bool passed = pass(ends[0], base::ByteView(reinterpret_cast<const std::uint8_t*>(&byte), 1), streams);
  ::close(ends[0]);
  return passed ? ends[1] : -1;
}

/// They become 0 to 2, the lowest free numbers.
bool take_streams(int from) {
  char byte = 0;
  int streams[3] = {};
  const auto [got, passed] = receive(from, std::span(&byte, 1), streams, 0);
  return got == 1 && passed == 3 && ::fcntl(2, F_GETFD) == 0;
}

struct Start {
  const Plan* plan;
  Stage stage = Stage::process;
  int error = 0;
};

int not_started(Start& start, Stage stage) {
  start.error = errno;
  start.stage = stage;
  return 1;
}

/// Runs in the process that becomes the program. Until then it shares the memory of the init, which waits.
int start_program(void* argument) {
  Start& start = *static_cast<Start*>(argument);
  const Plan& plan = *start.plan;
  for (int signal = 1; signal < NSIG; ++signal)
    if (signal != SIGKILL && signal != SIGSTOP) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::umask(022);
  if (!take_streams(kHand) || ::setsid() < 0) return not_started(start, Stage::process);
  for (const ResourceLimit& limit : plan.limits) {
    const rlimit64 both{limit.soft, limit.hard};
    if (call(SYS_prlimit64, 0, limit.resource, &both, nullptr) != 0) return not_started(start, Stage::limits);
  }
  if (plan.niceness != 0 && call(SYS_setpriority, PRIO_PROCESS, 0, plan.niceness) != 0)
    return not_started(start, Stage::limits);
  if (plan.ids == Ids::two && !take_id(kProgramId)) return not_started(start, Stage::ids);
  if (!forgo_capabilities()) return not_started(start, Stage::rights);
  if (::chdir(plan.directory) != 0) return not_started(start, Stage::directory);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return not_started(start, Stage::rights);
  const sock_fprog filter{static_cast<unsigned short>(plan.filter.size()),
                          const_cast<sock_filter*>(plan.filter.data())};
  const unsigned flags = plan.guarded ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
  const long listener = call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
  if (listener < 0) return not_started(start, Stage::calls);
  if (plan.guarded) {
    const int guard = static_cast<int>(listener);
    send(plan.talk, {.kind = Report::Kind::guarded}, std::span(&guard, 1));
    ::close(guard);
  }
  if (plan.inside.run != nullptr) {
    call(SYS_close_range, plan.talk, ~0u, 0);
    ::_exit(plan.inside.run(plan.inside.argument));
  }
  // As execvp(3): a name that is missing or not permitted is searched in the next folder.
  int error = ENOENT;
  for (const char* const* path = plan.paths; *path != nullptr; ++path) {
    ::execve(*path, plan.arguments, plan.environment);
    if (errno == EACCES) error = EACCES;
    else if (errno != ENOENT && errno != ENOTDIR) error = errno;
    if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) break;
  }
  errno = error;
  return not_started(start, Stage::program);
}

/// Opens a separate /proc for the watcher. In the program's /proc, one call of the program can block all others
/// (getdents64(2) into a page that does not arrive). If the kernel lacks these calls, it is the program's /proc.
int open_own_proc() {
  const int file_system = ::fsopen("proc", FSOPEN_CLOEXEC);
  constexpr unsigned kAttributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  int mounted = -1;
  if (::fsconfig(file_system, FSCONFIG_SET_STRING, "subset", "pid", 0) == 0 &&
      ::fsconfig(file_system, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0)
    mounted = ::fsmount(file_system, FSMOUNT_CLOEXEC, kAttributes);
  const int out = mounted < 0 ? -1 : ::openat(mounted, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (mounted >= 0) ::close(mounted);
  if (file_system >= 0) ::close(file_system);
  return out >= 0 ? out : ::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/// Returns the number of the process that runs the program.
pid_t make_program(const Plan& plan) {
  Start start{&plan};
  pid_t program = -1;
  if (plan.inside.run != nullptr) {
    program = static_cast<pid_t>(call(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr));
    if (program == 0) {
      start_program(&start);
      fail(plan.talk, start.stage, start.error);
    }
  } else {
    // Copying all page tables takes longer than everything else here, and this copy would be discarded at once.
    program = ::clone(start_program, plan.stack.data() + plan.stack.size(), CLONE_VM | CLONE_VFORK | SIGCHLD, &start);
  }
  if (program < 0) fail(plan.talk, Stage::process, errno);
  if (start.error != 0) fail(plan.talk, start.stage, start.error);
  return program;
}

/// The kernel needs time to end namespaces. So the program's remaining processes are ended first, and the end can be
/// reported.
[[noreturn]] void reap_until_end_of(pid_t program, int talk) {
  int status = 0;
  for (;;) {
    const pid_t ended = ::waitpid(-1, &status, __WALL);
    if (ended == program || (ended < 0 && errno != EINTR)) break;
  }
  ::kill(-1, SIGKILL);  // all but this one
  while (::waitpid(-1, nullptr, __WALL) > 0 || errno == EINTR) continue;
  rusage own{}, all{};
  ::getrusage(RUSAGE_SELF, &own);
  ::getrusage(RUSAGE_CHILDREN, &all);
  std::int64_t spent = 0;
  for (const timeval& one : {own.ru_utime, own.ru_stime, all.ru_utime, all.ru_stime})
    spent += one.tv_sec * std::int64_t{1'000'000} + one.tv_usec;
  send(talk, {.kind = Report::Kind::ended,
              .signalled = WIFSIGNALED(status),
              .status = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
              .cpu_us = spent,
              .resident_kib_max = std::max(own.ru_maxrss, all.ru_maxrss)});
  // The last close of a disk frees it, which can take long. That must not be the parent, which keeps the disk open
  // until it has received this.
  char nothing = 0;
  while (::recv(talk, &nothing, 1, 0) < 0 && errno == EINTR) continue;
  ::_exit(0);
}

}  // namespace

void become_init(Plan plan) {
  // If memory runs out, the kernel must kill the program, not its init: the program keeps the first value, the init
  // gets the second.
  int badness = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  const bool first = badness >= 0 && write_at(badness, "1000");
  for (const int door : plan.doors)
    if (!write_at(door, "0")) fail(plan.talk, Stage::cgroup, errno);
  await(plan.talk, kMapped);
  if (plan.ids == Ids::two && (call(SYS_setgroups, 0, nullptr) != 0 || !take_id(kInitId)))
    fail(plan.talk, Stage::ids, errno);
  // After the id has changed, because that clears both.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  narrow_sockets();  // while the host's /proc, which shows a process its own network, is mounted
  build_tree(plan);
  if (!bring_up_loopback()) fail(plan.talk, Stage::network, errno);
  listen_for_hosts(plan);
  if (!forgo_capabilities_of_programs()) fail(plan.talk, Stage::rights, errno);
  if (!name_itself()) fail(plan.talk, Stage::names, errno);

  const int views[] = {open_own_proc(), ::open("/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (views[0] < 0 || views[1] < 0) fail(plan.talk, Stage::root, errno);
  send(plan.talk, {.kind = Report::Kind::made}, views);

  if (!plan.order.empty()) {
    int talk = ::fcntl(plan.talk, F_DUPFD_CLOEXEC, 10);
    const int own = first ? ::fcntl(badness, F_DUPFD_CLOEXEC, 10) : -1;
    if (talk < 0 || !move_to(talk, kTalk)) fail(plan.talk, Stage::process, errno);
    plan.talk = kTalk;
    badness = kBadness;
    if ((own >= 0 && !move_to(own, kBadness)) || call(SYS_close_range, kTalk + 1, kBadness - 1, 0) != 0 ||
        call(SYS_close_range, own >= 0 ? kBadness + 1 : kBadness, ~0u, 0) != 0)
      fail(kTalk, Stage::process, errno);
    await_order(plan);
  }

  // The streams may be any descriptors, and any others may be 0 to 2: first the descriptors that stay move above those.
  const int hand = hand_over(plan.streams), parts[] = {plan.talk, hand, first ? badness : plan.talk};
  int above[3];
  for (int i = 0; i < 3; ++i)
    if ((above[i] = ::fcntl(parts[i], F_DUPFD_CLOEXEC, 10)) < 0) fail(plan.talk, Stage::process, errno);
  const int talk = above[0];
  if (::dup3(above[0], kTalk, O_CLOEXEC) < 0 || ::dup3(above[1], kHand, O_CLOEXEC) < 0 ||
      ::dup3(above[2], kBadness, O_CLOEXEC) < 0 || call(SYS_close_range, kBadness + 1, ~0u, 0) != 0 ||
      call(SYS_close_range, 0, kTalk - 1, 0) != 0)
    fail(talk, Stage::process, errno);

  plan.talk = kTalk;
  const pid_t program = make_program(plan);
  ::close(kHand);
  if (first) write_at(kBadness, "0");
  constexpr std::uint32_t kMayEnd = 1u << CAP_KILL;  // processes inside have another id
  forgo_capabilities(kMayEnd);
  reap_until_end_of(program, kTalk);
}

}  // namespace troupe::sandbox
