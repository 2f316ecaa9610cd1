// Prints a C++ source with the BPF programs of filter.hpp. Usage: filter_generator OUTPUT
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

// clang-format off
// Calls that act on the program's own memory, descriptors, files and processes. Each was reviewed; a new kernel adds
// none automatically. Names that this machine's ABI lacks are skipped.
constexpr const char* kAllowed[] = {
    // files by descriptor
    "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "preadv2", "pwritev2", "lseek",
    "close", "close_range", "dup", "dup2", "dup3", "pipe", "pipe2", "fstat", "ftruncate", "fallocate",
    "fchmod", "fchown", "fchdir", "getdents", "getdents64",
    "copy_file_range", "fgetxattr", "flistxattr", "fstatfs",
    // files by path
    "creat", "access", "faccessat", "faccessat2", "stat", "lstat", "newfstatat", "statx",
    "statfs", "readlink", "readlinkat", "getcwd", "chdir", "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat",
    "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "truncate", "chmod", "fchmodat",
    "fchmodat2", "chown", "lchown", "fchownat", "utime", "utimes", "utimensat", "futimesat", "umask", "getxattr",
    "lgetxattr", "listxattr", "llistxattr",
    "flock", "fadvise64", "readahead", "splice", "tee", "sendfile",
    // waiting
    "poll", "ppoll", "select", "pselect6", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait",
    "epoll_pwait2", "eventfd", "eventfd2", "signalfd", "signalfd4", "timerfd_create", "timerfd_settime",
    "timerfd_gettime",
    // memory
    "brk", "munmap", "mprotect", "mremap", "msync", "membarrier", "pkey_alloc", "pkey_free",
    "pkey_mprotect", "cachestat", "mseal", "madvise", "mincore", "mlock", "mlock2", "munlock", "mlockall", "munlockall",
    // processes and threads
    "fork", "vfork", "execve", "execveat", "exit", "exit_group", "wait4", "waitid", "getpid", "getppid", "gettid",
    "getpgid", "getpgrp", "setpgid", "getsid", "setsid", "getuid", "geteuid", "getgid", "getegid", "getresuid",
    "getresgid", "getgroups", "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid",
    "setfsgid", "setgroups", "capget", "capset", "set_tid_address", "set_robust_list", "get_robust_list", "futex",
    "futex_wake", "futex_wait", "futex_requeue", "futex_waitv", "rseq", "arch_prctl", "getcpu", "pidfd_open",
    "pidfd_send_signal", "sched_yield", "sched_getaffinity", "sched_getparam", "sched_getscheduler", "sched_getattr",
    "sched_get_priority_max", "sched_get_priority_min", "sched_rr_get_interval", "getpriority", "ioprio_get",
    "sched_setaffinity", "sched_setparam", "sched_setscheduler", "sched_setattr", "setpriority",
    "getrusage", "getrlimit", "times", "restart_syscall",
    // signals
    "kill", "tkill", "tgkill", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend", "rt_sigpending",
    "rt_sigtimedwait", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "sigaltstack", "pause", "alarm",
    // time and the machine
    "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "setitimer", "getitimer",
    "timer_create", "timer_settime", "timer_gettime", "timer_getoverrun", "timer_delete", "uname", "sysinfo", "getrandom",
    // sockets: socket() decides which types exist
    "bind", "connect", "listen", "accept", "accept4", "getsockname", "getpeername", "sendto", "recvfrom", "sendmsg",
    "recvmsg", "sendmmsg", "recvmmsg", "shutdown",
};

// These concern the whole machine: a program could keep its disks busy. The program's files are in memory, so the call
// succeeds without effect.
constexpr const char* kDoneAtOnce[] = {"sync", "syncfs", "fsync", "fdatasync", "sync_file_range"};

// Allowed if a cgroup counts: these calls keep memory that no process has mapped.
constexpr const char* kAllowedIfCounted[] = {
    "inotify_init", "inotify_init1", "inotify_add_watch", "inotify_rm_watch", "shmat", "shmdt", "shmctl", "semget",
    "semop", "semtimedop", "semctl", "msgget", "msgsnd", "msgrcv", "msgctl",
};

