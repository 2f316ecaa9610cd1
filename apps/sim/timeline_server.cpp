#include "apps/sim/timeline_server.hpp"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <fstream>
#include <functional>

#include "apps/sim/instant.hpp"
#include "apps/sim/trial.hpp"
#include "runtime/actor/taps.hpp"
#include "runtime/os/passing.hpp"
#include "runtime/os/sockets.hpp"
#include "runtime/os/waker.hpp"

namespace troupe::apps::timeline {
namespace {

constexpr std::uint32_t kFrameBytesMax = 64u << 20;  // our choice: the rows of a large node
constexpr std::uint64_t kFirstInterval = 16'384;     // events between the first checkpoints; each costs a fork
constexpr std::uint64_t kNearOfTimes = 4'096;        // events; our choice: while moving to a time
constexpr std::size_t kWeighedEvery = 8;             // checkpoints; our choice
constexpr std::uint64_t kProgressEvery = 8'192;
constexpr std::size_t kRowsMax = 10'000;
constexpr std::size_t kStateBytesMax = 64 * 1024;

bool write_all(int socket, const char* from, std::size_t size) {
  while (size > 0) {
    const ssize_t done = ::write(socket, from, size);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    from += done;
    size -= static_cast<std::size_t>(done);
  }
  return true;
}

bool read_all(int socket, char* to, std::size_t size) {
  while (size > 0) {
    const ssize_t done = ::read(socket, to, size);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    to += done;
    size -= static_cast<std::size_t>(done);
  }
  return true;
}

template <class T, class Fill>
std::string flat(Fill&& fill) {
  capnp::MallocMessageBuilder message;
  fill(message.initRoot<T>());
  const auto words = capnp::messageToFlatArray(message);
  const auto bytes = words.asBytes();
  return {reinterpret_cast<const char*>(bytes.begin()), bytes.size()};
}

/// Returns its share of the memory that it shares with other processes; zero if it is gone.
std::size_t bytes_of(pid_t process) {
  std::ifstream rollup("/proc/" + std::to_string(process) + "/smaps_rollup");
  for (std::string word; rollup >> word;)
    if (std::size_t kib = 0; word == "Pss:" && rollup >> kib) return kib * 1024;
  return 0;
}

class Server final : public sim::Recorder {
 public:
  explicit Server(ServerSetup setup) : setup_(std::move(setup)), trial_(setup_.world.scenario, setup_.workloads) {
    world().keep_names();
    world().tell_taken([this](const Taken&, const runtime::Envelope& envelope) { last_envelope_ = envelope; });
    world().stage().record(this);
  }

  [[noreturn]] void run() {
    const Outcome outcome = trial_.run();
    world().stage().record(nullptr);
    ended_ = true;
    done_ = world().stage().events();
    if (seeks_) seek_on();
    if (recording_) {
      check_trace();
      if (snapshot_ < setup_.world.snapshots.size()) depart(setup_.world.snapshots[snapshot_].event);
      // The end is a checkpoint too: nothing runs after it.
      drop_some();
      if (!free_.empty()) checkpoint();
      if (!is_checkpoint_) {
        const std::string words =
            flat<output::wire::SimWorld>([&](output::wire::SimWorld::Builder out) { write(out, outcome); });
        send(setup_.control, Kind::ended, pack({done_, nanoseconds()}, words));
        wait_for_end();
      }
    }
    while (true) serve_here();
  }

  void event(std::uint64_t number, sim::ActorNumber actor, std::size_t) override {
    done_ = number - 1;
    if (recording_) record_on();
    if (!recording_) move_on();
    last_actor_ = actor;
  }

 private:
  World& world() { return trial_.world(); }
  std::uint64_t nanoseconds() { return static_cast<std::uint64_t>(world().stage().now().since_origin().count()); }

  // -- the first run

  void record_on() {
    check_trace();
    if (done_ % kProgressEvery == 0 && !send(setup_.control, Kind::progress, pack({done_, nanoseconds()}))) ::_exit(0);
    if (done_ < next_checkpoint_) return;
    if (done_ == 0) {
      for (std::size_t i = 0; i < setup_.slots.size(); ++i) free_.push_back(setup_.slots.size() - 1 - i);
    }
    drop_some();
    next_checkpoint_ = done_ + interval_;
    checkpoint();
  }

  void check_trace() {
    while (snapshot_ < setup_.world.snapshots.size() && setup_.world.snapshots[snapshot_].event <= done_) {
      const auto& expected = setup_.world.snapshots[snapshot_];
      const bool same = expected.event == done_ && expected.hash == world().stage().hash();
      if (!same) depart(expected.event);
      ++snapshot_;
    }
  }

  void depart(std::uint64_t event) {
    if (std::exchange(departed_, true)) return;
    send(setup_.control, Kind::departed,
         "this program differs from the trace before event " + std::to_string(event) +
             ", the first snapshot that differs: the trace was recorded by another revision");
  }

