#pragma once
// What people ask of the DHT: a value put or got, and the nodes near an id.
// Part of the head, at its path.
//
// Put     a /kv is signed here, with a sequence above all that this node knows
// of its name. One that expects a sequence
//         searches for the record to be replaced first (put_in_place). Stored
//         by enough nodes, it is kept published.
// Get     what the search found, opened if it is sealed for this node.
#include "actors/dht/head.hpp"

namespace troupe::dht {

class Operators final : public runtime::Part {
 public:
  Operators(runtime::Actor& owner, Head& head) : Part(owner), head_(head) {}

  void put(wire::Put::Reader request, runtime::Reply<wire::PutDone> reply);
  void get(wire::GetValue::Reader question, runtime::Reply<wire::GotValue> reply);
  void nearest(wire::FindNearest::Reader question, runtime::Reply<wire::Nearest> reply);

  /// The highest sequence that this node has signed, as its rows say.
  void continue_from(std::uint64_t sequence);

  // For batches of the same (batches.hpp).
  struct Sought {
    Key key;
    std::optional<base::Digest> digest{};
  };
  /// What is asked for by a content id, a key, or a name of this node; nothing
  /// if one has a wrong length.
  std::optional<Sought> sought(base::ByteView digest, base::ByteView key, base::ByteView name) const;
  KvRecord dated(KvRecord record, const Key& place, std::chrono::seconds lasts, std::optional<std::uint64_t> expected);
  static bool may_be_stored(Published what, const base::Error& why);
  /// Why there is no value to give; nothing if there is.
  static std::optional<base::Error> unread(const Searched& end, const std::optional<base::Digest>& digest);
  /// Of what was found.
  void write_got(wire::GotValue::Builder out, const Searched& end) const;

 private:
  struct Put {
    std::optional<std::uint64_t> expected{};
    std::chrono::seconds lasts = kLifetimeDefault;
    bool explain = false;
    runtime::Handle asker{};
    runtime::Reply<wire::PutDone> reply{};
  };
  std::uint64_t date_number() const;
  void put_in_place(KvRecord record, Put put);
  void store(const Record& record, Put put);

  Head& head_;
  std::uint64_t last_sequence_ = 0;  // of what this node signed
};

}  // namespace troupe::dht