// No benign program makes these calls inside. Names, as tripwire_name() returns them.
constexpr const char* kTripwires[] = {
    "ptrace", "process_vm_readv", "process_vm_writev", "bpf", "mount", "umount2", "pivot_root", "move_mount",
    "open_tree", "fsopen", "fsmount", "fsconfig", "fspick", "mount_setattr", "setns", "unshare", "init_module",
    "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "open_by_handle_at",
};

// clang-format on

constexpr std::uint64_t kLow = 0xffff'ffff;  // the kernel reads only the lower half of these arguments

constexpr std::uint64_t kSocketType = 0xf;  // without SOCK_CLOEXEC and SOCK_NONBLOCK

constexpr std::uint64_t kNamespaces =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

// Requests for terminals, pipes, sockets and files. TIOCSTI and TIOCLINUX are excluded.
constexpr std::uint64_t kIoctls[] = {
    TCGETS, TIOCGWINSZ, TIOCGPGRP, FIONREAD, FIONBIO, FIOCLEX, FIONCLEX, FIOQSIZE, TIOCOUTQ, SIOCATMARK,
};
// F_SETPIPE_SZ is excluded, because a pipe's pages belong to no process. So is F_SETLEASE, because a lease on an input
// makes every other program that opens it wait.
constexpr std::uint64_t kFcntls[] = {
    F_DUPFD,     F_GETFD,  F_SETFD,     F_GETFL,         F_GETLK,      F_SETOWN,    F_GETOWN,
    F_SETSIG,    F_GETSIG, F_OFD_GETLK, F_DUPFD_CLOEXEC, F_GETPIPE_SZ, F_GET_SEALS, F_SETOWN_EX,
    F_GETOWN_EX, F_SETLK,  F_SETLKW,    F_OFD_SETLK,     F_OFD_SETLKW, F_ADD_SEALS,
};

constexpr std::uint64_t kNameMemory = 0x53564d41;  // PR_SET_VMA
constexpr std::uint64_t kPrctls[] = {
    PR_SET_NAME,        PR_GET_NAME,         PR_SET_PDEATHSIG,       PR_GET_PDEATHSIG,
    PR_GET_DUMPABLE,    PR_SET_DUMPABLE,     PR_GET_KEEPCAPS,        PR_CAPBSET_READ,
    PR_GET_SECUREBITS,  PR_GET_NO_NEW_PRIVS, PR_SET_NO_NEW_PRIVS,    PR_GET_SECCOMP,
    PR_SET_TIMERSLACK,  PR_GET_TIMERSLACK,   PR_SET_CHILD_SUBREAPER, PR_GET_CHILD_SUBREAPER,
    PR_SET_THP_DISABLE, PR_GET_THP_DISABLE,  PR_GET_TID_ADDRESS,     PR_GET_SPECULATION_CTRL,
    kNameMemory,
};
[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "filter_generator: %s\n", what.c_str());
  std::exit(1);
}

class Filter {
 public:
  Filter() : context_(seccomp_init(SCMP_ACT_ERRNO(ENOSYS))) {
    if (context_ == nullptr) fail("libseccomp has no memory");
    // A kill by a filter is logged by auditd and the journal, without a rate limit; an error is not.
    need(seccomp_attr_set(context_, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS)), "attribute");
    need(seccomp_attr_set(context_, SCMP_FLTATR_CTL_OPTIMIZE, 2), "attribute");  // a tree in place of a list
  }
  ~Filter() { seccomp_release(context_); }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  void rule(std::uint32_t action, const char* name, const std::vector<scmp_arg_cmp>& arguments = {}) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number < 0) return;  // not in this ABI, or newer than libseccomp
    need(seccomp_rule_add_array(context_, action, number, static_cast<unsigned>(arguments.size()), arguments.data()),
         name);
  }
  void allow(const char* name, const std::vector<scmp_arg_cmp>& arguments = {}) {
    rule(SCMP_ACT_ALLOW, name, arguments);
  }

  std::vector<sock_filter> program() const {
    const int file = memfd_create("filter", MFD_CLOEXEC);
    if (file < 0) fail("memfd_create");
    need(seccomp_export_bpf(context_, file), "export");
    const auto bytes = lseek(file, 0, SEEK_END);
    std::vector<sock_filter> out(static_cast<std::size_t>(bytes) / sizeof(sock_filter));
    if (pread(file, out.data(), static_cast<std::size_t>(bytes), 0) != bytes) fail("read");
    close(file);
    return out;
  }

 private:
  static void need(int result, const char* what) {
    if (result < 0) fail(std::string(what) + ": error " + std::to_string(-result));
  }
  scmp_filter_ctx context_;
};