  /// Frees slots: every other checkpoint except the first ends, and new ones come at twice the distance.
  void drop_some() {
    const bool look = kept_.size() >= kWeighedEvery && kept_.size() % kWeighedEvery == 0;
    if (!free_.empty() && !(look && bytes_of_all() > setup_.bytes_max)) return;
    std::vector<Kept> left;
    for (std::size_t i = 0; i < kept_.size(); ++i) {
      if (i % 2 == 0) {
        left.push_back(kept_[i]);
        continue;
      }
      ::kill(kept_[i].process, SIGKILL);
      ::waitpid(kept_[i].process, nullptr, 0);
      free_.push_back(kept_[i].slot);
      send(setup_.control, Kind::dropped, pack({kept_[i].slot}));
    }
    kept_ = std::move(left);
    interval_ *= 2;
  }

  /// Measured by one of them, because weighing one takes as long as several hundred events.
  std::size_t bytes_of_all() const {
    return bytes_of(::getpid()) + kept_.size() * bytes_of(kept_[kept_.size() / 2].process);
  }

  void checkpoint() {
    const std::size_t slot = free_.back();
    const pid_t parent = ::getpid();
    const pid_t process = ::fork();
    if (process < 0) return;  // the run continues without this checkpoint
    if (process > 0) {
      free_.pop_back();
      kept_.push_back({slot, process});
      send(setup_.control, Kind::checkpoint, pack({slot, done_}));
      return;
    }
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent) ::_exit(0);
    recording_ = false;
    is_checkpoint_ = true;
    socket_ = setup_.slots[slot];
    wait_as_checkpoint();
  }

  // -- a checkpoint, and its forks

