#include "runtime/sandbox/launcher.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "runtime/base/fields.hpp"
#include "runtime/sandbox/passed.hpp"
#include "runtime/sandbox/spec_bytes.hpp"

namespace troupe::sandbox {
namespace {

using base::Bytes;

enum class Order : std::uint8_t { make = 1, end = 2 };

constexpr std::uint8_t kForNoLimit = 0xff;
constexpr std::size_t kHeadBytes = 9;  // the order, the id
constexpr std::size_t kStreams = 3;

base::Instant time_now() {
  return base::Instant(std::chrono::duration_cast<base::Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

bool send_packet(int to, const Bytes& bytes, std::span<const int> descriptors) {
  iovec part{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kStreams * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* const head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(head), descriptors.data(), descriptors.size_bytes());
  }
  ssize_t sent = 0;
  do sent = ::sendmsg(to, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(bytes.size());
}

struct Received {
  Bytes bytes;  // empty: the other side is gone
  std::vector<base::Descriptor> descriptors;
};

/// Nothing if there is none now.
std::optional<Received> receive_packet(int from) {
  Received out;
  out.bytes.resize(kPacketBytesMax + kHeadBytes);
  iovec part{out.bytes.data(), out.bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kStreams * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t got = ::recvmsg(from, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  out.bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  out.descriptors = passed_with(message);
  return out;
}

Bytes head(std::uint8_t order, SandboxId id) {
  Bytes out;
  base::append_number(out, order);
  base::append_number(out, id.value);
  return out;
}

/// In the launcher.
class Server {
 public:
  explicit Server(int talk) : talk_(talk) {}
  ~Server() {
    running_.clear();
    for (const std::string& group : groups_) remove_leftovers(places_, group);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void serve() {
    while (!gone_) {
      wait();
      while (const auto packet = receive_packet(talk_)) {
        if (packet->bytes.empty()) return;
        take(*packet);
      }
      step();
    }
  }

 private:
  void wait() {
    std::vector<pollfd> watched{{talk_, POLLIN, 0}};
    base::Instant due = base::Instant::max();
    for (const auto& [id, sandbox] : running_) {
      due = std::min(due, sandbox->due());
      for (const int one : sandbox->descriptors()) watched.push_back({one, POLLIN, 0});
    }
    if (running_.empty()) {
      ::ppoll(watched.data(), watched.size(), nullptr, nullptr);
      return;
    }
    const auto span = std::max(due - time_now(), base::Duration(0));
    const timespec at_most{span / std::chrono::seconds(1), (span % std::chrono::seconds(1)).count()};
    ::ppoll(watched.data(), watched.size(), &at_most, nullptr);
  }

  void take(const Received& packet) {
    base::FieldReader in(packet.bytes);
    const auto order = in.number<std::uint8_t>();
    const SandboxId id{in.number<std::uint64_t>()};
    if (order == static_cast<std::uint8_t>(Order::end)) {
      const auto limit = in.number<std::uint8_t>();
      const auto found = running_.find(id);
      if (found == running_.end()) return;
      found->second->end(limit == kForNoLimit ? std::nullopt : std::optional(static_cast<Limit>(limit)));
      return;
    }
    const auto spec = read_spec(in.rest());
    if (!spec || spec->command.empty() || packet.descriptors.size() != kStreams)
      return refuse(id, {"the order to the launcher was not understood", ""});
    if (running_.size() >= kSandboxesMax || running_.contains(id))
      return refuse(id, {"the launcher has " + std::to_string(running_.size()) + " sandboxes", "again, later"});
    Streams streams{};
    for (std::size_t i = 0; i < kStreams; ++i) streams[i] = packet.descriptors[i].get();
    if (spec->cgroups == Cgroups::where_possible && groups_.insert(spec->group).second)
      remove_leftovers(places_, spec->group);
    auto made = Sandbox::start(*spec, streams, places_, time_now());
    if (!made.ok()) return refuse(id, made.error());
    running_.emplace(id, std::move(made).value());
  }

  void refuse(SandboxId id, const NotMade& why) {
    Outcome out;
    out.why = why.why;
    out.advice = why.advice;
    tell(id, out);
  }

  void step() {
    for (auto at = running_.begin(); at != running_.end();) {
      at->second->step(time_now());
      if (at->second->outcome()) {
        tell(at->first, *at->second->outcome());
        at = running_.erase(at);
      } else {
        ++at;
      }
    }
  }

  void tell(SandboxId id, const Outcome& outcome) {
    Bytes out = head(0, id);
    base::append(out, write(outcome));
    if (!send_packet(talk_, out, {})) gone_ = true;
  }

  int talk_;
  bool gone_ = false;
  const CgroupPlaces places_ = find_cgroups();
  std::set<std::string> groups_;  // whose leftovers are removed; a node has one
  std::map<SandboxId, std::unique_ptr<Sandbox>> running_;
};

[[noreturn]] void become_launcher(int talk) {
  constexpr int kOwn = 3;
  // It outlives the process that started it by a moment, and cleans up: what ends that one is not for it.
  ::setsid();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(signal, SIG_IGN);
  ::prctl(PR_SET_NAME, "troupe launcher");
  ::prctl(PR_SET_DUMPABLE, 0);
  if (talk != kOwn) ::dup3(talk, kOwn, O_CLOEXEC);
  ::syscall(SYS_close_range, kOwn + 1, ~0u, 0);
  Server(kOwn).serve();  // a temporary: it is gone after this line
  ::_exit(0);
}

}  // namespace

std::optional<Launcher> Launcher::start() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return std::nullopt;
  base::Descriptor own(ends[0]), theirs(ends[1]);
  const pid_t process = ::fork();
  if (process < 0) return std::nullopt;
  if (process == 0) {
    own.reset();
    become_launcher(theirs.get());
  }
  return Launcher(process, std::move(own));
}

Launcher::~Launcher() {
  if (!talk_.valid()) return;  // moved from
  talk_.reset();
  while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) continue;
}

bool Launcher::make(SandboxId id, const Spec& spec, const Streams& streams) {
  if (spec.inside.run != nullptr || gone_) return false;
  Bytes out = head(static_cast<std::uint8_t>(Order::make), id);
  base::append(out, write(spec));
  return out.size() <= kPacketBytesMax && send_packet(talk_.get(), out, streams);
}

void Launcher::end(SandboxId id, std::optional<Limit> limit) {
  Bytes out = head(static_cast<std::uint8_t>(Order::end), id);
  out.push_back(limit ? static_cast<std::uint8_t>(*limit) : kForNoLimit);
  send_packet(talk_.get(), out, {});
}

std::optional<Launcher::Finished> Launcher::next() {
  while (!gone_) {
    const auto packet = receive_packet(talk_.get());
    if (!packet) return std::nullopt;
    gone_ = packet->bytes.empty();
    if (packet->bytes.size() < kHeadBytes) continue;
    const base::ByteView bytes = packet->bytes;
    auto outcome = read_outcome(bytes.subspan(kHeadBytes));
    if (outcome) return Finished{{base::load<std::uint64_t>(bytes, 1)}, std::move(*outcome)};
  }
  return std::nullopt;
}

}  // namespace troupe::sandbox
