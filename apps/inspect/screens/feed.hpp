#pragma once
// Sends the screens' requests to nodes, and executes the user's orders: threads that post News.
//
// Threads  one per node, which sends requests once a second; one more for each stream of messages and each pause. Each
//          has its own Client, so that a slow or lost node delays no other node.
// Newest   a refresh begins when the previous refresh has all responses, so a slow link or node gets fewer requests.
// Owner    the loop; its calls do not block, except the destructor, which ends the threads.
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "apps/cli/client.hpp"
#include "apps/inspect/screens/model.hpp"

namespace troupe::apps::screens {

inline constexpr std::chrono::seconds kRefresh{1};
inline constexpr std::uint64_t kRowsAsked = 1'000;         // our choice: a person reads fewer; filters select
inline constexpr std::uint64_t kRowsOfTree = 10'000;       // the most that a node returns
inline constexpr std::size_t kStreamsMax = kNodesMax + 8;  // open streams of messages and pauses

/// Returns how long to wait before the next attempt to reach a node: two seconds, or, if the node has refused this key
/// `refusals` times in a row, doubled for each refusal after the first, up to a minute.
base::Duration retry_delay(unsigned refusals);

class Feed {
 public:
  /// Called from the threads; must not block.
  using Post = std::function<void(News)>;
  /// `invocation` says how to reach the nodes, and in which role; `invocation` and `console` outlive the feed.
  Feed(const Invocation& invocation, Console& console, Post post);
  ~Feed();
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  /// Adds a node; nullopt: the local node.
  void add(std::optional<NodeAddress> node);
  std::size_t nodes() const { return watches_.size(); }

  struct Question {
    Wants wants;
    std::size_t node = 0;  ///< the node shown
    std::string looks_at, file, filter, top, table_subject;
    bool reversed = false;
    bool operator==(const Question&) const = default;
  };
  /// Sets what all later refreshes request; a new request is sent at once.
  void want(const Question& question);
  void carry_out(const Order& order);

 private:
  struct Watch;
  struct Stream;
  void run(Watch& watch);
  std::optional<Failure> refresh(Watch& watch, Client& client, const Question& question);
  void ask_for_views(Watch& watch, Client& client, const Question& question, News& news);
  void act(Watch& watch, Client& client, const Order& order);
  void trace(Stream& stream);
  void pause(Stream& stream);
  void start(const Order& order, std::size_t node);
  Client::Outcome<std::unique_ptr<Client>> connect(const std::optional<NodeAddress>& at,
                                                   const std::shared_ptr<Cancel>& cancel);
  void lose(Watch& watch, const Failure& why);
  void tell(std::size_t node, std::string what, bool bad);
  void tell_not_done(const Order& order);
  bool ended() const;
  void rest(base::Duration at_most);

  const Invocation& invocation_;
  Console& console_;
  const Post post_;
  std::vector<std::unique_ptr<Watch>> watches_;
  std::list<std::unique_ptr<Stream>> streams_;
  mutable std::mutex lock_;  // guards the next three members, and the shared parts of each watch and stream
  std::condition_variable changed_;
  Question question_;
  bool ended_ = false;
};

}  // namespace troupe::apps::screens
