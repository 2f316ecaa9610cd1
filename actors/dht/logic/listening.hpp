#pragma once
// One topic that this node listens to: which holders to ask for a lease, when to ask again, and which reports are new.
//
// Holders the nodes nearest to the key, found by a search every search_period, and sooner once some are lost.
// Leases  a holder's first answer brings the token that the second request shows. A lease is renewed after half its
//         time; a holder that grants no lease is asked every poll_period. After kListenTriesMax unanswered requests it
//         is lost.
// News    a newer value, or a provider whose id is new among the last kListenedProvidersMax.
// Owner   one actor; not thread-safe.
#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "actors/dht/logic/lookup_types.hpp"
#include "actors/dht/logic/tokens.hpp"
#include "actors/dht/logic/topic.hpp"
#include "runtime/base/mutations.hpp"
#include "runtime/base/time.hpp"

namespace troupe::dht {

inline constexpr unsigned kListenTriesMax = 3;                 // our choice
inline constexpr std::size_t kListenedProvidersMax = 1'024;    // our choice: eight times the providers that a holder
                                                               // keeps per key
inline constexpr std::chrono::seconds kListenAgain{5};         // our choice: after an unanswered request
inline constexpr std::chrono::seconds kListenSearchAgain{30};  // our choice: holders were lost, or none was found

struct ListeningSettings {
  std::chrono::seconds lease{240};          ///< requested; a token is valid for five minutes, and half a lease is less
  std::chrono::seconds poll_period{30};     ///< for a holder that grants no lease
  std::chrono::seconds search_period{600};  ///< nodes come and go, so the nearest nodes change
};

class Listening {
 public:
  Listening(const Topic& topic, ListeningSettings settings, base::Instant now,
            const base::Mutations& mutations = base::kNoMutations)
      : topic_(topic), settings_(settings), mutations_(mutations), search_at_(now) {}

  struct Question {
    Contact whom;
    std::optional<Token> token;
  };
  struct Due {
    bool search = false;  ///< then call found() with its result
    std::vector<Question> ask;
  };
  /// Returns the requests due now; all of them are in flight from then on.
  Due due(base::Instant now);
  base::Instant wake_at() const;

  /// Sets the nodes nearest to the key, which are the holders to ask. Empty: the search failed.
  void found(const std::vector<Contact>& nearest, base::Instant now);
  /// Notes a holder's answer. Zero: it granted no lease.
  void answered(const base::NodeId& holder, std::chrono::seconds lease, const std::optional<Token>& token,
                base::Instant now);
  void failed(const base::NodeId& holder, base::Instant now);

  /// Returns whether this node asked that node, so that its reports are worth reading.
  bool asked(const base::NodeId& whom) const { return holders_.contains(whom); }
  std::vector<Contact> holders() const;
  std::size_t leases(base::Instant now) const;
  /// Returns whether each holder of the first search has answered or failed.
  bool settled() const { return settled_; }

  /// Returns whether the value is the newest so far, and keeps it if so.
  bool take(const Version& version);
  /// Returns whether a value of that sequence may be newer.
  bool may_be_new(std::uint64_t sequence) const { return !newest_ || newest_->sequence <= sequence; }
  /// Returns whether that provider was not reported yet.
  bool take(const Contact& provider);

  const Topic& topic() const { return topic_; }
  /// Returns how many items have come; of values, only the last is kept.
  std::uint64_t items() const { return items_; }
  /// Returns the last providers; the last one has the number items().
  const std::deque<Contact>& providers() const { return providers_; }

 private:
  struct Holder {
    Contact where;
    std::optional<Token> token{};
    base::Instant ask_at{};
    base::Instant leased_until{};
    bool asking = false;
    bool heard = false;  // has answered for the first time, or has failed to
    unsigned lost = 0;   // unanswered requests in a row
  };
  void settle();

  Topic topic_;
  ListeningSettings settings_;
  const base::Mutations& mutations_;
  std::map<base::NodeId, Holder> holders_;
  base::Instant search_at_;
  bool searching_ = false, searched_ = false, settled_ = false;
  std::optional<Version> newest_;
  std::uint64_t items_ = 0;
  std::deque<Contact> providers_;
  std::set<base::NodeId> provider_ids_;
};

}  // namespace troupe::dht