scmp_arg_cmp low_is(unsigned argument, std::uint64_t value) {
  return scmp_arg_cmp{argument, SCMP_CMP_MASKED_EQ, kLow, value};
}
scmp_arg_cmp bits_are(unsigned argument, std::uint64_t mask, std::uint64_t value) {
  return scmp_arg_cmp{argument, SCMP_CMP_MASKED_EQ, mask, value};
}

void allow_local_sockets(Filter& out) {
  for (const std::uint64_t type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    out.allow("socket", {low_is(0, AF_UNIX), bits_are(1, kSocketType, type)});
    out.allow("socketpair", {low_is(0, AF_UNIX), bits_are(1, kSocketType, type)});
  }
}

/// On the sandbox's loopback: it has no other interface.
void allow_ip_sockets(Filter& out) {
  constexpr std::uint64_t kTcp = 6, kUdp = 17;
  for (const std::uint64_t family : {AF_INET, AF_INET6}) {
    for (const std::uint64_t protocol : {std::uint64_t{0}, kTcp})
      out.allow("socket", {low_is(0, family), bits_are(1, kSocketType, SOCK_STREAM), low_is(2, protocol)});
    for (const std::uint64_t protocol : {std::uint64_t{0}, kUdp})
      out.allow("socket", {low_is(0, family), bits_are(1, kSocketType, SOCK_DGRAM), low_is(2, protocol)});
  }
}

// Excluded: packet filters, devices, and options that load a module.
constexpr std::uint64_t kSocketOptions[] = {SO_REUSEADDR,
                                            SO_DONTROUTE,
                                            SO_BROADCAST,
                                            SO_KEEPALIVE,
                                            SO_OOBINLINE,
                                            SO_LINGER,
                                            SO_REUSEPORT,
                                            SO_PASSCRED,
                                            SO_RCVLOWAT,
                                            SO_RCVTIMEO,
                                            SO_SNDTIMEO,
                                            SO_SNDBUF,
                                            SO_RCVBUF,
                                            SO_TIMESTAMP,
                                            66 /* SO_RCVTIMEO_NEW */,
                                            67 /* SO_SNDTIMEO_NEW */};
constexpr std::uint64_t kTcpOptions[] = {
    TCP_NODELAY, TCP_MAXSEG,       TCP_CORK,     TCP_KEEPIDLE, TCP_KEEPINTVL,  TCP_KEEPCNT,      TCP_SYNCNT,
    TCP_LINGER2, TCP_DEFER_ACCEPT, TCP_QUICKACK, TCP_FASTOPEN, TCP_CONGESTION, TCP_USER_TIMEOUT, TCP_NOTSENT_LOWAT};
// Excluded: options that take kernel memory which no cgroup counts, such as options sent with each packet,
// IPV6_2292PKTOPTIONS, and the groups that a socket joins.
constexpr std::uint64_t kIpOptions[] = {
    IP_TOS,     IP_TTL,      IP_PKTINFO,       IP_MTU_DISCOVER,   IP_RECVTTL,
    IP_RECVTOS, IP_FREEBIND, IP_MULTICAST_TTL, IP_MULTICAST_LOOP, IP_BIND_ADDRESS_NO_PORT};
constexpr std::uint64_t kIpv6Options[] = {
    IPV6_V6ONLY,      IPV6_UNICAST_HOPS, IPV6_MULTICAST_HOPS, IPV6_MULTICAST_LOOP, IPV6_MTU_DISCOVER, IPV6_MTU,
    IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS,     IPV6_TCLASS,         IPV6_DONTFRAG};