  /// Returns in a new process for each request that moves.
  void wait_as_checkpoint() {
    while (true) {
      auto frame = receive(socket_);
      if (!frame) ::_exit(0);
      if (frame->kind == Kind::bye) continue;
      const pid_t parent = ::getpid();
      const pid_t process = ::fork();
      if (process == 0) {
        if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent) ::_exit(0);
        take(std::move(*frame));
        return;
      }
      if (process < 0) {
        send(socket_, Kind::broken, "cannot start another process");
        continue;
      }
      int status = 0;
      while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
      }
      if (status != 0) send(socket_, Kind::broken, "the process that ran the world up to this event has crashed");
    }
  }

  /// Forks a checkpoint that only the other end keeps: it ends when the other end closes its socket.
  void checkpoint_near() {
    auto ends = os::stream_pair();
    if (!ends) return;  // the move continues without this checkpoint
    const pid_t process = ::fork();
    if (process < 0) return;
    if (process > 0) {
      if (!send(socket_, Kind::near, pack({done_})) || !os::pass(socket_, ends->first.get())) ::_exit(0);
      return;
    }
    if (owns_socket_) ::close(socket_);  // so that its end is noticed
    ends->first.reset();
    socket_ = ends->second.release();
    owns_socket_ = true;
    near_.clear();
    wait_as_checkpoint();
  }

  /// Called between two events of a process that was asked to move.
  void move_on() {
    if (!seeks_ && !near_.empty() && done_ >= near_.back()) {
      near_.pop_back();
      checkpoint_near();
    } else if (!seeks_ && target_time_ > base::Duration{0} && done_ % kNearOfTimes == 0) {
      checkpoint_near();
    }
    if (seeks_) seek_on();
    if (arrived()) serve_here();
  }
  bool arrived() {
    return !seeks_ && (ended_ || (done_ >= target_ && world().stage().now().since_origin() >= target_time_));
  }

  /// Serves requests until it is asked to move.
  void serve_here() {
    if (seeks_) return finish_seek();
    do {
      moved_ = false;
      send(socket_, Kind::instant, instant());
      while (!moved_) {
        auto frame = receive(socket_);
        if (!frame) ::_exit(0);
        take(std::move(*frame));
      }
    } while (arrived());
  }

  void take(Frame frame) {
    const auto node = [&](std::string& rest) {
      return std::min<std::size_t>(unpack(rest).value_or(0), world().size() - 1);
    };
    switch (frame.kind) {
      case Kind::go:
        target_ = unpack(frame.rest).value_or(0);
        target_time_ = {};
        near_.clear();
        while (const auto event = unpack(frame.rest))
          if (*event > done_) near_.push_back(*event);
        moved_ = true;
        return;
      case Kind::go_to:
        target_ = 0;
        near_.clear();
        target_time_ = base::Duration(static_cast<std::int64_t>(unpack(frame.rest).value_or(0)));
        moved_ = true;
        return;
      case Kind::look: return look();
      case Kind::look_at: {
        const std::size_t at = node(frame.rest);
        base::Outcome<void> done;
        const std::string words = flat<inspect::wire::Looked>(
            [&](inspect::wire::Looked::Builder out) { done = write_look(out, world(), at, frame.rest); });
        if (done.ok()) send(socket_, Kind::looked, words);
        else send(socket_, Kind::error, done.error().message);
        return;
      }
      case Kind::last:
      case Kind::first: {
        Seek seek{.first = frame.kind == Kind::first};
        seek.node = node(frame.rest);
        seek.limit = unpack(frame.rest).value_or(0);
        seek.what = static_cast<Change>(unpack(frame.rest).value_or(0));
        seek.path = frame.rest;
        seek.before = state_of(seek);
        seeks_ = std::move(seek);
        moved_ = true;
        return;
      }
      case Kind::bye: ::_exit(0);
      default: ::_exit(0);
    }
  }

  void look() {
    for (std::size_t node = 0; node < world().size(); ++node) {
      send(socket_, Kind::status, flat<node::wire::NodeStatus>([&](node::wire::NodeStatus::Builder out) {
             write_status(out, world(), node);
           }));
      send(socket_, Kind::actors, flat<inspect::wire::ActorRows>([&](inspect::wire::ActorRows::Builder out) {
             write_actors(out, world(), node, kRowsMax);
           }));
      for (const std::string& line : world().log(node)) send(socket_, Kind::log, line);
    }
    send(socket_, Kind::done, {});
  }

  /// Returns "n2 /files"; for an actor that stands for another node, that node's name, "n3".
  std::string name_of(sim::ActorNumber actor) {
    for (std::size_t node = 0; node < world().size(); ++node) {
      if (!world().machine(node).up()) continue;
      runtime::Node& here = world().machine(node).node();
      std::string path;
      here.registry().walk([&](const runtime::Listing& one) {
        if (one.handle.id() == actor) path = one.path;
        return path.empty();
      });
      if (!path.empty()) return node_name(node) + ' ' + path;
      if (!here.remote_names) continue;
      const auto names = here.remote_names({actor});
      const auto known = names.find(actor);
      if (known == names.end()) continue;
      const std::string id = known->second.substr(0, known->second.find_first_not_of("0123456789abcdef"));
      for (std::size_t other = 0; other < world().size() && !id.empty(); ++other)
        if (const auto full = world().id(other); full && full->hex().starts_with(id)) return node_name(other);
      return known->second;
    }
    return world().name(actor);
  }

  /// Returns a number other than zero. Messages of two kinds may have the same bytes.
  static std::uint64_t words_of(const runtime::Envelope& envelope) {
    const auto bytes = envelope.bytes();
    const std::uint64_t kind = envelope.kind() == nullptr ? 0 : envelope.kind()->id;
    return (std::hash<std::string_view>{}({reinterpret_cast<const char*>(bytes.data()), bytes.size()}) ^ kind) | 1;
  }

  std::string instant() {
    std::string what = "nothing has happened yet";
    if (done_ > 0 && last_actor_ == 0) what = "a scheduled event: the network, a disk or a clock";
    else if (done_ > 0) what = name_of(last_actor_);
    const auto& taken = world().last_taken();
    const bool fresh = taken.to == last_actor_ && last_actor_ != 0 && taken.event == done_;
    if (fresh && taken.kind != nullptr)
      what += " took " + std::string(taken.kind->name) + (taken.from == 0 ? "" : " from " + name_of(taken.from));
    return pack({done_, nanoseconds(), world().stage().hash(), fresh ? words_of(last_envelope_) : 0}, what);
  }

  // -- searching for a change

  struct Seek {
    bool first = false;
    std::size_t node = 0;
    std::uint64_t limit = 0;
    Change what{};
    std::string path;
    std::string before;
    std::shared_ptr<runtime::Tap> tap = {};  // for `sent`: on the node in its current life
    std::uint64_t life = 0;
    std::string found = {};  // an instant; empty: none yet
  };

  /// With a mark in front, so that a missing actor differs from an actor with an empty state.
  std::string state_of(const Seek& seek) {
    if (seek.what != Change::of_state) return {};
    const auto line = state_line(world(), seek.node, seek.path, kStateBytesMax);
    return line ? "=" + *line : "-";
  }

  /// Returns the actor that sent, in the event that has just happened, the wanted message.
  std::optional<std::string> sender_of(Seek& seek) {
    sim::Machine& machine = world().machine(seek.node);
    if (!machine.up()) return std::nullopt;
    if (seek.tap == nullptr || seek.life != machine.lives()) {
      seek.life = machine.lives();
      seek.tap = machine.node().taps().open([](auto&&...) { return true; }, 0, base::Instant::max());
      return std::nullopt;
    }
    std::optional<std::string> out;
    const auto taken = seek.tap->take();
    for (const runtime::Tapped& one : taken.messages) {
      const bool same = one.way == runtime::Tapped::Direction::out && hash_text(words_of(one.envelope)) == seek.path;
      if (same) out = name_of(one.other);
    }
    return out;
  }

  void seek_on() {
    Seek& seek = *seeks_;
    if (done_ > seek.limit) return finish_seek();
    bool changed = false;
    if (seek.what == Change::sent) {
      if (auto sender = sender_of(seek)) seek.found = pack({done_, nanoseconds(), world().stage().hash(), 0}, *sender);
    } else if (seek.what == Change::handled) {
      changed = last_actor_ != 0 && world().name(last_actor_) == seek.path && seek_began_;
    } else {
      std::string now = state_of(seek);
      changed = now != seek.before;
      seek.before = std::move(now);
    }
    seek_began_ = true;
    if (!changed) return;
    seek.found = instant();
    if (seek.first) finish_seek();
  }

  void finish_seek() {
    const std::string found = std::exchange(seeks_, std::nullopt)->found;
    send(socket_, found.empty() ? Kind::none : Kind::instant, found);
    ::_exit(0);
  }

  /// Reports ended checkpoints until the screens end.
  [[noreturn]] void wait_for_end() {
    while (true) {
      const std::array<int, 1> control{setup_.control};
      if (os::Waker::readable(control, std::chrono::milliseconds(200)).front()) {
        char byte = 0;
        if (::read(setup_.control, &byte, 1) == 0) break;
      }
      for (pid_t ended = 0; (ended = ::waitpid(-1, nullptr, WNOHANG)) > 0;) {
        const auto one = std::ranges::find(kept_, ended, &Kept::process);
        if (one == kept_.end()) continue;
        send(setup_.control, Kind::dropped, pack({one->slot}));
        kept_.erase(one);
      }
    }
    for (const Kept& one : kept_) ::kill(one.process, SIGKILL);
    ::_exit(0);
  }

  struct Kept {
    std::size_t slot;
    pid_t process;
  };

  ServerSetup setup_;
  Trial trial_;
  bool recording_ = true;
  bool is_checkpoint_ = false;
  bool ended_ = false;
  std::uint64_t done_ = 0;
  std::uint64_t interval_ = kFirstInterval;
  std::uint64_t next_checkpoint_ = 0;
  std::vector<std::size_t> free_;
  std::vector<Kept> kept_;
  std::size_t snapshot_ = 0;
  bool departed_ = false;

  int socket_ = -1;
  bool owns_socket_ = false;         // of a near checkpoint: it has no slot
  std::vector<std::uint64_t> near_;  // events at which to leave checkpoints; the next is at the back
  std::uint64_t target_ = 0;
  base::Duration target_time_{0};
  bool moved_ = false;
  std::optional<Seek> seeks_;
  bool seek_began_ = false;
  sim::ActorNumber last_actor_ = 0;
  runtime::Envelope last_envelope_;  // moved, not copied
};

}  // namespace

