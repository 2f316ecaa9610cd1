#include "runtime/sandbox/server.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "runtime/base/fields.hpp"
#include "runtime/sandbox/launcher.hpp"
#include "runtime/sandbox/packet.hpp"
#include "runtime/sandbox/passed.hpp"
#include "runtime/sandbox/pool.hpp"
#include "runtime/sandbox/spec_bytes.hpp"
#include "runtime/sandbox/time_now.hpp"

namespace troupe::sandbox {
namespace {

constexpr base::Duration kTakeMost =
    std::chrono::milliseconds{50};  // our choice: then the running sandboxes have their turn

constexpr std::size_t kStreams = std::tuple_size_v<Streams>;
static_assert(std::max({kStreams, kOutputsMax + 1, kHostsMax}) <= kPassedMax);
static_assert(1 + kSandboxesMax * (kIdBytes + kUsageBytes) <= kPacketBytesMax);

class Server {
 public:
  explicit Server(int talk) : talk_(talk) {}
  ~Server() {
    running_.clear();
    ended_.clear();
    pool_.clear();
    for (const std::string& group : groups_) remove_leftovers(places_, group);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void serve() {
    while (!gone_) {
      const bool happened = wait();
      // A program that begins may end soon, so it comes first. Also, a copy of this process would inherit the streams
      // of an ordered sandbox.
      if (!happened && !ordered_ && (running_.empty() || time_now() >= begun_ + kReadyAfter)) pool_.fill(time_now());
      const base::Instant take_until = time_now() + kTakeMost;
      while (time_now() < take_until) {
        auto packet = receive_packet(talk_);
        if (!packet) break;
        if (packet->bytes.empty()) return;
        take(std::move(*packet));
      }
      step();
      tell_usages();
      flush();
    }
  }

 private:
  /// Returns false if nothing has happened.
  bool wait() {
    std::vector<pollfd> watched{{talk_, static_cast<short>(told_.empty() ? POLLIN : POLLIN | POLLOUT), 0}};
    base::Instant due = pool_.due(running_.empty() ? time_now() : std::max(time_now(), begun_ + kReadyAfter));
    for (const auto& [id, sandbox] : running_) {
      due = std::min(due, sandbox->due());
      for (const int one : sandbox->descriptors()) watched.push_back({one, POLLIN, 0});
    }
    for (const auto& sandbox : ended_)
      for (const int one : sandbox->descriptors()) watched.push_back({one, POLLIN, 0});
    if (due == base::Instant::max()) return ::ppoll(watched.data(), watched.size(), nullptr, nullptr) != 0;
    const auto span = std::max(due - time_now(), base::Duration(0));
    const timespec at_most{span / std::chrono::seconds(1), (span % std::chrono::seconds(1)).count()};
    return ::ppoll(watched.data(), watched.size(), &at_most, nullptr) != 0;
  }

  void take(Packet packet) {
    base::FieldReader in(packet.bytes);
    const auto word = in.number<std::uint8_t>();
    const SandboxId id{in.number<std::uint64_t>()};
    if (word == static_cast<std::uint8_t>(Word::end)) {
      const auto limit = in.number<std::uint8_t>();
      const auto found = running_.find(id);
      if (found == running_.end()) return;
      found->second->end(limit == kForNoLimit ? std::nullopt : std::optional(static_cast<Limit>(limit)));
      return;
    }
    if (word == static_cast<std::uint8_t>(Word::make)) {
      ordered_.emplace(id, std::move(packet));
      return;
    }
    if (word != static_cast<std::uint8_t>(Word::go) || !ordered_ || ordered_->first != id) return;
    Packet ordered = std::move(std::exchange(ordered_, std::nullopt)->second);
    begin(id, std::move(ordered));
  }

  void begin(SandboxId id, Packet packet) {
    base::FieldReader in(packet.bytes);
    in.take(kHeadBytes);
    const auto spec = read_spec(in.rest());
    if (!spec || spec->command.empty() || packet.descriptors.size() != kStreams)
      return refuse(id, {"the launcher could not decode the order", ""});
    if (running_.empty()) usages_told_ = time_now();
    const std::size_t there = running_.size() + ended_.size();
    if (there >= kSandboxesMax || running_.contains(id))
      return refuse(id, {"the launcher has " + std::to_string(there) + " sandboxes", "retry later"});
    Streams streams{};
    std::ranges::move(packet.descriptors, streams.begin());
    if (spec->cgroups == Cgroups::where_possible && groups_.insert(spec->group).second)
      remove_leftovers(places_, spec->group);
    begun_ = time_now();
    if (auto ready = pool_.take(*spec, streams, time_now()))
      return static_cast<void>(running_.emplace(id, std::move(ready)));
    auto made = Sandbox::start(*spec, std::move(streams), places_, time_now());
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
      if (auto listeners = at->second->take_listeners(); !listeners.empty())
        told_.push_back({head(Word::listens, at->first), std::move(listeners)});
      if (!at->second->outcome()) {
        ++at;
        continue;
      }
      // Its disk goes with the outputs: the node frees it, on a thread for which no other program waits.
      std::vector<base::Descriptor> passed = at->second->take_outputs();
      if (base::Descriptor disk = at->second->take_disk(); disk.valid()) passed.push_back(std::move(disk));
      tell(at->first, *at->second->outcome(), std::move(passed));
      if (!at->second->gone()) ended_.push_back(std::move(at->second));
      at = running_.erase(at);
    }
    std::erase_if(ended_, [this](const auto& sandbox) {
      sandbox->step(time_now());
      return sandbox->gone();
    });
  }

