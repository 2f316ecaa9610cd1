#include "runtime/sandbox/attempts.hpp"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "runtime/base/descriptor.hpp"

namespace troupe::sandbox {
namespace {

Bait the_bait;  // a copy of the process has a copy of the bait

Attempted refused(bool worked, const char* what) { return worked ? std::string(what) + " worked" : ""; }

template <class... Arguments>
long ask_kernel(long number, Arguments... arguments) {
  return ::syscall(number, arguments...);
}

bool opens(const char* path, int flags) {
  const int file = ::open(path, flags | O_CLOEXEC);
  if (file >= 0) ::close(file);
  return file >= 0;
}

bool has_socket(int family, int type, int protocol) {
  const int made = ::socket(family, type | SOCK_CLOEXEC, protocol);
  if (made >= 0) ::close(made);
  return made >= 0;
}

/// Returns the signal that ends a child which does this; 0 if the child exits.
template <class Do>
int signal_of_child(const Do& act) {
  const pid_t child = ::fork();
  if (child == 0) {
    act();
    ::_exit(0);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return 0;
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/// Returns whether a child with these namespaces can be created.
bool forks_into(std::uint64_t flags) {
  const long child = ask_kernel(SYS_clone, flags | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (child == 0) ::_exit(0);
  if (child > 0) ::waitpid(static_cast<pid_t>(child), nullptr, 0);
  return child > 0;
}

Attempted mounts() {
  return refused(::mount("tmpfs", "/tmp", "tmpfs", 0, nullptr) == 0 ||
                     ::mount("/", "/tmp", nullptr, MS_BIND, nullptr) == 0 ||
                     ::mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND, nullptr) == 0,
                 "a mount");
}
Attempted new_mounts() {
  return refused(::fsopen("tmpfs", 0) >= 0 || ::open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE) >= 0,
                 "a mount of the newer calls");
}
Attempted unmounts() {
  return refused(::umount2("/proc", MNT_DETACH) == 0 || ::umount2("/task", MNT_DETACH) == 0, "an unmount");
}
Attempted changes_root() {
  return refused(::chroot("/tmp") == 0 || ask_kernel(SYS_pivot_root, ".", ".") == 0, "another root");
}

Attempted namespaces() {
  for (const std::uint64_t one :
       {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP})
    if (::unshare(static_cast<int>(one)) == 0 || forks_into(one)) return "a namespace was made";
  clone_args arguments{};
  arguments.flags = CLONE_NEWUSER;
  arguments.exit_signal = SIGCHLD;
  const long child = ask_kernel(SYS_clone3, &arguments, sizeof arguments);
  if (child == 0) ::_exit(0);
  return refused(child > 0, "a namespace by clone3");
}
Attempted joins_namespaces() {
  const base::Descriptor own(::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
  return refused(::setns(own.get(), 0) == 0, "setns");
}

Attempted traces() {
  if (::ptrace(PTRACE_ATTACH, 1, nullptr, nullptr) == 0 || ::ptrace(PTRACE_SEIZE, 1, nullptr, nullptr) == 0)
    return "the init was traced";
  std::array<char, 8> space{};
  iovec here{space.data(), space.size()}, there{reinterpret_cast<void*>(0x400000), space.size()};
  return refused(ask_kernel(SYS_process_vm_readv, 1, &here, 1, &there, 1, 0) > 0, "a read of the init's memory");
}
Attempted looks_at_init() {
  for (const char* path :
       {"/proc/1/mem", "/proc/1/environ", "/proc/1/root/etc/passwd", "/proc/1/cmdline", "/proc/1/maps"})
    if (opens(path, O_RDONLY)) return std::string(path) + " was read";
  return "";
}
Attempted ends_init() {
  ::kill(1, SIGKILL);  // the result does not matter: the init must survive
  return refused(ask_kernel(SYS_prlimit64, 1, 0 /* RLIMIT_CPU */, nullptr, nullptr) == 0, "a limit of the init");
}
Attempted sees_others() {
  DIR* const listing = ::opendir("/proc");
  if (listing == nullptr) return "/proc cannot be read";
  int others = 0;
  while (const dirent* const entry = ::readdir(listing)) {
    const int number = std::atoi(entry->d_name);
    others += number > 0 && number != ::getpid();
  }
  ::closedir(listing);
  return refused(others > 0 || ::getpid() > 16, "a listing of other processes");
}

Attempted raw_sockets() {
  return refused(has_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) || has_socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6) ||
                     has_socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP),
                 "a raw socket");
}
Attempted packet_sockets() {
  return refused(has_socket(AF_PACKET, SOCK_RAW, 0) || has_socket(AF_PACKET, SOCK_DGRAM, 0), "a packet socket");
}
Attempted other_sockets() {
  for (const int family :
       {AF_NETLINK, AF_VSOCK, AF_ALG, AF_BLUETOOTH, AF_CAN, AF_TIPC, AF_RDS, AF_XDP, AF_KEY, AF_SMC, AF_QIPCRTR})
    for (const int type : {SOCK_RAW, SOCK_DGRAM, SOCK_STREAM, SOCK_SEQPACKET})
      if (has_socket(family, type, 0)) return "a socket of family " + std::to_string(family) + " was made";
  return "";
}
bool connects(const sockaddr* to, socklen_t size, int type) {
  const int made = ::socket(to->sa_family, type | SOCK_CLOEXEC, 0);
  if (made < 0) return false;
  const bool done = ::connect(made, to, size) == 0;
  ::close(made);
  return done;
}
Attempted leaves_by_network() {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(53);
  to.sin_addr.s_addr =
      htonl(0xc0000201);  // 192.0.2.1, which no host has: a datagram socket connects if there is a route
  if (connects(reinterpret_cast<const sockaddr*>(&to), sizeof to, SOCK_DGRAM)) return "there is a route out";
  to.sin_port = htons(the_bait.port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return refused(the_bait.port != 0 && connects(reinterpret_cast<const sockaddr*>(&to), sizeof to, SOCK_STREAM),
                 "a connection to the host's loopback");
}
Attempted abstract_sockets() {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (the_bait.abstract_name.empty() || the_bait.abstract_name.size() + 1 > sizeof to.sun_path) return "";
  std::memcpy(to.sun_path + 1, the_bait.abstract_name.data(), the_bait.abstract_name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + the_bait.abstract_name.size());
  return refused(connects(reinterpret_cast<const sockaddr*>(&to), size, SOCK_STREAM),
                 "a connection to the host's abstract socket");
}

Attempted keyrings() {
  constexpr int kSession = -3, kGetKeyring = 0;
  return refused(ask_kernel(SYS_add_key, "user", "troupe", "x", 1, kSession) >= 0 ||
                     ask_kernel(SYS_request_key, "user", "troupe", nullptr, kSession) >= 0 ||
                     ask_kernel(SYS_keyctl, kGetKeyring, kSession, 1, 0, 0) >= 0,
                 "a keyring");
}
Attempted loads_bpf() {
  bpf_attr attributes{};
  attributes.map_type = BPF_MAP_TYPE_ARRAY;
  attributes.key_size = attributes.value_size = 4;
  attributes.max_entries = 1;
  return refused(ask_kernel(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes) >= 0, "bpf");
}
Attempted counts_events() {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.exclude_kernel = 1;
  return refused(ask_kernel(SYS_perf_event_open, &attributes, 0, -1, -1, 0) >= 0, "perf_event_open");
}
Attempted rings() {
  io_uring_params parameters{};
  return refused(ask_kernel(SYS_io_uring_setup, 4, &parameters) >= 0, "io_uring");
}
Attempted faults() {
  return refused(ask_kernel(SYS_userfaultfd, O_CLOEXEC) >= 0 || ask_kernel(SYS_userfaultfd, 1) >= 0, "userfaultfd");
}
Attempted kernels() {
  constexpr long kFileLoad = 320;  // kexec_file_load, which older headers lack
  for (const long number :
       {long{SYS_kexec_load}, kFileLoad, long{SYS_init_module}, long{SYS_finit_module}, long{SYS_delete_module}})
    if (ask_kernel(number, 0, 0, 0, 0, 0) == 0 || errno != ENOSYS)
      return "call " + std::to_string(number) + " reaches the kernel";
  return "";
}
Attempted handles() {
  constexpr int kHandleBytes = 128;
  alignas(file_handle) std::array<char, sizeof(file_handle) + kHandleBytes> space{};
  auto* const handle = reinterpret_cast<file_handle*>(space.data());
  handle->handle_bytes = kHandleBytes;
  return refused(::open_by_handle_at(AT_FDCWD, handle, O_RDONLY) >= 0 || errno != ENOSYS, "open_by_handle_at");
}
Attempted makes_devices() {
  for (const unsigned minor : {1u, 2u, 11u})
    if (::mknod("/task/device", S_IFCHR | 0666, makedev(1, minor)) == 0) return "a device was made";
  return refused(::mknod("/task/device", S_IFBLK | 0666, makedev(8, 0)) == 0, "a block device");
}
Attempted devices() {
  for (const char* path :
       {"/dev/mem", "/dev/kmem", "/dev/kmsg", "/dev/port", "/dev/sda", "/dev/vda", "/dev/tty", "/dev/ptmx",
        "/dev/pts/0", "/dev/fuse", "/dev/kvm", "/dev/net/tun", "/dev/loop0", "/dev/console"})
    if (opens(path, O_RDONLY)) return std::string(path) + " was opened";
  return "";
}
Attempted proc_files() {
  for (const char* path :
       {"/proc/kcore", "/proc/keys", "/proc/kallsyms", "/proc/kmsg", "/proc/timer_list", "/proc/sched_debug",
        "/proc/sysrq-trigger", "/proc/config.gz", "/proc/cmdline", "/proc/mounts/../kcore", "/proc/acpi", "/proc/scsi"})
    if (opens(path, O_RDONLY)) return std::string(path) + " was opened";
  return "";
}
Attempted proc_writes() {
  for (const char* path : {"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname",
                           "/proc/sys/vm/overcommit_memory", "/proc/sysrq-trigger", "/proc/self/uid_map",
                           "/proc/self/oom_score_adj", "/proc/self/attr/current", "/proc/self/coredump_filter"})
    if (opens(path, O_WRONLY)) return std::string(path) + " was opened for writing";
  return "";
}
Attempted sysfs() {
  for (const char* path : {"/sys/kernel", "/sys/fs/cgroup", "/sys/class", "/sys/firmware", "/sys/kernel/uevent_helper"})
    if (opens(path, O_RDONLY)) return std::string(path) + " was opened";
  return "";
}
Attempted takes_ids() {
  return refused(::setuid(0) == 0 || ::setgid(0) == 0 || ::setgroups(0, nullptr) == 0 || ::setresuid(1, 1, 1) == 0 ||
                     ::getuid() == 0,
                 "another id");
}
Attempted capabilities() {
  std::ifstream status("/proc/self/status");
  const std::string text{std::istreambuf_iterator<char>(status), {}};
  for (const std::string name : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"})
    if (text.find(name + ":\t0000000000000000\n") == text.npos) return name + " is not empty";
  if (text.find("\nNoNewPrivs:\t1\n") == text.npos) return "new privileges are allowed";
  return refused(text.find("\nSeccomp:\t2\n") == text.npos, "no filter of system calls");
}
Attempted descriptors() {
  constexpr int kMax = 4'096;
  for (int one = 3; one < kMax; ++one)
    if (::fcntl(one, F_GETFD) >= 0) return "descriptor " + std::to_string(one) + " is open";
  for (int one = 0; one < 3; ++one)
    if (::isatty(one) == 1) return "descriptor " + std::to_string(one) + " is a terminal";
  return "";
}
Attempted terminals() {
  char letter = 'x';
  for (int one = 0; one < 3; ++one)
    if (::ioctl(one, TIOCSTI, &letter) == 0 || errno != ENOSYS) return "TIOCSTI reaches the kernel";
  return refused(::ioctl(0, TIOCLINUX, &letter) == 0 || errno != ENOSYS || opens("/dev/tty", O_RDWR), "a terminal");
}
Attempted foreign_abis() {
#if defined(__x86_64__)
  constexpr long kX32Getpid = 0x40000000L + SYS_getpid;
  if (ask_kernel(kX32Getpid) >= 0 || errno != ENOSYS) return "a call of x32 reaches the kernel";
  const int ended = signal_of_child([] {  // it may be ended by a kernel that has no such calls
    long out = 20;                        // getpid of i386
    asm volatile("int $0x80" : "+a"(out) : : "memory", "r8", "r9", "r10", "r11");
    if (static_cast<int>(out) != -ENOSYS) ::raise(SIGUSR1);
  });
  if (ended == SIGUSR1) return "a call of i386 reaches the kernel";
#endif
  return "";
}
Attempted writes_root() {
  for (const char* path : {"/escaped", "/dev/escaped", "/run/escaped", "/proc/escaped"})
    if (opens(path, O_WRONLY | O_CREAT)) return std::string(path) + " was made";
  return refused(
      ::chmod("/", 0777) == 0 || ::chmod("/dev/null", 0600) == 0 || ::unlink("/dev/null") == 0 || ::rmdir("/tmp") == 0,
      "a change of the root");
}
Attempted climbs_out() {
  for (int i = 0; i < 64; ++i)
    if (::chdir("..") != 0) return "";
  struct stat here {
  }, root{};
  if (::stat(".", &here) != 0 || ::stat("/", &root) != 0) return "";
  return refused(here.st_ino != root.st_ino || here.st_dev != root.st_dev || opens("/etc/passwd", O_RDONLY),
                 "a way above the root");
}
Attempted keeps_name() {
  utsname name{};
  ::uname(&name);
  return refused(std::strcmp(name.nodename, "sandbox") != 0 || ::sethostname("x", 1) == 0, "the host's name");
}
Attempted persona() {
  return refused(::personality(ADDR_NO_RANDOMIZE) >= 0 || ::personality(READ_IMPLIES_EXEC) >= 0, "personality");
}
Attempted privileged_calls() {
  for (const long number : {long{SYS_reboot}, long{SYS_swapon}, long{SYS_acct}, long{SYS_settimeofday},
                            long{SYS_clock_settime}, long{SYS_syslog}, long{SYS_quotactl}, long{SYS_lookup_dcookie},
                            long{SYS_fanotify_init}, long{SYS_vhangup}, long{SYS_adjtimex}, long{SYS_migrate_pages},
                            long{SYS_name_to_handle_at}, long{SYS_pidfd_getfd}, long{SYS_mq_open}, long{SYS_kcmp}})
    if (ask_kernel(number, 0, 0, 0, 0, 0) >= 0 || errno != ENOSYS)
      return "call " + std::to_string(number) + " reaches the kernel";
  return "";
}

constexpr Attempt kAttempts[] = {
    {"mount", mounts},
    {"mount by the newer calls", new_mounts},
    {"unmount", unmounts},
    {"another root", changes_root},
    {"above the root", climbs_out},
    {"write to the root", writes_root},
    {"namespaces", namespaces},
    {"setns", joins_namespaces},
    {"ptrace", traces},
    {"files of the init", looks_at_init},
    {"end of the init", ends_init},
    {"other processes", sees_others},
    {"raw sockets", raw_sockets},
    {"packet sockets", packet_sockets},
    {"other sockets", other_sockets},
    {"network", leaves_by_network},
    {"abstract sockets", abstract_sockets},
    {"keyrings", keyrings},
    {"bpf", loads_bpf},
    {"perf", counts_events},
    {"io_uring", rings},
    {"userfaultfd", faults},
    {"kexec and modules", kernels},
    {"file handles", handles},
    {"make devices", makes_devices},
    {"devices", devices},
    {"files of /proc", proc_files},
    {"writes to /proc", proc_writes},
    {"sysfs and cgroup files", sysfs},
    {"ids", takes_ids},
    {"capabilities", capabilities},
    {"descriptors", descriptors},
    {"terminals", terminals},
    {"foreign ABIs", foreign_abis},
    {"host name", keeps_name},
    {"personality", persona},
    {"privileged calls", privileged_calls},
};

}  // namespace

std::span<const Attempt> attempts() { return kAttempts; }

void lay(const Bait& bait) { the_bait = bait; }

}  // namespace troupe::sandbox
