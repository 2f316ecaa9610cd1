// The ledger on a store, in virtual time.
#include "actors/chain/ledger.hpp"

#include <doctest/doctest.h>

#include "runtime/store/batch.hpp"
#include "runtime/store/store_actor.hpp"
#include "tests/actors/chain/chains.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"

using namespace troupe;
using namespace troupe::chain;
using namespace std::chrono_literals;

namespace {

class LedgerOwner final : public runtime::Actor {
 public:
  static constexpr const char* kName = "ledger";
  explicit LedgerOwner(std::function<void(LedgerOwner&)> begin)
      : ledger(*this, nullptr, 1 << 20), rows(*this, {.store = "/store", .keyspace = "chain"}), begin_(begin) {}
  void receive(runtime::Handlers& on) override {
    ledger.receive<Again>(on);
    rows.receive<RowsAgain>(on);
    on.tell<messages::wire::Nothing>([this](auto) { std::exchange(order, {})(); });
  }
  void start() override { begin_(*this); }
  void stop() override {
    ledger.stop();
    rows.stop();
  }

  Ledger ledger;
  store::Rows rows;  // the same ones
  std::function<void()> order;

 private:
  struct Again {};
  struct RowsAgain {};
  std::function<void(LedgerOwner&)> begin_;
};

/// A ledger behind which nothing runs: a test says what a block came to.
struct LedgerFixture {
  LedgerFixture() {
    actors.node.start("store", [] { return std::make_unique<store::StoreActor>("store"); });
    handle = actors.node.start("ledger", [this] {
      auto made = std::make_unique<LedgerOwner>([this](LedgerOwner& self) {
        self.ledger.open(genesis, 7, [this](const base::Outcome<void>& opened) { ready = opened.ok(); });
      });
      owner = made.get();
      return made;
    });
    actors.stage.run_for(10s);
    REQUIRE(ready);
  }
  void inside(std::function<void()> what) {
    owner->order = std::move(what);
    actors.inside([&](test::Scripted& self) { self.tell<messages::wire::Nothing>(handle, [](auto) {}); });
    actors.stage.run_for(30s);
  }
  /// Makes an empty block the head, with these changes of the tree.
  std::optional<base::Error> append(Height height, std::vector<std::pair<RowKey, RowBytes>> rows,
                                    std::vector<RowKey> stale) {
    std::optional<base::Error> out{{base::Code::timeout, "it was not answered"}};
    inside([&] {
      Block block;
      block.header.height = height;
      auto executed = std::make_shared<Executed>();
      executed->tree = {owner->ledger.head().state, std::move(rows), std::move(stale)};
      owner->ledger.append(block, encode(block), {}, std::make_shared<const std::vector<Approved>>(), executed,
                           [&](const base::Outcome<void>& kept) {
                             out.reset();
                             if (!kept.ok()) out = kept.error();
                           });
    });
    return out;
  }
  bool has(const RowKey& key) {
    bool out = false;
    inside([&] {
      owner->ledger.tree_row(key, [&](const base::Outcome<std::optional<base::Bytes>>& row) {
        REQUIRE(row.ok());
        out = row.value().has_value();
      });
    });
    return out;
  }

  const Genesis genesis = golden_genesis();
  test::ActorFixture actors;
  runtime::Handle handle;
  LedgerOwner* owner = nullptr;
  bool ready = false;
};

RowKey deep_row(std::uint32_t number) {
  RowKey out{.height = Height{1}, .nibbles = 63, .path = {}};
  for (std::size_t i = 0; i < 4; ++i) out.path.bytes[i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  return out;
}

}  // namespace

TEST_CASE("ledger: however many rows a block puts out of use, it is kept, and they are erased in their time") {
  LedgerFixture here;
  constexpr std::uint32_t kRows = 2 * rows::kStaleOfPart + 10;
  std::vector<std::pair<RowKey, RowBytes>> made;
  std::vector<RowKey> stale;
  for (std::uint32_t i = 0; i < kRows; ++i) {
    stale.push_back(deep_row(i));
    made.emplace_back(stale.back(), std::make_shared<const base::Bytes>(base::Bytes{1}));
  }
  REQUIRE(!here.append(Height{1}, made, {}));
  REQUIRE(!here.append(Height{2}, {}, stale));
  const std::uint32_t some[] = {0, rows::kStaleOfPart - 1, rows::kStaleOfPart, 2 * rows::kStaleOfPart, kRows - 1};
  for (const std::uint32_t number : some) CHECK(here.has(deep_row(number)));
  REQUIRE(!here.append(Height{2 + Ledger::kStatesKept}, {}, {}));
  for (const std::uint32_t number : some) CHECK_FALSE(here.has(deep_row(number)));
}

TEST_CASE("ledger: what of the rows out of use was left when a node ended is erased with those of the next height") {
  LedgerFixture here;
  constexpr std::uint32_t kRows = 2 * rows::kStaleOfPart + 10;
  std::vector<std::pair<RowKey, RowBytes>> made;
  std::vector<RowKey> stale;
  for (std::uint32_t i = 0; i <= kRows; ++i) {
    stale.push_back(deep_row(i));
    made.emplace_back(stale.back(), std::make_shared<const base::Bytes>(base::Bytes{1}));
  }
  REQUIRE(!here.append(Height{1}, made, {}));
  const RowKey last = stale.back();
  stale.pop_back();
  REQUIRE(!here.append(Height{2}, {}, stale));
  REQUIRE(!here.append(Height{3}, {}, {last}));
  // The first part of height 2 was erased; then the node ended, and came back at the next height.
  here.inside([&] {
    store::RowChange change;
    change.erase.push_back(rows::stale_key(Height{2}, 0));
    here.owner->rows.save(std::move(change));
  });
  REQUIRE(!here.append(Height{3 + Ledger::kStatesKept}, {}, {}));
  for (const std::uint32_t number : {std::uint32_t{rows::kStaleOfPart}, kRows - 1, kRows})
    CHECK_FALSE(here.has(deep_row(number)));
}

TEST_CASE("ledger: a part of the longest keys is a value that the store takes") {
  const std::vector<RowKey> part(rows::kStaleOfPart, deep_row(1));
  const base::Bytes value = rows::encode(part);
  CHECK(value.size() < store::kValueBytesMax);
  CHECK(rows::decode_stale(value) == part);
}
