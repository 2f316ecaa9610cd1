#include "apps/inspect/screens/run_time.hpp"

#include <signal.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "actors/inspect/screen.hpp"
#include "apps/inspect/screens/draw.hpp"
#include "apps/inspect/screens/loop.hpp"
#include "apps/inspect/screens/read.hpp"
#include "apps/sim/capture.hpp"
#include "apps/sim/report.hpp"
#include "apps/sim/steer.hpp"
#include "apps/sim/timeline_server.hpp"
#include "runtime/config/forms.hpp"
#include "runtime/observe/version.hpp"
#include "runtime/os/clock.hpp"

namespace troupe::apps::screens {
namespace {

using timeline::with;

constexpr base::Duration kFrame = std::chrono::milliseconds(40);
constexpr base::Duration kSecond = std::chrono::seconds(1);
constexpr std::size_t kRowsMax = 10'000;

/// Parses "12.304s", "12.304" or any duration of the configuration.
std::optional<base::Duration> moment_of(std::string text) {
  if (const auto whole = config::parse_duration(text)) return whole;
  if (text.ends_with('s')) text.pop_back();
  double seconds = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), seconds);
  constexpr double kMax = 1e9;  // the longest run of the simulator lasts a year
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || !(seconds >= 0 && seconds < kMax))
    return std::nullopt;
  return std::chrono::duration_cast<base::Duration>(std::chrono::duration<double>(seconds));
}

