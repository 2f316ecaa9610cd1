#include "apps/sim/timeline.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>

#include "apps/sim/timeline_server.hpp"
#include "runtime/os/passing.hpp"
#include "runtime/os/sockets.hpp"
#include "runtime/os/waker.hpp"

namespace troupe::apps {
namespace {

/// Distances of checkpoints before the target event: a step back finds a checkpoint at most four times as far away as
/// the step. Our choice: eight forks of some milliseconds each. The latest first.
constexpr std::array<std::uint64_t, 8> kNearSteps{1, 4, 16, 64, 256, 1'024, 4'096, 16'384};

}  // namespace

using timeline::Frame;
using timeline::Kind;
using timeline::pack;
using timeline::receive;
using timeline::unpack;

struct Timeline::State {
  std::size_t nodes = 0;
  pid_t process = -1;
  os::Descriptor control;
  std::vector<os::Descriptor> slots;
  std::map<std::uint64_t, std::size_t> checkpoints;  // by event: an index in `slots`
  std::map<std::uint64_t, os::Descriptor> near;      // by event; they end with their sockets
  std::optional<FirstRun> first_run;
  std::vector<std::string> departed;
  std::optional<int> asked;  // the socket whose process responds now
  Instant here;

  ~State() {
    near.clear();
    slots.clear();  // checkpoints end with their sockets
    control.reset();
    if (process > 0)
      while (::waitpid(process, nullptr, 0) < 0 && errno == EINTR) {
      }
  }

  Timeline::Answer<Instant> arrived(const std::function<bool()>& given_up) {
    auto there = instant(answer(*asked, given_up));
    if (!there) return broken();
    here = *there;
    thin_out();
    return here;
  }
  Failure broken() const {
    return {{base::Code::internal, "the world did not respond: its process has ended, or the wait was cancelled"},
            "the screens keep their contents",
            {},
            Exit::failed};
  }