  void tell(SandboxId id, const Outcome& outcome, std::vector<base::Descriptor> passed = {}) {
    base::Bytes out = head(Word::outcome, id);
    base::append(out, write(outcome));
    told_.push_back({std::move(out), std::move(passed)});
  }

  /// Sends as many packets as the other side accepts now. If it does not read, the running sandboxes keep their limits.
  void flush() {
    while (!told_.empty()) {
      std::vector<int> passed;
      for (const base::Descriptor& one : told_.front().descriptors) passed.push_back(one.get());
      const Sent sent = send_packet(talk_, told_.front().bytes, passed);
      if (sent == Sent::later) return;
      if (sent == Sent::never) gone_ = true;
      told_.pop_front();
    }
  }

  /// Reports all usages in one packet. If the socket is full, they are reported in the next period.
  void tell_usages() {
    const base::Instant now = time_now();
    if (running_.empty() || now < usages_told_ + kUsagePeriod) return;
    usages_told_ = now;
    base::Bytes out{static_cast<std::uint8_t>(Word::usages)};
    for (const auto& [id, sandbox] : running_) {
      base::append_number(out, id.value);
      base::append(out, write(sandbox->usage(now)));
    }
    send_packet(talk_, out, {});
  }

  int talk_;
  bool gone_ = false;
  std::optional<std::pair<SandboxId, Packet>>
      ordered_;  // its streams are still open; the next packet says that they are closed
  struct Told {
    base::Bytes bytes;
    std::vector<base::Descriptor> descriptors;
  };
  std::deque<Told> told_;  // packets that the other side has not received
  base::Instant usages_told_{};
  base::Instant begun_{};  // start of the latest running sandbox
  const CgroupPlaces places_ = find_cgroups();
  Pool pool_{places_};
  std::set<std::string> groups_;  // whose leftovers are removed; a node has one
  std::map<SandboxId, std::unique_ptr<Sandbox>> running_;
  std::vector<std::unique_ptr<Sandbox>> ended_;  // the kernel still has to end their namespaces
};

}  // namespace

[[noreturn]] void become_launcher(int talk) {
  constexpr int kOwn = 3;
  // It outlives the process that started it briefly, to clean up: signals that end that process must not end it.
  ::setsid();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(signal, SIG_IGN);
  ::prctl(PR_SET_NAME, "troupe launcher");
  // Each sandbox needs descriptors, and programs get a separate limit.
  if (rlimit files{}; ::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  if (talk != kOwn) ::dup3(talk, kOwn, O_CLOEXEC);
  ::syscall(SYS_close_range, kOwn + 1, ~0u, 0);
  Server(kOwn).serve();  // a temporary: it is destroyed after this line
  ::_exit(0);
}

}  // namespace troupe::sandbox
