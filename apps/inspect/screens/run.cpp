#include "apps/inspect/screens/run.hpp"

#include <signal.h>
#include <unistd.h>

#include <fstream>

#include "apps/inspect/screens/draw.hpp"
#include "apps/inspect/screens/feed.hpp"
#include "apps/inspect/screens/terminal.hpp"
#include "runtime/config/forms.hpp"
#include "runtime/os/clock.hpp"
#include "runtime/os/waker.hpp"

namespace troupe::apps::screens {
namespace {

constexpr base::Duration kDrawEvery =
    std::chrono::milliseconds(40);        // our choice: 25 a second; what came between is one
constexpr std::size_t kNewsMax = 20'000;  // our choice: messages, until the next drawing
constexpr int kExitOfSignals = 128;

/// What threads post until the loop takes it.
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

/// Nodes that the first one knows, added as they are learnt.
class Cluster {
 public:
  void note(const News& news, Feed& feed) {
    if (news.status) known_.insert(news.status->node);
    if (!news.peers) return;
    for (const PeerRow& row : *news.peers) {
      if (row.state != "healthy" && row.state != "linked") continue;
      const auto node = config::PeerAddress::parse(row.node + '@' + row.address);
      if (!node || !node->pinned || !known_.insert(row.node).second) continue;
      feed.add(NodeAddress{*node->pinned, node->at});
    }
  }

 private:
  std::set<std::string> known_;
};

void save(const std::string& file, const Grid& grid, Model& model) {
  std::ofstream out(file);
  out << grid.text();
  out.close();
  if (out) model.say("written to " + file, Style::good);
  else model.say("cannot write " + file, Style::bad);
}

}  // namespace

Ending run(const Invocation& invocation, Console& console) {
  // Before any thread: they all leave these signals to it.
  os::Waker waker{SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP};
  const auto no_colour = variable(console, "NO_COLOR");
  auto terminal = Terminal::open(!no_colour || no_colour->empty());
  if (!terminal)
    return usage_failure("the screens need a terminal; --once prints the node as it is now", "troupe inspect --once");
  const os::Clock clock;
  Inbox inbox(waker);
  Model model(invocation.has("--operate"));
  model.size = terminal->size();
  model.tick(clock.now());
  const bool cluster = invocation.has("--cluster");
  Cluster found;
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
        if (cluster) found.note(news, feed);
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
        else if (order.what == Order::What::save) save(order.subject, draw(model), model);
        else feed.carry_out(order);
      }
      Feed::Question question{model.wants(),      model.node,     model.looks_at(),
                              model.file_shown(), model.filter(), model.top};
      if (cluster && !model.paused) question.wants.peers = true;
      feed.want(question);
      model.tick(at);
      if (dirty && at - drawn >= kDrawEvery) {
        terminal->show(draw(model, !terminal->unicode()));
        drawn = at;
        dirty = false;
      }
      const auto got = waker.wait(dirty ? kDrawEvery : std::chrono::seconds(1),
                                  os::Waker::Watched{STDIN_FILENO, os::Waker::Want::reading});
      if (clock.now() - drawn >= std::chrono::seconds(1)) dirty = true;  // ages are shown
      if (got == SIGWINCH) {
        terminal->resized();
        model.resize(terminal->size());
        dirty = true;
      } else if (got == SIGTSTP) {
        terminal->suspend();
        model.resize(terminal->size());
        dirty = true;
      } else if (got) {
        signal = got;
      }
    }
    terminal.reset();  // before the threads end, which may take a moment
  }
  if (signal && *signal != SIGINT) return static_cast<Exit>(kExitOfSignals + *signal);
  return Exit::done;
}

}  // namespace troupe::apps::screens