  /// The current process goes away; its checkpoint listens again.
  void leave() {
    if (asked) timeline::send(*asked, Kind::bye, {});
    asked.reset();
  }
  std::optional<Instant> instant(std::optional<Frame> frame) {
    if (!frame || frame->kind != Kind::instant) return std::nullopt;
    Instant out;
    out.event = unpack(frame->rest).value_or(0);
    out.time = base::Duration(static_cast<std::int64_t>(unpack(frame->rest).value_or(0)));
    out.hash = unpack(frame->rest).value_or(0);
    out.words = unpack(frame->rest).value_or(0);
    out.what = frame->rest;
    return out;
  }
  struct From {
    int socket;
    std::uint64_t event;
  };
  /// Returns the latest checkpoint that is not after `event`.
  std::optional<From> before(std::uint64_t event) const {
    const auto kept = checkpoints.upper_bound(event);
    const auto close = near.upper_bound(event);
    if (kept == checkpoints.begin() && close == near.begin()) return std::nullopt;
    if (close == near.begin() || (kept != checkpoints.begin() && std::prev(kept)->first >= std::prev(close)->first))
      return From{slots[std::prev(kept)->second].get(), std::prev(kept)->first};
    return From{std::prev(close)->second.get(), std::prev(close)->first};
  }
  /// Ends near checkpoints that steps back will not use soon: those after this instant, and the earliest.
  void thin_out() {
    while (!near.empty() && near.rbegin()->first > here.event && near.rbegin()->second.get() != asked)
      near.erase(std::prev(near.end()));
    while (near.size() > kNearMax && near.begin()->second.get() != asked) near.erase(near.begin());
  }
  bool is_there(int socket) const {
    return std::ranges::any_of(checkpoints, [&](const auto& one) { return slots[one.second].get() == socket; }) ||
           std::ranges::any_of(near, [&](const auto& one) { return one.second.get() == socket; });
  }
  /// Returns the response of the asked process, or nullopt if it or its checkpoint is gone, or the wait was cancelled.
  /// Then that checkpoint is no longer usable: a late response would be taken for the response to another request.
  std::optional<Frame> answer(int socket, const std::function<bool()>& given_up) {
    const std::array<int, 2> both{socket, control.get()};
    const auto gone = [&] {
      std::erase_if(checkpoints, [&](const auto& one) { return slots[one.second].get() == socket; });
      std::erase_if(near, [&](const auto& one) { return one.second.get() == socket; });
      asked.reset();
      return std::nullopt;
    };
    while (true) {
      const auto ready = os::Waker::readable(both, std::chrono::milliseconds(100));
      if (ready[0]) {
        auto frame = receive(socket);
        if (!frame || frame->kind == Kind::broken) return gone();
        if (frame->kind != Kind::near) return frame;
        auto left = os::receive_passed(socket);
        if (!left) return gone();
        near.insert_or_assign(unpack(frame->rest).value_or(0), std::move(*left));
        continue;
      }
      if (ready[1]) {
        auto frame = receive(control.get());
        if (!frame) return gone();
        note(std::move(*frame));
        if (!is_there(socket)) return gone();
      }
      if (given_up && given_up()) return gone();
    }
  }
  void note(Frame frame) {
    switch (frame.kind) {
      case Kind::progress:
        here.event = unpack(frame.rest).value_or(0);
        here.time = base::Duration(static_cast<std::int64_t>(unpack(frame.rest).value_or(0)));
        return;
      case Kind::checkpoint: {
        const auto slot = unpack(frame.rest).value_or(0);
        checkpoints[unpack(frame.rest).value_or(0)] = static_cast<std::size_t>(slot);
        return;
      }
      case Kind::dropped: {
        const auto slot = unpack(frame.rest).value_or(0);
        std::erase_if(checkpoints, [&](const auto& one) { return one.second == slot; });
        return;
      }
      case Kind::departed: departed.push_back(frame.rest); return;
      case Kind::ended: {
        FirstRun run;
        run.events = unpack(frame.rest).value_or(0);
        run.time = base::Duration(static_cast<std::int64_t>(unpack(frame.rest).value_or(0)));
        run.outcome = timeline::with<output::wire::SimWorld>(frame.rest, [](auto from) { return read(from); });
        run.broken_at = run.outcome.broken() ? run.outcome.event : 0;
        run.verdict = !run.outcome.broken() ? "held"
                                            : run.outcome.invariant + " at event " + std::to_string(run.outcome.event) +
                                                  ": " + run.outcome.why;
        run.departed = departed;
        first_run = std::move(run);
        return;
      }
      default: return;
    }
  }
};

Timeline::Timeline(std::unique_ptr<State> state) : state_(std::move(state)) {}
Timeline::Timeline(Timeline&&) noexcept = default;
Timeline& Timeline::operator=(Timeline&&) noexcept = default;
Timeline::~Timeline() = default;

Timeline::Answer<Timeline> Timeline::open(Recorded world, sim::WorkloadSpecs workloads) {
  const auto failed = [](const std::string& what) {
    return Failure{{base::Code::internal, what + ": " + std::strerror(errno)}, "nothing was run", {}, Exit::failed};
  };
  os::ignore_broken_pipes();
  auto state = std::make_unique<State>();
  state->nodes = world.scenario.nodes;
  std::vector<os::Descriptor> theirs;
  for (std::size_t i = 0; i < kCheckpointsMax + 1; ++i) {
    auto ends = os::stream_pair();
    if (!ends) return failed("cannot make a socket");
    (i == 0 ? state->control : state->slots.emplace_back()) = std::move(ends->first);
    theirs.push_back(std::move(ends->second));
  }
  const pid_t process = ::fork();
  if (process < 0) return failed("cannot start a process");
  if (process == 0) {
    state->process = -1;
    state->control.reset();
    state->slots.clear();
    timeline::ServerSetup setup{.world = std::move(world), .workloads = workloads};
    setup.control = theirs.front().release();
    for (std::size_t i = 1; i < theirs.size(); ++i) setup.slots.push_back(theirs[i].release());
    timeline::serve(std::move(setup));
  }
  state->process = process;
  return Timeline(std::move(state));
}

int Timeline::descriptor() const { return state_->control.get(); }
std::size_t Timeline::nodes() const { return state_->nodes; }
const Instant& Timeline::here() const { return state_->here; }

std::optional<Instant> Timeline::progress() {
  while (!state_->first_run && os::Waker::is_ready({state_->control.get(), os::Waker::Want::reading})) {
    auto frame = receive(state_->control.get());
    if (!frame) {
      state_->first_run = FirstRun{.verdict = "the process of the world ended before the world did"};
      break;
    }
    state_->note(std::move(*frame));
  }
  return state_->first_run ? std::nullopt : std::optional(state_->here);
}

Timeline::Answer<FirstRun> Timeline::finish() {
  while (!state_->first_run) {
    auto frame = receive(state_->control.get());
    if (!frame) return state_->broken();
    state_->note(std::move(*frame));
  }
  return *state_->first_run;
}

Timeline::Answer<Instant> Timeline::go(std::uint64_t event) {
  if (auto done = finish(); !done.ok()) return done.error();
  event = std::min(event, state_->first_run->events);
  const auto from = state_->before(event);
  if (!from) return state_->broken();
  // The current process continues if it is nearer than a checkpoint.
  const bool nearer = state_->asked && state_->here.event <= event && from->event <= state_->here.event;
  if (!nearer) {
    state_->leave();
    state_->asked = from->socket;
  }
  const std::uint64_t begin = nearer ? state_->here.event : from->event;
  std::string way = pack({event});
  for (const std::uint64_t back : kNearSteps)
    if (event > back && event - back > begin && !state_->near.contains(event - back)) way += pack({event - back});
  timeline::send(*state_->asked, Kind::go, way);
  return state_->arrived(given_up);
}

Timeline::Answer<Instant> Timeline::go_to(base::Duration time) {
  if (auto done = finish(); !done.ok()) return done.error();
  // Times of checkpoints are not kept: a search among them, with one idle fork each.
  std::vector<std::uint64_t> events;
  for (const auto& [event, slot] : state_->checkpoints) events.push_back(event);
  if (events.empty()) return state_->broken();
  std::size_t low = 0, high = events.size();
  while (high - low > 1) {
    const std::size_t middle = (low + high) / 2;
    const auto there = go(events[middle]);
    if (!there.ok()) return there.error();
    (there.value().time < time ? low : high) = middle;
  }
  if (auto there = go(events[low]); !there.ok()) return there.error();
  return go_on_to(time);
}

Timeline::Answer<Instant> Timeline::go_on_to(base::Duration time) {
  if (!state_->asked)
    if (auto there = go(state_->here.event); !there.ok()) return there.error();
  timeline::send(*state_->asked, Kind::go_to,
                 pack({static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 0))}));
  return state_->arrived(given_up);
}

