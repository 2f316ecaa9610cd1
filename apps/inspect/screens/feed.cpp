#include "apps/inspect/screens/feed.hpp"

#include <algorithm>

#include "apps/inspect/inspect.hpp"
#include "apps/inspect/screens/read.hpp"
#include "apps/inspect/screens/tables.hpp"
#include "messages/common.capnp.h"

namespace troupe::apps::screens {
namespace {

using messages::wire::Nothing;

constexpr const char* kNode = "/node";
constexpr std::chrono::seconds kTimeout{5};   // an older screen is marked as old
constexpr std::chrono::minutes kIdle{5};      // the node sends something every minute
constexpr std::chrono::seconds kTryAgain{2};  // our choice: for a lost node
constexpr std::chrono::minutes kTryAgainMax{1};
constexpr std::uint64_t kTraceMs = 60'000;  // our choice: then the view shows that it has ended
constexpr std::uint64_t kFlowsMs = 1'000;
constexpr std::uint64_t kTraceCount = 100'000;
constexpr std::size_t kPartsMax = 10'000;  // our choice: of a file of 10 GiB

constexpr unsigned kFileEvery = 5;  // in refreshes; our choice: a file of a GiB has 1,000 parts

std::optional<std::vector<std::string>> providers_of(Client& client, const base::Digest& cid) {
  std::optional<std::vector<std::string>> out;
  const auto searched = client.subscribe<dht::wire::FindProviders, dht::wire::FoundProviders>(
      "/dht", kTimeout,
      [&](dht::wire::FindProviders::Builder question) {
        question.setCid({cid.bytes.data(), cid.bytes.size()});
      },
      [&](dht::wire::FoundProviders::Reader item) -> Client::Outcome<void> {
        if (!out) out.emplace();
        for (const auto one : item.getProviders()) out->push_back(id_of(one));
        return {};
      });
  return searched.ok() ? out : std::nullopt;
}

/// Returns the nodes that store the parts of the file, as this node knows them.
FileMap map_of(Client& client, const std::string& cid) {
  FileMap out{.cid = cid};
  const auto id = base::Digest::from_hex(cid);
  if (!id) {
    out.error = "invalid file id: expected a content id (CID) of 64 hexadecimal digits";
    return out;
  }
  const auto seen = client.subscribe<files::wire::ViewFile, files::wire::ViewItem>(
      "/files", kTimeout,
      [&](files::wire::ViewFile::Builder question) {
        question.setCid({id->bytes.data(), id->bytes.size()});
      },
      [&](files::wire::ViewItem::Reader item) -> Client::Outcome<void> {
        if (item.isRow()) out.listed = true;
        if (item.isContent() && out.parts.size() < kPartsMax) out.parts.push_back(read(item.getContent()));
        return {};
      });
  if (!seen.ok()) out.error = seen.error().error.message;
  if (!out.listed) out.providers = providers_of(client, *id);
  return out;
}

/// Sends a request, and passes the response to `keep`; a refusal is shown on the screen.
template <class Question, class Answer, class Fill, class Keep>
void ask_and_keep(Client& client, News& news, const char* path, Fill&& fill, Keep&& keep) {
  auto got = client.ask<Question, Answer>(path, kTimeout, fill);
  if (got.ok()) return keep(got.value().root());
  news.said = got.error().error.message;
  news.bad = true;
}

constexpr auto kNothingMore = [](auto) {};  // a request without fields

}  // namespace

struct Feed::Watch {
  std::size_t number = 0;
  std::optional<NodeAddress> at;
  std::deque<Order> orders;  // for this node, to execute one after another
  bool lost = false;         // and not retried yet
  std::shared_ptr<Cancel> cancel = std::make_shared<Cancel>();
  std::thread thread;
  std::uint64_t log_next = 0;  // the rest is used only by the thread
  std::string file;
  unsigned file_age = 0;
  unsigned refusals = 0;  // refusals of this key, in a row
};

struct Feed::Stream {
  std::size_t node = 0;
  std::optional<NodeAddress> at;
  Order order;
  std::shared_ptr<Cancel> cancel = std::make_shared<Cancel>();
  bool stopped = false;
  bool over = false;
  std::thread thread;
};

/// Runs `work`; if a response from a hostile node makes it throw, the exception becomes the failure.
template <class Work>
std::optional<std::string> thrown_by(Work&& work) {
  try {
    work();
  } catch (const kj::Exception& broken) {
    return "its response breaks its schema: " + std::string(broken.getDescription().cStr());
  } catch (const std::exception& broken) {
    return std::string(broken.what());
  }
  return std::nullopt;
}

base::Duration retry_delay(unsigned refusals) {
  base::Duration out = kTryAgain;
  for (unsigned i = 1; i < refusals && out < kTryAgainMax; ++i) out *= 2;
  return std::min<base::Duration>(out, kTryAgainMax);
}

Feed::Feed(const Invocation& invocation, Console& console, Post post)
    : invocation_(invocation), console_(console), post_(std::move(post)) {}

Feed::~Feed() {
  {
    const std::lock_guard hold(lock_);
    ended_ = true;
  }
  for (const auto& watch : watches_) watch->cancel->cancel();
  for (const auto& stream : streams_) stream->cancel->cancel();
  changed_.notify_all();
  for (const auto& watch : watches_) watch->thread.join();
  for (const auto& stream : streams_) stream->thread.join();
}

void Feed::add(std::optional<NodeAddress> node) {
  if (watches_.size() >= kNodesMax) return;
  auto watch = std::make_unique<Watch>();
  watch->number = watches_.size();
  watch->at = std::move(node);
  Watch& kept = *watch;
  watches_.push_back(std::move(watch));
  News news{.node = kept.number};
  news.named = kept.at ? kept.at->id.hex() + '@' + kept.at->at.text() : "the local node";
  post_(std::move(news));
  kept.thread = std::thread([this, &kept] { run(kept); });
}

void Feed::want(const Question& question) {
  {
    const std::lock_guard hold(lock_);
    if (question_ == question) return;
    question_ = question;
  }
  changed_.notify_all();
}

bool Feed::ended() const {
  const std::lock_guard hold(lock_);
  return ended_;
}

Client::Outcome<std::unique_ptr<Client>> Feed::connect(const std::optional<NodeAddress>& at,
                                                       const std::shared_ptr<Cancel>& cancel) {
  Invocation own = invocation_;
  if (at) {
    own.globals.node = at;
    own.globals.data.reset();
  }
  return Client::connect(own, console_, Client::Listens::no, cancel);
}

void Feed::tell(std::size_t node, std::string what, bool bad) {
  News news{.node = node};
  news.said = std::move(what);
  news.bad = bad;
  post_(std::move(news));
}

void Feed::tell_not_done(const Order& order) {
  tell(order.node,
       std::string(name(order.what)) + (order.subject.empty() ? "" : " " + order.subject) +
           ": not done, because the node is lost",
       true);
}

// -- requests of every second ----------------------------------------------------------------------------------------

/// Reports the failure, and that no pending order is executed: not later either, when the node is back.
void Feed::lose(Watch& watch, const Failure& why) {
  watch.refusals = why.error.code == base::Code::refused ? watch.refusals + 1 : 0;
  const base::Duration delay = retry_delay(watch.refusals);
  std::deque<Order> orders;
  {
    const std::lock_guard hold(lock_);
    orders = std::exchange(watch.orders, {});
    watch.lost = true;
  }
  News news{.node = watch.number};
  news.lost = why.error.message;
  if (!why.try_.empty()) *news.lost += "; try: " + why.try_;
  if (delay > kTryAgain) *news.lost += "; next attempt in " + std::to_string(delay / std::chrono::seconds(1)) + " s";
  post_(std::move(news));
  for (const Order& order : orders) tell_not_done(order);
  watch.log_next = 0;  // of another run of the node, if it comes back
  rest(delay);
}

void Feed::run(Watch& watch) {
  std::unique_ptr<Client> client;
  while (!ended()) {
    if (!client) {
      auto made = connect(watch.at, watch.cancel);
      if (!made.ok()) {
        lose(watch, made.error());
        continue;
      }
      client = std::move(made).value();
    }
    Question question;
    std::deque<Order> orders;
    {
      const std::lock_guard hold(lock_);
      question = question_;
      watch.lost = false;
      orders = std::exchange(watch.orders, {});
    }
    std::optional<Failure> unasked;
    const auto broken = thrown_by([&] {
      for (const Order& order : orders) act(watch, *client, order);
      unasked = refresh(watch, *client, question);
    });
    if (broken || unasked) {
      client.reset();
      if (!ended()) lose(watch, broken ? Failure{{base::Code::malformed, *broken}} : *unasked);
      continue;
    }
    watch.refusals = 0;
    std::unique_lock hold(lock_);
    changed_.wait_for(hold, kRefresh, [&] { return ended_ || !watch.orders.empty() || !(question_ == question); });
  }
}

void Feed::rest(base::Duration at_most) {
  std::unique_lock hold(lock_);
  changed_.wait_for(hold, at_most, [&] { return ended_; });
}

/// Fails if the node could not be asked; a refusal is shown, and the other requests are still sent.
std::optional<Failure> Feed::refresh(Watch& watch, Client& client, const Question& question) {
  News news{.node = watch.number};
  const bool shown = watch.number == question.node;
  auto status =
      client.ask<node::wire::GetStatus, node::wire::NodeStatus>(kNode, kTimeout, [](node::wire::GetStatus::Builder) {});
  if (!status.ok()) return status.error();
  news.status = read(status.value().root());
  if (shown) ask_for_views(watch, client, question, news);
  post_(std::move(news));
  return std::nullopt;
}

/// Requests the data that the current view needs from the node shown.
void Feed::ask_for_views(Watch& watch, Client& client, const Question& question, News& news) {
  const Wants& wants = question.wants;
  if (wants.actors)
    ask_and_keep<inspect::wire::ListActors, inspect::wire::ActorRows>(
        client, news, inspect_command::kInspect,
        [&](inspect::wire::ListActors::Builder out) {
          out.setFilter(wants.busiest ? "" : question.filter);
          out.setTop(wants.busiest ? "perSecond" : wants.by_path ? "" : question.top);
          out.setReversed(question.reversed && !wants.busiest && !wants.by_path);
          out.setLimit(static_cast<std::uint32_t>(wants.by_path ? kRowsOfTree : kRowsAsked));
        },
        [&](auto rows) { news.actors = read(rows); });
  if (wants.ended)
    ask_and_keep<inspect::wire::ListEnded, inspect::wire::EndedRows>(client, news, inspect_command::kInspect,
                                                                     kNothingMore, [&](auto rows) {
                                                                       news.ended = read(rows);
                                                                       news.ended_in_all = rows.getInAll();
                                                                     });
  if (wants.peers)
    ask_and_keep<peers::wire::ListPeers, peers::wire::PeerRows>(client, news, "/peers", kNothingMore,
                                                                [&](auto rows) { news.peers = read(rows); });
  if (wants.links)
    ask_and_keep<net::wire::ListLinks, net::wire::LinkRows>(client, news, "/links", kNothingMore, [&](auto rows) {
      news.links = read(rows);
      news.handshakes = rows.getHandshakes();
    });
  if (wants.log)
    ask_and_keep<node::wire::GetLog, node::wire::LogLines>(
        client, news, kNode, [&](node::wire::GetLog::Builder out) { out.setSince(watch.log_next); },
        [&](auto lines) {
          News::LogLines log{.first = lines.getFirst()};
          for (const auto line : lines.getLines()) log.lines.emplace_back(line.begin(), line.size());
          watch.log_next = log.first + log.lines.size();
          news.log = std::move(log);
        });
  if (wants.table)
    ask_and_keep<dht::wire::GetTable, dht::wire::TableRows>(client, news, "/dht", kNothingMore,
                                                            [&](auto rows) { news.table = read(rows); });
  if (!question.file.empty() && (question.file != watch.file || ++watch.file_age >= kFileEvery)) {
    watch.file_age = 0;
    watch.file = question.file;
    news.file = map_of(client, question.file);
  }
  if (const TableScreen* table = find_table(wants.screen); table != nullptr) {
    news.table_rows = table->ask(client, question.table_subject);
    news.table_rows->table = table->name;
    news.table_rows->subject = question.table_subject;
  }
  if (!question.looks_at.empty()) {
    auto looked = client.ask<inspect::wire::LookAt, inspect::wire::Looked>(
        inspect_command::kInspect, kTimeout,
        [&](inspect::wire::LookAt::Builder out) { out.setPath(question.looks_at); });
    if (looked.ok()) news.look = read(looked.value().root());
    else news.look_error = looked.error().error.message;
  }
}

// -- orders of the user -----------------------------------------------------------------------------------------------

void Feed::carry_out(const Order& order) {
  const auto stop = [this](auto&& which) {
    const std::lock_guard hold(lock_);
    for (const auto& stream : streams_) {
      if (!which(stream->order)) continue;
      stream->stopped = true;
      stream->cancel->cancel();
    }
  };
  const auto is_trace = [](const Order& one) { return one.what != Order::What::pause; };
  switch (order.what) {
    case Order::What::trace:
    case Order::What::flows: stop(is_trace); return start(order, order.node);
    case Order::What::follow:
      stop(is_trace);
      for (std::size_t i = 0; i < watches_.size(); ++i) start(order, i);
      return;
    case Order::What::stop: return stop(is_trace);
    case Order::What::pause: return start(order, order.node);
    case Order::What::resume: {
      bool found = false;
      stop([&](const Order& one) {
        const bool same = one.what == Order::What::pause && one.subject == order.subject && one.node == order.node;
        found = found || same;
        return same;
      });
      if (!found)
        tell(order.node,
             "resume " + order.subject +
                 ": it was not paused from these screens; the operator who "
                 "paused it can",
             true);
      return;
    }
    case Order::What::restart:
    case Order::What::kill:
    case Order::What::drain:
    case Order::What::log_level: {
      bool lost = false;
      {
        const std::lock_guard hold(lock_);
        if (order.node >= watches_.size()) return;
        lost = watches_[order.node]->lost;
        if (!lost) watches_[order.node]->orders.push_back(order);
      }
      return lost ? tell_not_done(order) : changed_.notify_all();
    }
    case Order::What::move:
    case Order::What::steer:
    case Order::What::save:
    case Order::What::capture:
    case Order::What::quit: return;  // executed by the loop
  }
}

void Feed::act(Watch& watch, Client& client, const Order& order) {
  Client::Outcome<Kept<Nothing>> done = [&]() -> Client::Outcome<Kept<Nothing>> {
    if (order.what == Order::What::drain)
      return client.ask<node::wire::DrainNode, Nothing>(kNode, kTimeout, [](node::wire::DrainNode::Builder) {});
    if (order.what == Order::What::log_level)
      return client.ask<node::wire::SetLogLevel, Nothing>(kNode, kTimeout, [&](node::wire::SetLogLevel::Builder out) {
        const auto blank = order.subject.find(' ');
        out.setLevel(order.subject.substr(0, blank));
        if (blank != std::string::npos) out.setDomain(order.subject.substr(blank + 1));
      });
    return client.ask<inspect::wire::ActOn, Nothing>(
        inspect_command::kInspect, kTimeout, [&](inspect::wire::ActOn::Builder out) {
          out.setPath(order.subject);
          out.setAct(order.what == Order::What::kill ? inspect::wire::ActOn::Act::KILL
                                                     : inspect::wire::ActOn::Act::RESTART);
        });
  }();
  tell(watch.number,
       std::string(name(order.what)) + (order.subject.empty() ? "" : " " + order.subject) + ": " +
           (done.ok() ? "done" : done.error().error.message),
       !done.ok());
}

void Feed::start(const Order& order, std::size_t node) {
  for (auto one = streams_.begin(); one != streams_.end();) {
    bool over = false;
    {
      const std::lock_guard hold(lock_);
      over = (*one)->over;
    }
    if (over) (*one)->thread.join();
    one = over ? streams_.erase(one) : std::next(one);
  }
  if (node >= watches_.size()) return;
  if (streams_.size() >= kStreamsMax) {
    News news{.node = node};
    news.trace_ended = "too many";
    news.said = std::string(name(order.what)) + ": too many traces and pauses are open";
    news.bad = true;
    return post_(std::move(news));
  }
  auto stream = std::make_unique<Stream>();
  stream->node = node;
  stream->at = watches_[node]->at;
  stream->order = order;
  Stream& kept = *stream;
  {
    const std::lock_guard hold(lock_);
    streams_.push_back(std::move(stream));
  }
  kept.thread = std::thread([this, &kept] {
    const auto broken = thrown_by([&] {
      if (kept.order.what == Order::What::pause) pause(kept);
      else trace(kept);
    });
    if (broken) tell(kept.node, *broken, true);
    const std::lock_guard hold(lock_);
    kept.over = true;
  });
}

void Feed::trace(Stream& stream) {
  const auto say = [&](std::string why, bool bad) {
    News news{.node = stream.node};
    news.trace_ended = why;
    if (bad) news.said = "trace: " + why, news.bad = true;
    post_(std::move(news));
  };
  auto made = connect(stream.at, stream.cancel);
  if (!made.ok()) return say(made.error().error.message, true);
  observe::Decoder decoder;
  const bool follow = stream.order.what == Order::What::follow, flows = stream.order.what == Order::What::flows;
  std::uint64_t dropped = 0;
  const auto ended = made.value()->subscribe<inspect::wire::FollowMessages, inspect::wire::FollowItem>(
      inspect_command::kInspect, kIdle,
      [&](inspect::wire::FollowMessages::Builder out) {
        out.setPattern(follow ? "/**" : stream.order.subject);
        out.setAll(true);
        out.setMilliseconds(flows ? kFlowsMs : kTraceMs);
        out.setCount(kTraceCount);
        if (follow) out.setTrace(parse_trace(stream.order.subject).value_or(0));
      },
      [&](inspect::wire::FollowItem::Reader item) -> Client::Outcome<void> {
        if (item.isSchemas())
          for (const auto schema : item.getSchemas()) (void)decoder.learn({schema.begin(), schema.size()});
        if (item.isEnded()) dropped = item.getEnded().getDropped();
        if (item.isMessage()) {
          News news{.node = stream.node};
          news.messages.push_back(read(item.getMessage(), decoder));
          news.messages.back().node = stream.node;
          news.messages.back().order = stream.order.number;
          post_(std::move(news));
        }
        return {};
      });
  {
    const std::lock_guard hold(lock_);
    if (stream.stopped) return;
  }
  News news{.node = stream.node};
  news.messages_dropped = dropped;
  post_(std::move(news));
  say(ended.ok() ? "its time has passed" : ended.error().error.message, !ended.ok());
}

void Feed::pause(Stream& stream) {
  const auto say = [&](const std::string& what, bool bad) {
    tell(stream.node, "pause " + stream.order.subject + ": " + what, bad);
  };
  auto made = connect(stream.at, stream.cancel);
  if (!made.ok()) return say(made.error().error.message, true);
  bool said = false;
  const auto ended = made.value()->subscribe<inspect::wire::PauseActor, inspect::wire::PauseItem>(
      inspect_command::kInspect, kIdle,
      [&](inspect::wire::PauseActor::Builder out) { out.setPath(stream.order.subject); },
      [&](inspect::wire::PauseItem::Reader item) -> Client::Outcome<void> {
        if (!std::exchange(said, true))
          say("done, for at most " + std::to_string((item.getLeftMs() + 59'999) / 60'000) + " min", false);
        return {};
      });
  bool stopped = false, over = false;
  {
    const std::lock_guard hold(lock_);
    stopped = stream.stopped;
    over = ended_;
  }
  if (stopped) say("resumed", false);
  else if (!over) say(ended.ok() ? "its time has passed" : ended.error().error.message, !ended.ok());
}

}  // namespace troupe::apps::screens
