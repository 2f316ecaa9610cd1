// The filters are run here as the kernel runs them, so that what they let through is known without a sandbox.
#include "runtime/sandbox/filter.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::sandbox;

namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kOwnAbi = AUDIT_ARCH_X86_64;
#else
constexpr std::uint32_t kOwnAbi = AUDIT_ARCH_AARCH64;
#endif

/// What the filter answers: the part of BPF that libseccomp uses, after the kernel's
/// Documentation/networking/filter.rst.
std::uint32_t answer(std::span<const sock_filter> program, const seccomp_data& data) {
  std::uint32_t held = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const sock_filter& one = program[at];
    switch (one.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        REQUIRE(one.k + sizeof held <= sizeof data);
        std::memcpy(&held, reinterpret_cast<const char*>(&data) + one.k, sizeof held);
        break;
      case BPF_ALU | BPF_AND | BPF_K: held &= one.k; break;
      case BPF_JMP | BPF_JA: at += one.k; break;
      case BPF_JMP | BPF_JEQ | BPF_K: at += held == one.k ? one.jt : one.jf; break;
      case BPF_JMP | BPF_JGT | BPF_K: at += held > one.k ? one.jt : one.jf; break;
      case BPF_JMP | BPF_JGE | BPF_K: at += held >= one.k ? one.jt : one.jf; break;
      case BPF_JMP | BPF_JSET | BPF_K: at += (held & one.k) != 0 ? one.jt : one.jf; break;
      case BPF_RET | BPF_K: return one.k;
      default: FAIL("an instruction that this test does not know: " << one.code);
    }
  }
  FAIL("the filter has no end");
  return 0;
}

using Arguments = std::vector<std::uint64_t>;

seccomp_data call_data(long number, const Arguments& arguments, std::uint32_t abi = kOwnAbi) {
  seccomp_data out{};
  out.nr = static_cast<int>(number);
  out.arch = abi;
  for (std::size_t i = 0; i < arguments.size(); ++i) out.args[i] = arguments[i];
  return out;
}

bool allowed(Memory memory, long number, const Arguments& arguments = {}) {
  const auto said = answer(filter(memory, Forbidden::refused), call_data(number, arguments));
  if (said == SECCOMP_RET_ALLOW) return true;
  CHECK(said == (SECCOMP_RET_ERRNO | ENOSYS));
  return false;
}

bool allowed(long number, const Arguments& arguments = {}) { return allowed(Memory::counted, number, arguments); }

constexpr std::uint64_t kAbove = std::uint64_t{1} << 32;  // the kernel does not read the upper half of an int

}  // namespace

TEST_CASE("sandbox filter: a program may read, write, fork, wait and end") {
  for (const long number : {SYS_read, SYS_write, SYS_openat, SYS_mmap, SYS_execve, SYS_wait4, SYS_exit_group, SYS_futex,
                            SYS_getrandom, SYS_clock_gettime, SYS_connect, SYS_sendmsg})
    CHECK_MESSAGE(allowed(number), number);
}

