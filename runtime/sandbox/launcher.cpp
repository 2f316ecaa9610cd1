#include "runtime/sandbox/launcher.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "runtime/base/fields.hpp"
#include "runtime/sandbox/closer.hpp"
#include "runtime/sandbox/passed.hpp"
#include "runtime/sandbox/pool.hpp"
#include "runtime/sandbox/processes.hpp"
#include "runtime/sandbox/reclaim_watch.hpp"
#include "runtime/sandbox/spec_bytes.hpp"
#include "runtime/sandbox/watchdog.hpp"

namespace troupe::sandbox {
namespace {

using base::Bytes;

constexpr base::Duration kSpareEvery = std::chrono::milliseconds{200};  // our choice: what one has had is free by then
constexpr base::Duration kWaitMost = kStuckLook * kStuckLooks / 2;      // or the watchdog would take it for stuck
constexpr base::Duration kTakeMost = std::chrono::milliseconds{50};   // our choice: then those that run have their turn
constexpr base::Duration kKeptWaitingMost = std::chrono::seconds{1};  // our choice
constexpr int kKeptWaitingPart = 3;                                   // our choice: of the time

// The first byte of a packet.
enum class Word : std::uint8_t {
  make = 1,     ///< an id, a spec; with the streams
  end = 2,      ///< an id, a limit
  outcome = 3,  ///< an id, an Outcome; with its outputs
  usages = 4,   ///< of each sandbox that runs an id, a Usage
  listens = 5,  ///< an id; with what takes connections to its hosts
  go = 6,       ///< an id: after its `make`, once the other side has closed the streams
  begun = 7,    ///< an id: after its `go`, whether it runs or was refused
};

constexpr std::uint8_t kForNoLimit = 0xff;
constexpr std::size_t kIdBytes = 8;
constexpr std::size_t kHeadBytes = 1 + kIdBytes;
constexpr std::size_t kStreams = 3;
static_assert(std::max({kStreams, kOutputsMax, kHostsMax}) <= kPassedMax);
static_assert(kSandboxesMax <= kWatchedMax);
static_assert(1 + kSandboxesMax * (kIdBytes + kUsageBytes) <= kPacketBytesMax);

base::Instant time_now() {
  return base::Instant(std::chrono::duration_cast<base::Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

using Sent = Launcher::Sent;

Sent send_packet(int to, const Bytes& bytes, std::span<const int> descriptors) {
  errno = 0;
  if (pass(to, bytes, descriptors)) return Sent::yes;
  // The kernel may be short of memory for a moment, and as many descriptors may be on their way as a process may have
  // open.
  return errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM || errno == ETOOMANYREFS ? Sent::later : Sent::never;
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
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kPassedMax * sizeof(int))> control{};
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

Bytes head(Word word, SandboxId id) {
  Bytes out;
  base::append_number(out, static_cast<std::uint8_t>(word));
  base::append_number(out, id.value);
  return out;
}

/// In the launcher.
class Server {
 public:
  explicit Server(int talk) : talk_(talk) {}
  ~Server() {
    while (!running_.empty()) {
      watchdog_.forget(running_.begin()->first.value);
      running_.erase(running_.begin());
    }
    ended_.clear();
    pool_.clear();
    for (const std::string& group : groups_) remove_leftovers(places_, group);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void serve() {
    while (!gone_) {
      watchdog_.next_turn();
      const bool happened = wait();
      watchdog_.next_turn();
      // What begins, and may end soon, is heard first.
      // A copy of this process would have the streams of one that is ordered, too.
      if (!happened && !ordered_ && (running_.empty() || time_now() >= begun_ + kReadyAfter)) pool_.fill(time_now());
      const base::Instant take_until = time_now() + kTakeMost;
      while (time_now() < take_until) {
        auto packet = receive_packet(talk_);
        if (!packet) break;
        if (packet->bytes.empty()) return;
        take(std::move(*packet));
        watchdog_.next_turn();
      }
      step();
      spare_machine();
      tell_usages();
      flush();
    }
  }

 private:
  /// False if nothing has happened.
  bool wait() {
    std::vector<pollfd> watched{{talk_, static_cast<short>(told_.empty() ? POLLIN : POLLIN | POLLOUT), 0}};
    base::Instant due = pool_.due(running_.empty() ? time_now() : std::max(time_now(), begun_ + kReadyAfter));
    for (const auto& [id, sandbox] : running_) {
      due = std::min(due, sandbox->due());
      for (const int one : sandbox->descriptors()) watched.push_back({one, POLLIN, 0});
    }
    for (const auto& sandbox : ended_)
      for (const int one : sandbox->descriptors()) watched.push_back({one, POLLIN, 0});
    if (!running_.empty()) due = std::min<base::Instant>(due, time_now() + kWaitMost);
    if (due == base::Instant::max()) return ::ppoll(watched.data(), watched.size(), nullptr, nullptr) != 0;
    const auto span = std::max(due - time_now(), base::Duration(0));
    const timespec at_most{span / std::chrono::seconds(1), (span % std::chrono::seconds(1)).count()};
    return ::ppoll(watched.data(), watched.size(), &at_most, nullptr) != 0;
  }

  void take(Received packet) {
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
    Received ordered = std::move(std::exchange(ordered_, std::nullopt)->second);
    begin(id, std::move(ordered));
    told_.push_back({head(Word::begun, id), {}});
  }

  void begin(SandboxId id, Received packet) {
    base::FieldReader in(packet.bytes);
    in.take(kHeadBytes);
    const auto spec = read_spec(in.rest());
    if (!spec || spec->command.empty() || packet.descriptors.size() != kStreams)
      return refuse(id, {"the order to the launcher was not understood", ""});
    if (running_.empty()) usages_told_ = time_now();
    const std::size_t there = running_.size() + ended_.size();
    if (there >= kSandboxesMax || running_.contains(id))
      return refuse(id, {"the launcher has " + std::to_string(there) + " sandboxes", "again, later"});
    Streams streams{};
    std::ranges::move(packet.descriptors, streams.begin());
    if (spec->cgroups == Cgroups::where_possible && groups_.insert(spec->group).second)
      remove_leftovers(places_, spec->group);
    begun_ = time_now();
    if (auto ready = pool_.take(*spec, streams, time_now())) return run(id, std::move(ready));
    auto made = Sandbox::start(*spec, std::move(streams), places_, time_now());
    if (!made.ok()) return refuse(id, made.error());
    run(id, std::move(made).value());
  }

  void run(SandboxId id, std::unique_ptr<Sandbox> one) {
    starts_waited_ += one->waited_for_mounts();
    if (one->of_others()) watchdog_.watch(id.value, one->life(), one->cores(), one->longest_wait());
    running_.emplace(id, std::move(one));
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
      watchdog_.next_turn();
      if (auto listeners = at->second->take_listeners(); !listeners.empty())
        told_.push_back({head(Word::listens, at->first), std::move(listeners)});
      if (at->second->outcome()) {
        Outcome outcome = *at->second->outcome();
        if (watchdog_.forget(at->first.value)) hold_up(outcome);
        closer_.close(at->second->take_disk());
        tell(at->first, outcome, at->second->take_outputs());
        if (!at->second->gone()) ended_.push_back(std::move(at->second));
        at = running_.erase(at);
      } else {
        ++at;
      }
    }
    std::erase_if(ended_, [this](const auto& sandbox) {
      sandbox->step(time_now());
      watchdog_.next_turn();
      return sandbox->gone();
    });
  }

  /// Of one that the watchdog has ended: that is no answer of its program, unless it had ended by itself.
  static void hold_up(Outcome& outcome) {
    if (outcome.how != Ended::signalled || !outcome.tripwire.empty()) return;
    outcome.how = Ended::spared;
    outcome.limit.reset();
    outcome.held_up = true;
    outcome.why = "it kept this node waiting in the kernel";
  }

  /// Before the kernel ends what it likes: the newest program of others goes, and the next one if that is not enough.
  void spare_machine() {
    const base::Instant now = time_now();
    if (now < spared_ + kSpareEvery) return;
    spared_ = now;
    const auto of_others = std::find_if(running_.rbegin(), running_.rend(), [](const auto& one) {
      return one.second->of_others() && !one.second->ended();
    });
    if (of_others == running_.rend()) return;
    if (is_short_of_memory(meminfo())) of_others->second->spare();
    watch_mounts();
    watch_reclaim();
  }

  /// A start takes the lock of all mounts a hundred times, most of them as its init, and others of the machine; with a
  /// large root a thousand times here. A wait for it that ends is none that the watchdog sees. What one of others waits
  /// for while it is made may be a disk, which its owner has made slow.
  void watch_mounts() {
    const base::Instant began = time_now();
    wait_for_mounts();
    const base::Instant ended = time_now();
    const auto since = std::min<base::Duration>(ended - std::exchange(mounts_watched_, ended), kKeptWaitingMost);
    const bool one_waits = std::ranges::any_of(
        running_, [](const auto& one) { return !one.second->of_others() && one.second->waits_to_be_made(); });
    const auto waited = ended - began + std::exchange(starts_waited_, {});
    kept_waiting_ += (one_waits ? since : std::min(waited, since)) - since / kKeptWaitingPart;
    kept_waiting_ = std::max(kept_waiting_, base::Duration::zero());
    if (kept_waiting_ < kKeptWaitingMost) return;
    kept_waiting_ = kKeptWaitingMost / 2;
    watchdog_.end_longest();
  }

  /// Who waits for memory waits while the kernel walks all mappings of what it takes back.
  void watch_reclaim() {
    if (!reclaim_.is_slow(waited_for_memory(memory_pressure()), time_now())) return;
    std::vector<Mapped> programs;
    for (const auto& [id, sandbox] : running_) {
      if (sandbox->of_others()) programs.push_back({id.value, sandbox->site(), sandbox->mapped()});
      watchdog_.next_turn();
    }
    const auto files_of = [this](std::uint64_t program, base::Duration time) {
      watchdog_.next_turn();
      return running_.at({program})->mapped_of_files(kMappedMost, time);
    };
    for (const auto program : reclaim_.those_to_end(std::move(programs), files_of)) watchdog_.end(program);
  }

  void tell(SandboxId id, const Outcome& outcome, std::vector<base::Descriptor> outputs = {}) {
    Bytes out = head(Word::outcome, id);
    base::append(out, write(outcome));
    told_.push_back({std::move(out), std::move(outputs)});
  }

  /// As many as the other side takes now: while it does not read, the limits of those that run hold all the same.
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

  /// Of all in one packet. If there is no room for it, they are told in the next period.
  void tell_usages() {
    const base::Instant now = time_now();
    if (running_.empty() || now < usages_told_ + kUsagePeriod) return;
    usages_told_ = now;
    Bytes out{static_cast<std::uint8_t>(Word::usages)};
    for (const auto& [id, sandbox] : running_) {
      base::append_number(out, id.value);
      base::append(out, write(sandbox->usage(now)));
      if (sandbox->of_others()) watchdog_.watch(id.value, sandbox->life(), sandbox->cores(), sandbox->longest_wait());
    }
    send_packet(talk_, out, {});
  }

  int talk_;
  bool gone_ = false;
  std::optional<std::pair<SandboxId, Received>> ordered_;  // its streams are not closed yet; the next packet says so
  struct Told {
    Bytes bytes;
    std::vector<base::Descriptor> descriptors;
  };
  std::deque<Told> told_;  // packets that the other side has yet to take
  base::Instant usages_told_{}, spared_{}, mounts_watched_{};
  base::Duration kept_waiting_{};   // by who has the lock of all mounts, beyond a part of the time
  base::Duration starts_waited_{};  // for that lock, since mounts_watched_
  ReclaimWatch reclaim_{std::max(std::thread::hardware_concurrency(), 1u)};
  base::Instant begun_{};  // the latest of those that run
  const CgroupPlaces places_ = find_cgroups();
  Pool pool_{places_};
  std::set<std::string> groups_;  // whose leftovers are removed; a node has one
  std::map<SandboxId, std::unique_ptr<Sandbox>> running_;
  Watchdog watchdog_;
  Closer closer_;
  std::vector<std::unique_ptr<Sandbox>> ended_;  // the kernel still has to end their namespaces
};

[[noreturn]] void become_launcher(int talk) {
  constexpr int kOwn = 3;
  // It outlives the process that started it by a moment, and cleans up: what ends that one is not for it.
  ::setsid();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(signal, SIG_IGN);
  ::prctl(PR_SET_NAME, "troupe launcher");
  // Each sandbox takes some, and programs get a limit of their own.
  if (rlimit files{}; ::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  if (talk != kOwn) ::dup3(talk, kOwn, O_CLOEXEC);
  ::syscall(SYS_close_range, kOwn + 1, ~0u, 0);
  Server(kOwn).serve();  // a temporary: it is gone after this line
  ::_exit(0);
}

}  // namespace

Outcome killed(std::optional<Limit> limit) {
  Outcome out;
  out.how = Ended::signalled;
  out.status = SIGKILL;
  out.limit = limit;
  return out;
}

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

bool Launcher::make(SandboxId id, const Spec& spec, Streams streams) {
  if (spec.inside.run != nullptr || gone_) return false;
  Bytes out = head(Word::make, id);
  base::append(out, write(spec));
  if (out.size() > kPacketBytesMax) return false;
  Order order{std::move(out), std::move(streams)};
  if (spec.whose == Whose::others) {
    of_others_[spec.site].push_back({id, std::move(order)});
    give_orders();
    return true;
  }
  give_orders();
  const Sent sent = orders_.empty() ? send_order(order) : Sent::later;
  if (sent == Sent::never) return false;
  if (sent == Sent::later) orders_.push_back(std::move(order));
  order.streams = {};
  orders_.push_back({head(Word::go, id), {}});
  give_orders();
  return true;
}

void Launcher::end(SandboxId id, std::optional<Limit> limit) {
  if (leaves_line(id)) return heard_.push_back({id, killed(limit)});
  Bytes out = head(Word::end, id);
  out.push_back(limit ? static_cast<std::uint8_t>(*limit) : kForNoLimit);
  orders_.push_back({std::move(out), {}});
  give_orders();
}

Launcher::Sent Launcher::send_order(const Order& order) const {
  std::vector<int> streams;
  for (const base::Descriptor& one : order.streams)
    if (one.valid()) streams.push_back(one.get());
  return send_packet(talk_.get(), order.bytes, streams);
}

/// Whether it had waited for its turn.
bool Launcher::leaves_line(SandboxId id) {
  for (auto line = of_others_.begin(); line != of_others_.end(); ++line) {
    if (std::erase_if(line->second, [id](const OfOthers& one) { return one.id == id; }) == 0) continue;
    if (line->second.empty()) of_others_.erase(line);
    return true;
  }
  return false;
}

void Launcher::give_turns() {
  while (!of_others_.empty() && under_way_.size() < kOthersUnderWay) {
    auto line = of_others_.upper_bound(last_site_);
    if (line == of_others_.end()) line = of_others_.begin();
    last_site_ = line->first;
    OfOthers next = std::move(line->second.front());
    line->second.pop_front();
    if (line->second.empty()) of_others_.erase(line);
    under_way_.insert(next.id);
    orders_.push_back(std::move(next.order));
    orders_.push_back({head(Word::go, next.id), {}});
  }
}

void Launcher::give_orders() {
  give_turns();
  while (!orders_.empty()) {
    const Order& next = orders_.front();
    const Sent sent = send_order(next);
    if (sent == Sent::later) return;
    if (sent == Sent::never && next.streams.front().valid()) {
      const SandboxId id{base::load<std::uint64_t>(next.bytes, 1)};
      Outcome lost;
      lost.why = "the launcher could not be told of it";
      heard_.push_back({id, std::move(lost)});
      under_way_.erase(id);
    }
    orders_.pop_front();
  }
}

bool Launcher::wait(std::chrono::milliseconds at_most) const {
  if (!heard_.empty() || gone_) return true;
  pollfd talk{talk_.get(), POLLIN, 0};
  return ::poll(&talk, 1, static_cast<int>(at_most.count())) != 0;
}

std::optional<Launcher::Heard> Launcher::next() {
  give_orders();
  while (heard_.empty() && !gone_) {
    auto packet = receive_packet(talk_.get());
    if (!packet) return std::nullopt;
    gone_ = packet->bytes.empty();
    take(packet->bytes, std::move(packet->descriptors));
  }
  if (heard_.empty()) return std::nullopt;
  Heard out = std::move(heard_.front());
  heard_.pop_front();
  return out;
}

void Launcher::take(base::ByteView packet, std::vector<base::Descriptor> descriptors) {
  base::FieldReader in(packet);
  const auto word = in.number<std::uint8_t>();
  if (word == static_cast<std::uint8_t>(Word::outcome)) {
    const SandboxId id{in.number<std::uint64_t>()};
    auto outcome = read_outcome(in.rest());
    if (!outcome) return;
    if (outcome->outputs.size() != descriptors.size()) {
      outcome->how = Ended::not_made;
      outcome->outputs.clear();
      outcome->limit.reset();
      outcome->why = "its outputs were lost: this process may open no more files";
      outcome->advice = "ulimit -n";
      descriptors.clear();
    }
    heard_.push_back({id, std::move(*outcome), std::move(descriptors)});
  }
  if (word == static_cast<std::uint8_t>(Word::begun)) {
    under_way_.erase({in.number<std::uint64_t>()});
    give_orders();
  }
  if (word == static_cast<std::uint8_t>(Word::listens)) {
    const SandboxId id{in.number<std::uint64_t>()};
    if (in.ended()) heard_.push_back({id, Listens{}, std::move(descriptors)});
  }
  while (word == static_cast<std::uint8_t>(Word::usages) && in.ok() && !in.ended()) {
    const SandboxId id{in.number<std::uint64_t>()};
    if (const auto usage = read_usage(in.take(kUsageBytes))) heard_.push_back({id, *usage});
  }
}

}  // namespace troupe::sandbox