observe::ActorRow seen_of(const ActorRow& row) {
  observe::ActorRow out;
  out.path = row.path;
  out.kind = row.kind;
  out.state = row.state;
  out.mailbox = row.mailbox;
  out.oldest = std::chrono::milliseconds(row.oldest_ms);
  out.handled = row.handled;
  out.per_second_thousandths = static_cast<std::uint64_t>(std::llround(row.per_second * 1'000));
  out.busy_thousandths = static_cast<std::uint64_t>(std::llround(row.busy * 1'000));
  out.p99 = std::chrono::microseconds(row.p99_us);
  out.restarts = static_cast<std::uint32_t>(row.restarts);
  out.last_error = row.last_error;
  out.asking = static_cast<std::uint32_t>(row.asking);
  return out;
}

/// Filters and sorts as a live node does.
ActorList chosen(ActorList all, const Model& model) {
  const auto filter = observe::Filter::parse(model.actor_filter());
  if (!filter.ok()) return all;
  const bool tree = model.wants().by_path;
  using Order = inspect::Screen::Order;
  inspect::Screen screen(filter.value(), tree || model.top.empty() ? nullptr : observe::find_field(model.top), kRowsMax,
                         model.reversed && !tree ? Order::reversed : Order::usual);
  std::map<std::string, ActorRow> by_path;
  for (ActorRow& row : all.rows) {
    screen.show(seen_of(row), nullptr);
    by_path.emplace(row.path, row);
  }
  ActorList out{.total = screen.total(), .matched = screen.matched()};
  for (const auto& kept : std::move(screen).rows()) out.rows.push_back(by_path.at(kept.path));
  return out;
}

class TimeScreens {
 public:
  TimeScreens(Timeline timeline, Recorded world, sim::WorkloadSpecs workloads, Terminal& terminal, os::Waker& waker)
      : timeline_(std::move(timeline)),
        world_(std::move(world)),
        workloads_(workloads),
        terminal_(terminal),
        waker_(waker) {
    model_.time.emplace();
    model_.resize(terminal_.size());
    model_.nodes.resize(timeline_->nodes());
  }

  /// Returns the result of the run that was last shown, or nullopt before its first run has ended.
  const std::optional<FirstRun>& ran() const { return ran_; }
  const sim::Scenario& scenario() const { return world_.scenario; }

  Ending run(const TimeStart& start) {
    if (!begin()) return ending_of(signal_);
    move_to(start.event.value_or(end_));
    model_.node = std::min(start.node, model_.nodes.size() - 1);
    if (!start.actor.empty()) model_.open("actor", start.actor);
    model_.say(ran_->departed.empty() ? ran_->verdict : ran_->departed.front(),
               ran_->broken_at > 0 || !ran_->departed.empty() ? Style::bad : Style::good);
    base::Instant played = clock_.now();
    while (!signal_ && !quit_) {
      const base::Instant at = clock_.now();
      if (model_.time->playing) play(at - played);
      played = at;
      while (const auto key = terminal_.key()) {
        model_.key(*key);
        stale_ = true;
      }
      for (const Order& order : model_.take_orders()) carry_out(order);
      model_.tick(at);
      refresh();
      terminal_.show(draw(model_, !terminal_.unicode()));
      wait(model_.time->playing ? kFrame : kSecond);
    }
    if (failed_) return *failed_;
    return ending_of(signal_);
  }

 private:
  /// Opens the timeline and waits for the end of its first run; returns false if the user quits.
  bool begin() {
    // Long work ends at a signal, and at Escape.
    timeline_->given_up = [this] {
      if (const auto got = waker_.wait(base::Duration::zero()); got == SIGINT || got == SIGTERM || got == SIGHUP)
        signal_ = got;
      const auto key = terminal_.key();
      return signal_ || (key && key->what == Key::What::escape);
    };
    ran_ = first_run();
    if (!ran_) return false;
    model_.time->events = ran_->events;
    model_.time->verdict = ran_->verdict;
    model_.time->steered = ran_->outcome.steered > 0;
    end_ = ran_->broken_at > 0 ? ran_->broken_at : ran_->events;
    return true;
  }

  /// Runs the world with that action from its beginning; until the action it is unchanged.
  void steer_by(const std::string& act) {
    const std::uint64_t event = model_.time->event;
    if (const auto done = steer(world_.scenario, act, model_.time->at); !done.ok())
      return model_.say(done.error().message, Style::bad);
    world_.snapshots.clear();  // it no longer matches the recorded run
    timeline_.reset();         // before another run has its sockets, too
    auto timeline = Timeline::open(world_, workloads_);
    if (!timeline.ok()) {
      failed_ = timeline.error();
      quit_ = true;
      return;
    }
    timeline_ = std::move(timeline).value();
    if (!begin()) {
      quit_ = true;
      return;
    }
    move_to(event);
    model_.say(act + ": from here on the run differs; at its end: " + ran_->verdict,
               ran_->broken_at > 0 ? Style::bad : Style::good);
  }

  void capture(const std::string& file) {
    const Capture made{world_.scenario,  std::string(observe::version()), here_.event, here_.hash, model_.node,
                       model_.actor_at()};
    const std::string name =
        !file.empty() ? file : std::to_string(world_.scenario.seed) + "-" + std::to_string(here_.event) + ".capture";
    save(name, write_capture(made, workloads_), model_);
  }

  void wait(base::Duration at_most) {
    if (const auto got = wait_for_input(waker_, terminal_, model_, at_most).signal) signal_ = got;
  }

  /// Shows the progress of the first run; returns nullopt if the user quits.
  std::optional<FirstRun> first_run() {
    while (auto at = timeline_->progress()) {
      model_.time->event = model_.time->events = at->event;
      model_.time->at = at->time;
      model_.time->what = "the first run is in progress; q ends it";
      while (const auto key = terminal_.key())
        if (key->text == "q") return std::nullopt;
      terminal_.show(draw(model_, !terminal_.unicode()));
      wait(kFrame);
      if (signal_) return std::nullopt;
    }
    auto done = timeline_->finish();
    if (done.ok()) return done.value();
    return FirstRun{.verdict = done.error().error.message};
  }

  void arrived(const Timeline::Answer<Instant>& there) {
    stale_ = true;
    if (!there.ok()) {
      model_.time->playing = false;
      stale_ = false;
      return model_.say(there.error().error.message, Style::bad);
    }
    here_ = there.value();
    model_.time->event = here_.event;
    model_.time->at = here_.time;
    model_.time->what = here_.what;
  }
  void move_to(std::uint64_t event) { arrived(timeline_->go(event)); }

  void play(base::Duration passed) {
    const auto by = std::chrono::duration_cast<base::Duration>(std::chrono::duration<double>(
        std::chrono::duration<double>(std::min<base::Duration>(passed, kSecond)).count() * model_.time->speed));
    play_to_ = std::max(play_to_, model_.time->at) + by;
    if (model_.time->event >= model_.time->events) {
      model_.time->playing = false;
      return;
    }
    arrived(timeline_->go_on_to(play_to_));
  }

  void carry_out(const Order& order) {
    const std::string& how = order.subject;
    TimeState& time = *model_.time;
    if (order.what == Order::What::quit) {
      quit_ = true;
      return;
    }
    if (order.what == Order::What::save) return save(how, draw(model_).text(), model_);
    if (order.what == Order::What::capture) return capture(how);
    if (order.what == Order::What::steer) return steer_by(how);
    if (order.what != Order::What::move)
      return model_.say("that key works only for live nodes; in a simulation run, time moves: ? shows the keys",
                        Style::warn);
    play_to_ = {};
    switch (how.front()) {
      case ',': return move_to(time.event > 0 ? time.event - 1 : 0);
      case '.': return move_to(time.event + 1);
      case '<': return arrived(timeline_->go_to(time.at > kSecond ? time.at - kSecond : base::Duration{0}));
      case '>': return arrived(timeline_->go_to(time.at + kSecond));
      case '$': return move_to(end_);
      case '@': {
        const auto to = moment_of(how.substr(1));
        if (!to) return model_.say("a time needs a number and a unit, such as 12.304s", Style::bad);
        return arrived(timeline_->go_to(*to));
      }
      case '#': return move_to(std::strtoull(how.c_str() + 1, nullptr, 10));
      default: break;
    }
    if (how == "W") return to_sender();
    // Handles n, N, w and the path of an actor.
    const std::string path = how.substr(1);
    // If w has just moved to the current event, it now moves to the previous change.
    const bool again = how.front() == 'w' && said_why_ == time.event;
    const auto way = how.front() == 'n'             ? Timeline::Way::forward
                     : how.front() == 'w' && !again ? Timeline::Way::here_or_back
                                                    : Timeline::Way::back;
    const auto found = timeline_->change(order.node, path, way);
    if (!found.ok()) return arrived(found.error());
    if (!found.value())
      return model_.say(
          path + (way == Timeline::Way::forward ? " does not change after this" : " did not change before this"),
          Style::warn);
    arrived(*found.value());
    if (how.front() == 'w')
      model_.say("changed in event " + std::to_string(time.event) + ": " + time.what, Style::marked);
  }

  /// Moves to the event in which `node` ("n1") sent this event's message over the network, at its sender.
  std::optional<std::string> sent_over(const std::string& node) {
    const auto number = std::strtoull(node.c_str() + 1, nullptr, 10);
    if (number < 1 || number > model_.nodes.size()) {
      model_.say("it was sent over the network by " + node + ", which is not a node of this run", Style::warn);
      return std::nullopt;
    }
    const auto found = timeline_->sent_before(number - 1);
    if (!found.ok()) {
      arrived(found.error());
      return std::nullopt;
    }
    if (!found.value()) {
      model_.say(node + " has not sent this text: the network changed it, or its link responded by itself",
                 Style::warn);
      return std::nullopt;
    }
    arrived(*found.value());
    return found.value()->what;
  }

  /// Moves from this event to the event in which its message was sent: the latest earlier event of its sender.
  void to_sender() {
    constexpr std::string_view kFrom = " from ";
    const std::string what = model_.time->what;
    const auto at = what.rfind(kFrom);
    if (at == std::string::npos)
      return model_.say("this event has no sender: it is a timer, the network, a disk or a client", Style::warn);
    std::string sender = what.substr(at + kFrom.size());
    if (sender.find(' ') == std::string::npos) {
      const auto over = sent_over(sender);
      if (!over) return;
      sender = *over;
    }
    const auto blank = sender.find(' ');
    if (blank == std::string::npos) return model_.say("it was sent by " + sender + ", which has ended", Style::warn);
    const auto found = timeline_->handled_before(sender);
    if (!found.ok()) return arrived(found.error());
    if (!found.value()) return model_.say(sender + " has handled no message before this", Style::warn);
    arrived(*found.value());
    const auto node = std::strtoull(sender.c_str() + 1, nullptr, 10);
    if (node >= 1 && node <= model_.nodes.size()) model_.node = node - 1;
    model_.open("actor", sender.substr(blank + 1));
    model_.say("sent by " + sender + "; its last event before is event " + std::to_string(model_.time->event),
               Style::marked);
  }

  /// The data of this instant on the screen, requested once.
  void refresh() {
    if (!stale_) return;
    stale_ = false;
    auto all = timeline_->look();
    if (!all.ok()) return arrived(all.error());
    for (std::size_t node = 0; node < all.value().size(); ++node) {
      const Timeline::Seen& seen = all.value()[node];
      News news{.node = node};
      news.status = with<node::wire::NodeStatus>(seen.status, [](auto from) { return read(from); });
      news.named = news.status->name;
      news.actors = chosen(with<inspect::wire::ActorRows>(seen.actors, [](auto from) { return read(from); }), model_);
      news.log = News::LogLines{.lines = seen.log};
      model_.nodes[node].log.clear();
      model_.nodes[node].log_next = 0;
      if (node == model_.node && !model_.looks_at().empty()) {
        const auto looked = timeline_->look_at(node, model_.looks_at());
        if (looked.ok()) news.look = with<inspect::wire::Looked>(looked.value(), [](auto from) { return read(from); });
        else {
          news.look_error = looked.error().error.message;
          model_.nodes[node].look.reset();
        }
      }
      model_.take(news, clock_.now());
    }
    model_.settle();
  }

  std::optional<Timeline> timeline_;  // nullopt only while another timeline is opened
  Recorded world_;
  const sim::WorkloadSpecs workloads_;
  std::optional<FirstRun> ran_;
  std::optional<Failure> failed_;
  Terminal& terminal_;
  os::Waker& waker_;
  const os::Clock clock_;
  Model model_;
  Instant here_;
  std::uint64_t end_ = 0;
  base::Duration play_to_{0};
  std::optional<std::uint64_t> said_why_;  // the event to which w moved last
  bool stale_ = true;
  bool quit_ = false;
  std::optional<int> signal_;
};

}  // namespace

Ending run_time(Console& console, Recorded world, sim::WorkloadSpecs workloads, const std::string& words,
                const TimeStart& start) {
  auto timeline = Timeline::open(world, workloads);
  if (!timeline.ok()) return timeline.error();
  os::Waker waker = loop_waker();
  auto opened =
      Terminal::open(console, "`troupe sim replay` prints every actor at one event", "troupe help sim replay");
  if (!opened.ok()) return opened.error();
  auto terminal = std::move(opened).value();
  TimeScreens screens(std::move(timeline).value(), std::move(world), workloads, *terminal, waker);
  Ending ending = screens.run(start);
  terminal.reset();
  if (screens.ran())
    print_world(console.out, screens.scenario(), screens.ran()->outcome,
                screens.ran()->outcome.steered > 0 ? "" : words);
  return ending;
}

}  // namespace troupe::apps::screens
