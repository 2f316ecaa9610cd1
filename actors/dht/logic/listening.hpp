#pragma once
// One place that this node listens to: which holders to ask for a lease, when again, and which news is new.
//
// Holders the nodes nearest to the key, found by a search each search_period, and sooner once some are lost.
// Leases  a holder's first answer brings the token that the second question shows. A lease is renewed at half its time;
//         a holder that gives none is asked each poll_period. After kListenTriesMax questions without an answer it is
//         lost.
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
inline constexpr std::size_t kListenedProvidersMax = 1'024;    // our choice: eight times what a holder keeps of a key
inline constexpr std::chrono::seconds kListenAgain{5};         // our choice: after a question without an answer
inline constexpr std::chrono::seconds kListenSearchAgain{30};  // our choice: holders were lost, or none was found

struct ListeningSettings {
  std::chrono::seconds lease{240};          ///< asked for; a token is good for five minutes, and half of it is less
  std::chrono::seconds poll_period{30};     ///< of a holder that gives no lease
  std::chrono::seconds search_period{600};  ///< nodes come and go, and the nearest with them
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
    bool search = false;  ///< then found() is called with what it brings
    std::vector<Question> ask;
  };
  /// What is to be done now; all of it is under way from then on.
  Due due(base::Instant now);
  base::Instant wake_at() const;

  /// The nodes nearest to the key: all those to listen at. None: the search failed.
  void found(const std::vector<Contact>& nearest, base::Instant now);
  /// A holder has answered. No lease: zero.
  void answered(const base::NodeId& holder, std::chrono::seconds lease, const std::optional<Token>& token,
                base::Instant now);
  void failed(const base::NodeId& holder, base::Instant now);

  /// Whether it is one of those asked, so that what it tells is worth reading.
  bool asked(const base::NodeId& whom) const { return holders_.contains(whom); }
  std::vector<Contact> holders() const;
  std::size_t leases(base::Instant now) const;
  /// Whether each holder of the first search has said what it has to say.
  bool settled() const { return settled_; }

  /// Whether the value is the newest so far; then it is kept as such.
  bool take(const Version& version);
  /// Whether a value of that sequence may be so.
  bool may_be_new(std::uint64_t sequence) const { return !newest_ || newest_->sequence <= sequence; }
  /// Whether that provider was not named yet.
  bool take(const Contact& provider);

  const Topic& topic() const { return topic_; }
  /// How much has come: of values all but the last are gone.
  std::uint64_t items() const { return items_; }
  /// The providers that came last; the last one has the number items().
  const std::deque<Contact>& providers() const { return providers_; }

 private:
  struct Holder {
    Contact where;
    std::optional<Token> token{};
    base::Instant ask_at{};
    base::Instant leased_until{};
    bool asking = false;
    bool heard = false;  // its first word has come, or will not
    unsigned lost = 0;   // questions in a row without an answer
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
