#pragma once
// Commands as tests write them, and drawn ones.
#include "actors/raft/logic/kv/machine.hpp"
#include "runtime/base/random.hpp"
#include "tests/support.hpp"

namespace troupe::raft_test {

using namespace raft;

inline kv::Value value(std::string_view text) { return std::make_shared<const base::Bytes>(text.begin(), text.end()); }
inline std::string shown(const kv::Value& of) { return of ? std::string(base::as_text(*of)) : "absent"; }
inline kv::Operation put(std::string key, std::string_view to, std::uint64_t lease = 0) {
  return {kv::Operation::Kind::put, std::move(key), value(to), {lease}};
}
inline kv::Operation removal(std::string key) { return {kv::Operation::Kind::remove, std::move(key)}; }
inline kv::Operation get(std::string key) { return {kv::Operation::Kind::get, std::move(key)}; }
inline kv::Condition absent(std::string key) { return {std::move(key), kv::Condition::Kind::absent}; }
inline kv::Condition equals(std::string key, std::string_view to) {
  return {std::move(key), kv::Condition::Kind::equals, value(to)};
}

/// A machine and the index of its next command.
struct Store {
  kv::Machine machine;
  Index next{1};

  kv::Applied apply(const kv::Command& command) {
    const Index at = next;
    next = next.next();
    return machine.apply(at, kv::encode(command));
  }
  kv::Applied txn(std::vector<kv::Condition> conditions, std::vector<kv::Operation> operations,
                  std::string request = "", std::int64_t time_ms = 0) {
    return apply({time_ms, std::move(request), kv::Txn{std::move(conditions), std::move(operations)}});
  }
};

/// Commands on few keys, values, leases and requests, so that they meet.
inline kv::Command drawn(base::Random& random, std::int64_t& time_ms) {
  const auto key = [&] { return std::string(1 + random.below(2), static_cast<char>('a' + random.below(3))); };
  const auto some = [&] { return value(std::string(random.below(3), static_cast<char>('x' + random.below(2)))); };
  time_ms += static_cast<std::int64_t>(random.below(30));
  kv::Command out{.time_ms = time_ms - static_cast<std::int64_t>(random.below(2) * random.below(20))};
  out.time_ms = std::max<std::int64_t>(out.time_ms, 0);
  if (random.chance(1, 2)) out.request = "request " + std::to_string(random.below(12));
  switch (random.below(12)) {
    case 0: out.what = kv::GrantLease{{1 + random.below(3)}, 1'000}; break;
    case 1: out.what = kv::DropLease{{1 + random.below(3)}}; break;
    case 2: out.what = kv::Compact{{random.below(40)}}; break;
    case 4: out.what = kv::KeepLeases{{{1 + random.below(3)}, {1 + random.below(3)}}}; break;
    case 3: out.what = kv::LimitSessions{20 + random.below(200), 1 + random.below(8), 100 + random.below(2'000)}; break;
    default: {
      kv::Txn txn;
      for (std::uint64_t n = random.below(3) * random.below(2); n > 0; --n)
        txn.conditions.push_back(
            {key(), static_cast<kv::Condition::Kind>(random.below(3)), some(), {random.below(20)}});
      for (std::uint64_t n = 1 + random.below(3); n > 0; --n)
        txn.operations.push_back({static_cast<kv::Operation::Kind>(random.below(3)),
                                  key(),
                                  some(),
                                  {random.chance(1, 4) ? 1 + random.below(3) : 0}});
      for (kv::Operation& operation : txn.operations)
        if (operation.kind != kv::Operation::Kind::put) operation.lease = {}, operation.value = {};
      for (kv::Condition& condition : txn.conditions) {
        if (condition.kind != kv::Condition::Kind::equals) condition.value = {};
        if (condition.kind != kv::Condition::Kind::revision) condition.revision = {};
      }
      out.what = std::move(txn);
    }
  }
  return out;
}

}  // namespace troupe::raft_test