Timeline::Answer<std::vector<Timeline::Seen>> Timeline::look() {
  if (!state_->asked)
    if (auto there = go(state_->here.event); !there.ok()) return there.error();
  timeline::send(*state_->asked, Kind::look, {});
  std::vector<Seen> out;
  while (auto frame = state_->answer(*state_->asked, given_up)) {
    if (frame->kind == Kind::done) return out;
    if (frame->kind == Kind::status) out.push_back({.status = std::move(frame->rest)});
    else if (out.empty()) break;
    else if (frame->kind == Kind::actors) out.back().actors = std::move(frame->rest);
    else if (frame->kind == Kind::log) out.back().log.push_back(std::move(frame->rest));
  }
  return state_->broken();
}

Timeline::Answer<std::string> Timeline::look_at(std::size_t node, const std::string& path) {
  if (!state_->asked)
    if (auto there = go(state_->here.event); !there.ok()) return there.error();
  timeline::send(*state_->asked, Kind::look_at, pack({node}, path));
  auto frame = state_->answer(*state_->asked, given_up);
  if (!frame) return state_->broken();
  if (frame->kind != Kind::looked) return Failure{{base::Code::not_found, frame->rest}};
  return std::move(frame->rest);
}

Timeline::Answer<std::optional<Instant>> Timeline::change(std::size_t node, const std::string& path, Way way) {
  return seek(node, path, way, timeline::Change::of_state);
}

Timeline::Answer<std::optional<Instant>> Timeline::handled_before(const std::string& actor) {
  return seek(0, actor, Way::back, timeline::Change::handled);
}

Timeline::Answer<std::optional<Instant>> Timeline::sent_before(std::size_t node) {
  if (state_->here.words == 0) return std::optional<Instant>();
  return seek(node, hash_text(state_->here.words), Way::back, timeline::Change::sent);
}

/// Backwards: interval by interval, each from its checkpoint on, and the last hit counts. Forwards: from here on.
Timeline::Answer<std::optional<Instant>> Timeline::seek(std::size_t node, const std::string& path, Way way,
                                                        timeline::Change what) {
  if (auto done = finish(); !done.ok()) return done.error();
  const auto what_number = static_cast<std::uint64_t>(what);
  const auto ask = [&](int socket, Kind kind, std::uint64_t limit) -> Answer<std::optional<Instant>> {
    timeline::send(socket, kind, pack({node, limit, what_number}, path));
    auto frame = state_->answer(socket, given_up);
    if (!frame) return state_->broken();
    if (frame->kind == Kind::error) return Failure{{base::Code::internal, frame->rest}};
    return state_->instant(std::move(frame));
  };
  const std::uint64_t from = state_->here.event;
  std::optional<Instant> found;
  if (way == Way::forward) {
    if (auto there = go(from); !there.ok()) return there.error();
    auto got = ask(*state_->asked, Kind::first, ~std::uint64_t{0});
    state_->asked.reset();  // that process has ended
    if (!got.ok()) return got.error();
    found = got.value();
  } else {
    state_->leave();
    for (std::uint64_t limit = way == Way::here_or_back ? from : from - std::min<std::uint64_t>(from, 1);
         limit > 0 && !found;) {
      const auto from_here = state_->before(limit - 1);
      if (!from_here) break;
      auto got = ask(from_here->socket, Kind::last, limit);
      if (!got.ok()) return got.error();
      found = got.value();
      limit = from_here->event;
    }
  }
  if (found)
    if (auto there = go(found->event); !there.ok()) return there.error();
  return found;
}

}  // namespace troupe::apps