TEST_CASE("sandbox filter: what reaches other processes or the machine is refused") {
  for (const long number : {SYS_ptrace,
                            SYS_process_vm_readv,
                            SYS_process_vm_writev,
                            SYS_bpf,
                            SYS_perf_event_open,
                            SYS_add_key,
                            SYS_request_key,
                            SYS_keyctl,
                            SYS_io_uring_setup,
                            SYS_io_uring_enter,
                            SYS_io_uring_register,
                            SYS_userfaultfd,
                            SYS_kexec_load,
                            SYS_mount,
                            SYS_umount2,
                            SYS_pivot_root,
                            SYS_move_mount,
                            SYS_open_tree,
                            SYS_fsopen,
                            SYS_fsmount,
                            SYS_setns,
                            SYS_unshare,
                            SYS_init_module,
                            SYS_finit_module,
                            SYS_delete_module,
                            SYS_reboot,
                            SYS_swapon,
                            SYS_chroot,
                            SYS_open_by_handle_at,
                            SYS_name_to_handle_at,
                            SYS_clone3,
                            SYS_pidfd_getfd,
                            SYS_kcmp,
                            SYS_seccomp,
                            SYS_syslog,
                            SYS_acct,
                            SYS_quotactl,
                            SYS_settimeofday,
                            SYS_clock_settime,
                            SYS_sethostname,
                            SYS_setdomainname,
                            SYS_fanotify_init,
                            SYS_mbind,
                            SYS_move_pages})
    CHECK_MESSAGE(!allowed(number), number);
  CHECK(!allowed(100'000));  // a call that no kernel has yet
}

TEST_CASE(
    "sandbox filter: nothing makes the machine write all of its disks, and a program that asks hears that it was "
    "done") {
  for (const Memory memory : {Memory::counted, Memory::watched})
    for (const long number : {SYS_sync, SYS_syncfs, SYS_fsync, SYS_fdatasync, SYS_sync_file_range})
      CHECK(answer(filter(memory, Forbidden::refused), call_data(number, {})) == SECCOMP_RET_ERRNO);
}

TEST_CASE("sandbox filter: a clone makes processes and threads, and no namespaces") {
  CHECK(allowed(SYS_clone, {SIGCHLD}));
  CHECK(allowed(SYS_clone,
                {CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS}));
  for (const std::uint64_t one :
       {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP})
    CHECK_MESSAGE(!allowed(SYS_clone, {one | SIGCHLD}), one);
}

TEST_CASE("sandbox filter: sockets are local or of IP, and none is raw") {
  CHECK(allowed(SYS_socket, {AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0}));
  CHECK(allowed(SYS_socket, {AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 6}));
  CHECK(allowed(SYS_socket, {AF_INET6, SOCK_DGRAM, 17}));
  CHECK(allowed(SYS_socketpair, {AF_UNIX, SOCK_SEQPACKET, 0}));
  CHECK(!allowed(SYS_socketpair, {AF_INET, SOCK_STREAM, 0}));
  for (const std::uint64_t family :
       {AF_NETLINK, AF_PACKET, AF_VSOCK, AF_ALG, AF_KEY, AF_BLUETOOTH, AF_XDP, AF_TIPC, AF_RDS, AF_CAN})
    for (const std::uint64_t type : {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET}) {
      CHECK_MESSAGE(!allowed(SYS_socket, {family, type, 0}), family << ' ' << type);
      CHECK_MESSAGE(!allowed(SYS_socket, {family | kAbove, type, 0}), family << ' ' << type);
    }
  CHECK(!allowed(SYS_socket, {AF_INET, SOCK_RAW, 1}));
  CHECK(!allowed(SYS_socket, {AF_INET, SOCK_DGRAM, 1}));     // ICMP
  CHECK(!allowed(SYS_socket, {AF_INET, SOCK_STREAM, 262}));  // MPTCP
  CHECK(!allowed(SYS_socket, {AF_INET, SOCK_STREAM, 132}));  // SCTP
  CHECK(!allowed(SYS_socket, {AF_INET, SOCK_PACKET, 0}));
}

// Go and Node.js need epoll; SQLite locks its files.
TEST_CASE("sandbox filter: a program may watch files, lock them, and choose how its threads run") {
  for (const long number :
       {SYS_epoll_create1, SYS_epoll_ctl, SYS_timerfd_create, SYS_timer_create, SYS_signalfd4, SYS_poll, SYS_flock,
        SYS_sched_setaffinity, SYS_setpriority, SYS_mlock, SYS_splice, SYS_sendfile, SYS_madvise, SYS_fadvise64}) {
    CHECK_MESSAGE(allowed(Memory::counted, number), number);
    CHECK_MESSAGE(allowed(Memory::watched, number), number);
  }
  for (const std::uint64_t command : {F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW, F_ADD_SEALS})
    CHECK_MESSAGE(allowed(SYS_fcntl, {3, command}), command);
}

TEST_CASE("sandbox filter: a program may not read past the cache, get signals of files, or ask for interfaces") {
  constexpr std::uint32_t kInvalid = SECCOMP_RET_ERRNO | EINVAL;
  const auto program = filter(Memory::counted, Forbidden::refused);
  CHECK(answer(program, call_data(SYS_open, {1, O_RDONLY | O_DIRECT})) == kInvalid);
  CHECK(answer(program, call_data(SYS_openat, {3, 1, O_RDONLY | O_DIRECT})) == kInvalid);
  CHECK(answer(program, call_data(SYS_fcntl, {3, F_SETFL, O_DIRECT | O_NONBLOCK})) == kInvalid);
  CHECK(allowed(SYS_open, {1, O_RDWR | O_CREAT}));
  CHECK(allowed(SYS_openat, {3, 1, O_RDWR | O_CREAT}));
  CHECK(!allowed(SYS_openat2, {3, 1, 1, 24}));  // its flags lie in memory
  CHECK(allowed(SYS_fcntl, {3, F_SETFL, O_NONBLOCK}));
  CHECK(!allowed(SYS_fcntl, {3, F_SETFL, O_ASYNC}));
  CHECK(!allowed(SYS_fcntl, {3, F_SETFL, O_ASYNC | O_DIRECT}));
  CHECK(!allowed(SYS_ioctl, {3, FIOASYNC}));
  CHECK(!allowed(SYS_ioctl, {3, SIOCGIFCONF}));
  for (const long number : {SYS_landlock_create_ruleset, SYS_ioprio_set}) CHECK_MESSAGE(!allowed(number), number);
}

TEST_CASE("sandbox filter: a program reads those options of a socket that are listed") {
  for (const std::uint64_t option : {SO_ERROR, SO_TYPE, SO_PEERCRED})
    CHECK_MESSAGE(allowed(SYS_getsockopt, {3, SOL_SOCKET, option}), option);
  CHECK(allowed(SYS_getsockopt, {3, IPPROTO_TCP, TCP_INFO}));
  CHECK(!allowed(SYS_getsockopt, {3, IPPROTO_TCP, 35 /* TCP_ZEROCOPY_RECEIVE */}));
  CHECK(!allowed(SYS_getsockopt, {3, IPPROTO_IP, 64 /* IPT_SO_GET_INFO */}));
  for (const std::uint64_t option : {SO_SNDBUF, SO_RCVBUF, SO_TIMESTAMP})
    CHECK_MESSAGE(allowed(SYS_setsockopt, {3, SOL_SOCKET, option}), option);
}

TEST_CASE("sandbox filter: no option of a socket takes memory that no cgroup counts") {
  for (const std::uint64_t option : {IP_TOS, IP_TTL, IP_PKTINFO})
    CHECK_MESSAGE(allowed(SYS_setsockopt, {0, IPPROTO_IP, option}), option);
  for (const auto& [level, option] : {std::pair<std::uint64_t, std::uint64_t>{IPPROTO_IP, IP_RECVERR},
                                      {IPPROTO_IPV6, IPV6_RECVERR}})  // they are done, and do nothing
    CHECK(answer(filter(Memory::counted, Forbidden::refused), call_data(SYS_setsockopt, {0, level, option})) ==
          SECCOMP_RET_ERRNO);
  for (const std::uint64_t option : {IPV6_V6ONLY, IPV6_TCLASS, IPV6_UNICAST_HOPS})
    CHECK_MESSAGE(allowed(SYS_setsockopt, {0, IPPROTO_IPV6, option}), option);
  for (const std::uint64_t option : {4, 20, 32, 35, 36, 39, 41, 42, 48, 64})  // options of packets, groups, netfilter
    CHECK_MESSAGE(!allowed(SYS_setsockopt, {0, IPPROTO_IP, option}), option);
  for (const std::uint64_t option : {6, 20, 27, 32, 35, 42, 46, 54, 55, 57, 59, 64})
    CHECK_MESSAGE(!allowed(SYS_setsockopt, {0, IPPROTO_IPV6, option}), option);
}

TEST_CASE("sandbox filter: what a call asks for is compared in the half that the kernel reads") {
  CHECK(allowed(SYS_ioctl, {0, TIOCGWINSZ}));
  CHECK(allowed(SYS_ioctl, {0, FIONBIO}));
  for (const std::uint64_t request : {std::uint64_t{TIOCSTI}, std::uint64_t{TIOCLINUX}, std::uint64_t{TIOCSCTTY}}) {
    CHECK(!allowed(SYS_ioctl, {0, request}));
    CHECK(!allowed(SYS_ioctl, {0, request | kAbove}));
  }
  CHECK(allowed(SYS_setsockopt, {0, SOL_SOCKET, SO_REUSEADDR}));
  CHECK(allowed(SYS_setsockopt, {0, 6, 1}));     // TCP_NODELAY
  CHECK(!allowed(SYS_setsockopt, {0, 6, 31}));   // TCP_ULP
  CHECK(!allowed(SYS_setsockopt, {0, 0, 64}));   // IPT_SO_SET_REPLACE
  CHECK(!allowed(SYS_setsockopt, {0, 41, 64}));  // IP6T_SO_SET_REPLACE
  for (const std::uint64_t option : {SO_ATTACH_FILTER, SO_ATTACH_BPF, SO_BINDTODEVICE, SO_ATTACH_REUSEPORT_CBPF}) {
    CHECK(!allowed(SYS_setsockopt, {0, SOL_SOCKET, option}));
    CHECK(!allowed(SYS_setsockopt, {0, SOL_SOCKET | kAbove, option | kAbove}));
  }
  CHECK(allowed(SYS_prctl, {PR_SET_NAME}));
  CHECK(!allowed(SYS_prctl, {PR_SET_PTRACER}));
  CHECK(!allowed(SYS_prctl, {PR_SET_MM}));
  CHECK(!allowed(SYS_prctl, {PR_SET_SECCOMP}));
  CHECK(allowed(SYS_personality, {0}));
  CHECK(allowed(SYS_personality, {0xffffffff}));
  CHECK(!allowed(SYS_personality, {0x0040000}));  // ADDR_NO_RANDOMIZE
  CHECK(allowed(SYS_prlimit64, {0, RLIMIT_NOFILE, 1}));
  CHECK(!allowed(SYS_prlimit64, {1, RLIMIT_NOFILE, 0}));
  CHECK(!allowed(SYS_prlimit64, {1, RLIMIT_CORE, 0}));
  CHECK(!allowed(SYS_prlimit64, {0, RLIM_NLIMITS, 0}));
  CHECK(allowed(SYS_mknodat, {0, 0, S_IFIFO | 0600}));
  CHECK(!allowed(SYS_mknodat, {0, 0, S_IFCHR | 0600}));
  CHECK(!allowed(SYS_mknodat, {0, 0, S_IFBLK | 0600}));
}

TEST_CASE(
    "sandbox filter: a program that lowers its limit of core dumps is told so, and has the one that starts none") {
  const auto program = filter(Memory::counted, Forbidden::refused);
  for (const std::uint64_t core : {std::uint64_t{RLIMIT_CORE}, RLIMIT_CORE | kAbove}) {
    CHECK(answer(program, call_data(SYS_setrlimit, {core, 1})) == SECCOMP_RET_ERRNO);
    CHECK(answer(program, call_data(SYS_prlimit64, {0, core, 1})) == SECCOMP_RET_ERRNO);
    CHECK(answer(program, call_data(SYS_prlimit64, {0, core, 1, 1})) == SECCOMP_RET_ERRNO);
    CHECK(answer(program, call_data(SYS_prlimit64, {0, core, 0, 1})) == SECCOMP_RET_ALLOW);
  }
  CHECK(answer(program, call_data(SYS_setrlimit, {RLIMIT_NOFILE, 1})) == SECCOMP_RET_ALLOW);
}

TEST_CASE("sandbox filter: without a cgroup nothing holds memory that no process has mapped") {
  for (const long number : {SYS_memfd_create, SYS_shmget, SYS_semget, SYS_msgget, SYS_inotify_add_watch}) {
    CHECK_MESSAGE(allowed(Memory::counted, number), number);
    CHECK_MESSAGE(!allowed(Memory::watched, number), number);
  }
  constexpr std::uint64_t kShared = MAP_SHARED, kAnonymous = MAP_ANONYMOUS, kPrivate = MAP_PRIVATE;
  for (const std::uint64_t flags : {kShared, kPrivate, kPrivate | kAnonymous, kPrivate | MAP_FIXED}) {
    CHECK(allowed(Memory::counted, SYS_mmap, {0, 4'096, PROT_READ, flags}));
    CHECK(allowed(Memory::watched, SYS_mmap, {0, 4'096, PROT_READ, flags}));
  }
  for (const std::uint64_t flags : {kShared | kAnonymous, kShared | kAnonymous | MAP_NORESERVE,
                                    std::uint64_t{MAP_SHARED_VALIDATE} | kAnonymous, kShared | kAnonymous | kAbove}) {
    CHECK(allowed(Memory::counted, SYS_mmap, {0, 4'096, PROT_READ, flags}));
    CHECK(!allowed(Memory::watched, SYS_mmap, {0, 4'096, PROT_READ, flags}));
  }
  for (const Memory memory : {Memory::counted, Memory::watched}) {
    CHECK(!allowed(memory, SYS_mmap, {0, 4'096, PROT_READ, kPrivate | kAnonymous | MAP_HUGETLB}));
    CHECK(!allowed(memory, SYS_memfd_create, {0, 4 /* MFD_HUGETLB */}));
  }
  CHECK(allowed(Memory::counted, SYS_fcntl, {0, F_SETPIPE_SZ}));
  CHECK(!allowed(Memory::watched, SYS_fcntl, {0, F_SETPIPE_SZ}));
  CHECK(!allowed(Memory::watched, SYS_fcntl, {0, F_SETPIPE_SZ | kAbove}));
  CHECK(allowed(Memory::watched, SYS_fcntl, {0, F_DUPFD_CLOEXEC}));
}

TEST_CASE("sandbox filter: tripwires are reported, all else is as without") {
  for (const Memory memory : {Memory::counted, Memory::watched}) {
    const auto reported = filter(memory, Forbidden::reported), refused = filter(memory, Forbidden::refused);
    int tripwires = 0;
    for (int number = 0; number < 500; ++number) {
      const auto data = call_data(number, {PTRACE_ATTACH});
      const bool tripwire = !tripwire_name(number).empty();
      tripwires += tripwire;
      CHECK_MESSAGE(answer(reported, data) == (tripwire ? SECCOMP_RET_USER_NOTIF : answer(refused, data)), number);
    }
    CHECK(tripwires > 15);
    // A program that lets itself be traced harms no other.
    CHECK(answer(reported, call_data(SYS_ptrace, {PTRACE_TRACEME})) == (SECCOMP_RET_ERRNO | ENOSYS));
  }
  CHECK(tripwire_name(SYS_mount) == "mount");
  CHECK(tripwire_name(SYS_read).empty());
}

TEST_CASE("sandbox filter: no lease makes others wait for a file") {
  for (const std::uint64_t command : {F_SETLEASE, F_GETLEASE}) CHECK_FALSE(allowed(SYS_fcntl, {0, command}));
}

// It ended the process, and each such end is a record in the journal: 180 GB a day of twelve programs.
TEST_CASE("sandbox filter: a call of another ABI is answered as one that there is not") {
  for (const Memory memory : {Memory::counted, Memory::watched})
    for (const Forbidden forbidden : {Forbidden::refused, Forbidden::reported}) {
      const auto program = filter(memory, forbidden);
      CHECK(program.size() < 4'096);  // BPF_MAXINSNS
      CHECK(answer(program, call_data(1, {}, AUDIT_ARCH_I386)) == (SECCOMP_RET_ERRNO | ENOSYS));
      CHECK(answer(program, call_data(1, {}, AUDIT_ARCH_ARM)) == (SECCOMP_RET_ERRNO | ENOSYS));
#if defined(__x86_64__)
      CHECK(answer(program, call_data(0x40000000 | SYS_read, {})) == (SECCOMP_RET_ERRNO | ENOSYS));  // x32
#endif
    }
}
