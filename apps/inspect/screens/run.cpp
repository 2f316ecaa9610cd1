#include "apps/inspect/screens/run.hpp"

#include "apps/inspect/screens/captured.hpp"
#include "apps/inspect/screens/cluster.hpp"
#include "apps/inspect/screens/draw.hpp"
#include "apps/inspect/screens/feed.hpp"
#include "apps/inspect/screens/loop.hpp"
#include "runtime/os/clock.hpp"

namespace troupe::apps::screens {
namespace {

constexpr base::Duration kDrawEvery =
    std::chrono::milliseconds(40);        // our choice: 25 per second; later news are drawn together
constexpr std::size_t kNewsMax = 20'000;  // our choice: messages, until the next drawing

/// Holds the news of the threads until the loop takes them.
class Inbox {
 public:
  explicit Inbox(os::Waker& waker) : waker_(waker) {}
  void post(News news) {
    {
      const std::lock_guard hold(lock_);
      if (waiting_.size() >= kNewsMax) {
        dropped_ += news.messages.size();
        return;
      }
      waiting_.push_back(std::move(news));
    }
    waker_.ring();
  }
  std::vector<News> take(std::uint64_t& dropped) {
    const std::lock_guard hold(lock_);
    dropped = std::exchange(dropped_, 0);
    return std::exchange(waiting_, {});
  }

 private:
  os::Waker& waker_;
  std::mutex lock_;
  std::vector<News> waiting_;
  std::uint64_t dropped_ = 0;
};

}  // namespace

Ending run(const Invocation& invocation, Console& console) {
  // Created before any thread: all threads leave these signals to it.
  os::Waker waker = loop_waker();
  auto opened = Terminal::open(console, "add --once to print the current state of the node", "troupe inspect --once");
  if (!opened.ok()) return opened.error();
  auto terminal = std::move(opened).value();
  const os::Clock clock;
  Inbox inbox(waker);
  Model model(invocation.has("--operate"));
  model.size = terminal->size();
  model.tick(clock.now());
  const bool cluster = invocation.has("--cluster");
  Cluster found(!invocation.globals.node.has_value());
  for (const auto& named : invocation.globals.more_nodes) found.name(named.id.hex());
  if (invocation.globals.node) found.name(invocation.globals.node->id.hex());
  std::optional<int> signal;
  {
    Feed feed(invocation, console, [&inbox](News news) { inbox.post(std::move(news)); });
    feed.add(invocation.globals.node);
    for (const NodeAddress& more : invocation.globals.more_nodes) feed.add(more);
    if (feed.nodes() > 1 || cluster) model.open("nodes");
    base::Instant drawn;
    bool dirty = true;
    for (bool goes_on = true; goes_on && !signal;) {
      const base::Instant at = clock.now();
      std::uint64_t dropped = 0;
      for (const News& news : inbox.take(dropped)) {
        if (cluster)
          for (const NodeAddress& node : found.note(news)) feed.add(node);
        model.take(news, at);
        dirty = true;
      }
      model.messages_dropped += dropped;
      if (dirty) model.settle();
      while (const auto key = terminal->key()) {
        model.key(*key);
        dirty = true;
      }
      for (const Order& order : model.take_orders()) {
        if (order.what == Order::What::quit) goes_on = false;
        else if (order.what == Order::What::save) save(order.subject, draw(model).text(), model);
        else if (order.what == Order::What::capture) save(capture_file(order.subject, model), captured(model), model);
        else feed.carry_out(order);
      }
      Feed::Question question{.wants = model.wants(),
                              .node = model.node,
                              .looks_at = model.looks_at(),
                              .file = model.file_shown(),
                              .filter = model.actor_filter(),
                              .top = model.top,
                              .table_subject = model.table_subject(),
                              .reversed = model.reversed};
      if (cluster && !model.paused) question.wants.peers = true;
      feed.want(question);
      model.tick(at);
      if (dirty && at - drawn >= kDrawEvery) {
        terminal->show(draw(model, !terminal->unicode()));
        drawn = at;
        dirty = false;
      }
      const Input input = wait_for_input(waker, *terminal, model, dirty ? kDrawEvery : std::chrono::seconds(1));
      signal = input.signal;
      if (input.redraw || clock.now() - drawn >= std::chrono::seconds(1)) dirty = true;  // ages are shown
    }
    terminal.reset();  // before the threads end, which may take a moment
  }
  return ending_of(signal);
}

}  // namespace troupe::apps::screens