bool send(int socket, Kind kind, const std::string& rest) {
  const auto size = static_cast<std::uint32_t>(rest.size());
  std::string frame(reinterpret_cast<const char*>(&size), sizeof size);
  frame += static_cast<char>(kind);
  frame += rest;
  return write_all(socket, frame.data(), frame.size());
}

std::optional<Frame> receive(int socket) {
  std::uint32_t size = 0;
  char kind = 0;
  if (!read_all(socket, reinterpret_cast<char*>(&size), sizeof size) || !read_all(socket, &kind, 1))
    return std::nullopt;
  if (size > kFrameBytesMax || static_cast<std::uint8_t>(kind) > static_cast<std::uint8_t>(Kind::done))
    return std::nullopt;
  Frame out{static_cast<Kind>(kind), std::string(size, '\0')};
  if (!read_all(socket, out.rest.data(), size)) return std::nullopt;
  return out;
}

std::string pack(std::initializer_list<std::uint64_t> numbers, const std::string& text) {
  std::string out;
  for (const std::uint64_t number : numbers) out.append(reinterpret_cast<const char*>(&number), sizeof number);
  return out + text;
}

std::optional<std::uint64_t> unpack(std::string& rest) {
  std::uint64_t number = 0;
  if (rest.size() < sizeof number) return std::nullopt;
  std::memcpy(&number, rest.data(), sizeof number);
  rest.erase(0, sizeof number);
  return number;
}

void serve(ServerSetup setup) {
  for (const int signal : {SIGINT, SIGTSTP, SIGHUP, SIGQUIT}) ::signal(signal, SIG_IGN);  // signals from terminal keys
  // The terminal belongs to the screens: the end of this process does not touch it.
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) ::signal(signal, SIG_DFL);
  std::set_terminate(std::abort);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // near checkpoints outlive their parent
  Server(std::move(setup)).run();
}

}  // namespace troupe::apps::timeline