/// Other options load modules, hold a lock of the whole machine's network while they copy, or map received data.
void allow_reading_options(Filter& out) {
  out.allow("getsockopt", {low_is(1, SOL_SOCKET)});
  for (const auto option : kTcpOptions) out.allow("getsockopt", {low_is(1, IPPROTO_TCP), low_is(2, option)});
  out.allow("getsockopt", {low_is(1, IPPROTO_TCP), low_is(2, TCP_INFO)});
  for (const auto option : kIpOptions) out.allow("getsockopt", {low_is(1, IPPROTO_IP), low_is(2, option)});
  for (const auto option : kIpv6Options) out.allow("getsockopt", {low_is(1, IPPROTO_IPV6), low_is(2, option)});
}

void allow_socket_options(Filter& out) {
  for (const auto option : kSocketOptions) out.allow("setsockopt", {low_is(1, SOL_SOCKET), low_is(2, option)});
  for (const auto option : kTcpOptions) out.allow("setsockopt", {low_is(1, IPPROTO_TCP), low_is(2, option)});
  // No cgroup counts error queues, and a program needs none on a loopback. But libc does not query a name server if its
  // socket cannot have an error queue, so the call succeeds.
  out.rule(SCMP_ACT_ERRNO(0), "setsockopt", {low_is(1, IPPROTO_IP), low_is(2, IP_RECVERR)});
  out.rule(SCMP_ACT_ERRNO(0), "setsockopt", {low_is(1, IPPROTO_IPV6), low_is(2, IPV6_RECVERR)});
  for (const auto option : kIpOptions) out.allow("setsockopt", {low_is(1, IPPROTO_IP), low_is(2, option)});
  for (const auto option : kIpv6Options) out.allow("setsockopt", {low_is(1, IPPROTO_IPV6), low_is(2, option)});
}

// Only for the calling process. RLIMIT_CORE cannot be changed; setting it succeeds without effect: with 0 instead of 1
// the kernel would start the program of kernel.core_pattern, outside.
void allow_limits(Filter& out) {
  for (std::uint64_t resource = 0; resource < RLIM_NLIMITS; ++resource) {
    if (resource == RLIMIT_CORE) continue;
    out.allow("setrlimit", {low_is(0, resource)});
    out.allow("prlimit64", {low_is(0, 0), low_is(1, resource)});
  }
  out.rule(SCMP_ACT_ERRNO(0), "setrlimit", {low_is(0, RLIMIT_CORE)});
  const scmp_arg_cmp changes{2, SCMP_CMP_NE, 0, 0}, asks{2, SCMP_CMP_EQ, 0, 0};
  out.rule(SCMP_ACT_ERRNO(0), "prlimit64", {low_is(0, 0), low_is(1, RLIMIT_CORE), changes});
  out.allow("prlimit64", {low_is(0, 0), low_is(1, RLIMIT_CORE), asks});
}

/// O_DIRECT is refused, as on a file system without it: uncached reads fill the queue of a disk, for which the node's
/// writes wait. openat2(2) is not allowed, because its flags are in memory that no filter sees.
void allow_opening(Filter& out) {
  struct Call {
    const char* name;
    unsigned flags;  // the argument that has them
  };
  for (const Call& one : {Call{"open", 1}, Call{"openat", 2}}) {
    out.allow(one.name, {bits_are(one.flags, O_DIRECT, 0)});
    out.rule(SCMP_ACT_ERRNO(EINVAL), one.name, {bits_are(one.flags, O_DIRECT, O_DIRECT)});
  }
  // Without O_ASYNC and FIOASYNC, because each close walks the list of all files of a device that have it.
  constexpr std::uint64_t kNone = O_ASYNC | O_DIRECT;
  out.allow("fcntl", {low_is(1, F_SETFL), bits_are(2, kNone, 0)});
  out.rule(SCMP_ACT_ERRNO(EINVAL), "fcntl", {low_is(1, F_SETFL), bits_are(2, kNone, O_DIRECT)});
}

