#pragma once
// What the head of the DHT (dht_actor.hpp) does for its parts: it searches, and
// says what it holds.
//
// Search  one form from end to end: the words of a Search (messages/dht.capnp)
// as an operator's part, another actor of
//         this node or the head itself wrote them. The head passes the same
//         words to `/dht/lookup-N`.
// Parsed  a record that was found is verified where it arrived and parsed once
// here, for all its readers.
#include <optional>
#include <vector>

#include "actors/dht/logic/held.hpp"
#include "actors/dht/logic/record.hpp"
#include "actors/dht/logic/republish.hpp"
#include "actors/dht/settings.hpp"
#include "messages/dht.capnp.h"
#include "runtime/actor/part.hpp"

namespace troupe::dht {

/// How a search ended. Valid during its callback.
struct Searched {
  runtime::Answer<wire::SearchResult>& answer;
  const Record* record = nullptr;  ///< the one found; null: none
};

/// Who searches, beside the words of the search.
struct SearchFor {
  runtime::Handle asker{};        ///< the search ends with it; null: with no actor in particular
  std::uint64_t group = 0;        ///< searches that end together; 0: alone
  std::vector<Contact> starts{};  ///< known to be near, beside those of the table
};

class Head {
 public:
  using Found = base::Callback<void(const Searched&)>;

  /// `words` of a wire::Search that search_error() has nothing against.
  virtual void search(runtime::Envelope words, SearchFor from, Found found) = 0;
  template <class Fill>
  void search_for(SearchFor from, Fill&& fill, Found found) {
    search(runtime::Envelope::build<wire::Search>({}, std::forward<Fill>(fill)), std::move(from), std::move(found));
  }
  virtual std::uint64_t new_group() = 0;
  virtual void stop_group(std::uint64_t group) = 0;
  /// From now on it is kept in the network, where `stored` nodes have it. Does
  /// not wait for confirmation.
  virtual void publish(Published what, const Key& key, base::ByteView record, std::size_t stored) = 0;

  /// Calls back with the record at a place that this node holds; empty if there
  /// is none.
  virtual void read(const Place& place, base::Callback<void(base::ByteView)> found) = 0;
  /// The sequence of the record that this node holds there.
  virtual std::optional<std::uint64_t> held_sequence(const Place& place) const = 0;
  virtual std::vector<Contact> held_providers(const Key& key, std::size_t most) = 0;
  /// How many leading bits the keys of one region share.
  virtual unsigned region_bits() const = 0;
  /// They change once the node knows its address.
  virtual const DhtSettings& settings() const = 0;

 protected:
  ~Head() = default;
};

}  // namespace troupe::dht