std::vector<sock_filter> make(bool counted, bool reported) {
  Filter out;
  for (const char* name : kAllowed) out.allow(name);
  for (const char* name : kDoneAtOnce) out.rule(SCMP_ACT_ERRNO(0), name);
  // Shared pages without a file stay when no process has them mapped any longer.
  constexpr std::uint64_t kSharedOfNoFile = MAP_SHARED | MAP_ANONYMOUS;
  // No memory group counts the host's huge pages.
  constexpr std::uint64_t kKinds = kSharedOfNoFile | MAP_HUGETLB;
  for (const std::uint64_t kind : {0, MAP_SHARED, MAP_ANONYMOUS}) out.allow("mmap", {bits_are(3, kKinds, kind)});
  if (counted) {
    out.allow("mmap", {bits_are(3, kKinds, kSharedOfNoFile)});
    out.allow("memfd_create", {bits_are(1, MFD_HUGETLB, 0)});
    out.allow("shmget", {bits_are(2, SHM_HUGETLB, 0)});
    out.allow("fcntl", {low_is(1, F_SETPIPE_SZ)});
    for (const char* name : kAllowedIfCounted) out.allow(name);
  }
  out.allow("clone", {bits_are(0, kNamespaces, 0)});  // clone3 hides its flags: libc falls back to clone
  for (const auto request : kIoctls) out.allow("ioctl", {low_is(1, request)});
  for (const auto command : kFcntls) out.allow("fcntl", {low_is(1, command)});
  allow_opening(out);
  for (const auto option : kPrctls) out.allow("prctl", {low_is(0, option)});
  for (const std::uint64_t persona : {std::uint64_t{0}, kLow}) out.allow("personality", {low_is(0, persona)});
  allow_limits(out);
  for (const std::uint64_t kind :
       {std::uint64_t{0}, std::uint64_t{S_IFREG}, std::uint64_t{S_IFIFO}, std::uint64_t{S_IFSOCK}}) {
    out.allow("mknod", {bits_are(1, S_IFMT, kind)});
    out.allow("mknodat", {bits_are(2, S_IFMT, kind)});
  }
  allow_local_sockets(out);
  allow_ip_sockets(out);
  allow_socket_options(out);
  allow_reading_options(out);
  if (reported)
    for (const std::string_view name : kTripwires) {
      std::vector<scmp_arg_cmp> of_others;
      if (name == "ptrace") of_others.push_back({0, SCMP_CMP_NE, PTRACE_TRACEME, 0});
      out.rule(SCMP_ACT_NOTIFY, name.data(), of_others);
    }
  return out.program();
}

void print(std::ostream& out, const char* name, const std::vector<sock_filter>& program) {
  out << "const sock_filter " << name << "[] = {\n";
  for (const auto& one : program)
    out << "    {" << one.code << ", " << int{one.jt} << ", " << int{one.jf} << ", " << one.k << "u},\n";
  out << "};\n";
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) fail("usage: filter_generator OUTPUT");
  std::ofstream out(arguments[1]);
  out << "// Made by filter_generator.cpp.\n#include \"runtime/sandbox/filter.hpp\"\n\n"
         "namespace troupe::sandbox {\nnamespace {\n\n";
  const std::string memories[] = {"Counted", "Watched"}, forbidden[] = {"Refused", "Reported"};
  for (const auto& memory : memories)
    for (const auto& how : forbidden)
      print(out, ("k" + memory + how).c_str(), make(memory == memories[0], how == forbidden[1]));
  out << "\n}  // namespace\n\n"
         "std::span<const sock_filter> filter(Memory memory, Forbidden forbidden) {\n"
         "  using Out = std::span<const sock_filter>;\n"
         "  const Out all[2][2] = {\n";
  for (const auto& memory : memories) {
    out << "      {";
    for (const auto& how : forbidden) out << "Out(k" << memory << how << "), ";
    out << "},\n";
  }
  out << "  };\n"
         "  return all[static_cast<int>(memory)][static_cast<int>(forbidden)];\n}\n\n"
         "std::string_view tripwire_name(int number) {\n  switch (number) {\n";
  for (const char* name : kTripwires)
    if (const int number = seccomp_syscall_resolve_name(name); number >= 0)
      out << "    case " << number << ": return \"" << name << "\";\n";
  out << "    default: return \"\";\n  }\n}\n\n}  // namespace troupe::sandbox\n";
  out.close();
  if (!out) fail(std::string("cannot write ") + arguments[1]);
  return 0;
}
