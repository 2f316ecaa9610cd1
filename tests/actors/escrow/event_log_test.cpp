#include "actors/escrow/logic/event_log.hpp"

#include <rapidcheck.h>

#include <set>

#include "actors/escrow/rows.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"
#include "tests/actors/escrow/golden_log.hpp"
#include "tests/actors/escrow/one_escrow.hpp"

using namespace troupe;
using namespace troupe::escrow;

namespace {

Agreement golden_agreement() {
  Agreement out = agreement(100, 15, {Amount::of(40), Amount::of(60)});
  out.cid = cid(1);
  return out;
}

/// Decides commands, and writes what they made happen.
struct LoggedEscrow {
  Replay replay{golden_agreement(), commitment_of(secret_of(Party::buyer))};
  std::vector<Entry> log{};
  UnixMs now = kBegin;
  EachParty<std::uint64_t> numbers{};
  std::vector<Arbiter> candidates{{person(20), Amount::of(10)}, {person(21), Amount::of(10)}};

  LoggedEscrow() { write(open(replay.escrow(), now).events, {}, {}); }

  void write(const std::vector<Event>& events, const Address& by, const base::Digest& cause) {
    for (const Entry& entry : replay.entries(events, now, by, cause)) {
      REQUIRE(replay.take(entry).ok());
      log.push_back(entry);
    }
  }
  void command(const Command& what) {
    now += UnixMs(1'000);
    const auto decided = decide(replay.escrow(), what, now);
    REQUIRE(decided.ok());
    const auto* acted = std::get_if<Acted>(&what);
    if (acted != nullptr) write(decided.value().events, acted->act.by, crypto::sha256(encode(acted->act)));
    else write(decided.value().events, {}, {});
  }
  void act(Party party, What what, Verdict verdict = Verdict::pass) {
    const Escrow& escrow = replay.escrow();
    command(
        Acted{{escrow.id, escrow.address(party), ++of(numbers, party), std::move(what)}, verdict, secret_of_book()});
  }
  void fire() {
    now = std::max(now, replay.escrow().deadline);
    command(Fire{UnixMs(0), candidates, secret_of_book()});
  }
  void confirm() { command(PaymentConfirmed{id_of(replay.escrow().outgoing.bound().value())}); }

  /// What a version before decided of money that no act had announced.
  void give_back(std::uint64_t sequence, const Address& to, Amount amount) {
    now += UnixMs(1'000);
    const wallet::Transfer back = replay.escrow().outgoing.prepare({{to, amount}}, "escrow");
    write({MoneyArrived{sequence, amount, std::nullopt},
           Owed{{{to, Role::sender, amount, Why::unasked}}, replay.escrow().released}, PaymentBound{back}},
          {}, {});
  }

  /// A path on which each kind of event happens.
  void play() {
    act(Party::provider, Sign{commitment_of(secret_of(Party::provider))}, Verdict::hold);
    command(Looked{});
    act(Party::buyer, Fund{{{1}}, Amount::of(115)});
    act(Party::provider, Fund{{{2}}, Amount::of(15)});
    command(Arrived{1, {{1}}, kBuyer, Amount::of(115)});
    give_back(2, kStranger, Amount::of(7));
    command(Arrived{3, {{2}}, kProvider, Amount::of(15)});
    confirm();
    const Extend longer{Extended::start, {Due::Kind::at, kBegin + 500 * kHour}};
    act(Party::buyer, Cancel{});
    act(Party::buyer, longer);
    act(Party::provider, longer);
    act(Party::provider, Start{});
    act(Party::buyer, Accept{std::nullopt, 1});
    confirm();
    act(Party::provider, Deliver{cid(1)});
    act(Party::buyer, Dispute{secret_of(Party::buyer)});
    act(Party::provider, Propose{Amount::of(90), secret_of(Party::provider)});
    fire();
    fire();
    command(Acted{{replay.escrow().id, replay.escrow().drawn.back(), 1, Rule{Amount::of(70)}}});
    confirm();
  }
};

std::string hex_of(const std::vector<Entry>& log) {
  std::string out;
  for (const Entry& entry : log) out += base::hex(encode(entry)) + '\n';
  return out;
}

std::vector<Entry> golden_entries(const GoldenLog& golden = kGoldenLogs[std::size(kGoldenLogs) - 1]) {
  std::vector<Entry> out;
  for (const std::string_view line : golden.log) out.push_back(decode_entry(test::bytes_of_hex(line)).value());
  return out;
}

}  // namespace

TEST_CASE("escrow log: a log of each version is read for ever, and the latest has each kind of event") {
  for (const GoldenLog& golden : kGoldenLogs) {
    Replay replay(golden_agreement(), commitment_of(secret_of(Party::buyer)));
    std::set<std::size_t> kinds;
    for (const Entry& entry : golden_entries(golden)) {
      REQUIRE(replay.take(entry).ok());
      kinds.insert(entry.event.index());
    }
    CHECK(kinds.size() == (golden.hash == kGoldenHash1 ? 16 : std::variant_size_v<Event>));
    CHECK(replay.escrow().stage == Stage::released);
    CHECK(replay.escrow().released == Amount::of(70));
    CHECK(replay.escrow().confirmed());
    CHECK(replay.hash().hex() == golden.hash);
  }
  // Of the same commands comes the same log today. A change of it is one of what the program decides, and may be meant;
  // then the logs above stay, and another one is added.
  LoggedEscrow today;
  today.play();
  std::string latest;
  for (const std::string_view line : kGoldenLog2) latest.append(line).append("\n");
  CHECK(hex_of(today.log) == latest);
}

TEST_CASE("escrow log: a snapshot of each version is read for ever, and the log goes on from it") {
  for (const GoldenLog& version : kGoldenLogs) {
    const std::vector<Entry> log = golden_entries(version);
    Replay replay(golden_agreement(), commitment_of(secret_of(Party::buyer)));
    std::size_t next = 0;
    while (next < version.snapshot_at) REQUIRE(replay.take(log[next++]).ok());
    CHECK(replay.escrow().outgoing.bound().has_value());  // what is to be paid is in it
    std::string golden;
    for (const std::string_view line : version.snapshot) golden.append(line);
    if (version.hash == kGoldenHash2) CHECK(base::hex(replay.snapshot().value()) == golden);
    auto read =
        Replay::from_snapshot(golden_agreement(), commitment_of(secret_of(Party::buyer)), test::bytes_of_hex(golden));
    REQUIRE(read);
    if (version.hash == kGoldenHash2) CHECK(read->snapshot() == replay.snapshot());
    while (next < log.size()) REQUIRE(read->take(log[next++]).ok());
    CHECK(read->hash().hex() == version.hash);
  }
}

TEST_CASE("escrow log: each entry is what its bytes say, and a replay is in the same state") {
  LoggedEscrow one;
  one.play();
  Replay again(golden_agreement(), commitment_of(secret_of(Party::buyer)));
  for (const Entry& entry : one.log) {
    const base::Bytes bytes = encode(entry);
    CHECK(bytes.size() <= kEntryBytesMax);
    const auto read = decode_entry(bytes);
    REQUIRE(read);
    CHECK(encode(*read) == bytes);
    for (std::size_t n = 0; n < bytes.size(); ++n) CHECK_FALSE(decode_entry(base::ByteView(bytes).first(n)));
    REQUIRE(again.take(*read).ok());
  }
  const Escrow& was = one.replay.escrow();
  CHECK(again.escrow().paid == was.paid);
  CHECK(again.escrow().stage == was.stage);
  CHECK(again.escrow().drawn == was.drawn);
  CHECK(again.escrow().outgoing == was.outgoing);
  CHECK(again.hash() == one.replay.hash());
}

TEST_CASE("escrow log: an entry that was changed, removed, repeated or swapped is the first bad one") {
  const std::vector<Entry> good = golden_entries();
  const auto first_bad = [](const std::vector<Entry>& log) -> std::size_t {
    Replay replay(golden_agreement(), commitment_of(secret_of(Party::buyer)));
    for (const Entry& entry : log)
      if (!replay.take(entry).ok()) return replay.sequence() + 1;
    return 0;
  };
  CHECK(first_bad(good) == 0);
  auto bad = good;
  std::get<MoneyArrived>(
      std::ranges::find_if(bad, [](const Entry& entry) { return std::holds_alternative<MoneyArrived>(entry.event); })
          ->event)
      .amount = Amount::of(1'000);
  CHECK(first_bad(bad) > 0);
  bad = good;
  bad[3].time += UnixMs(1);
  CHECK(first_bad(bad) == 5);
  bad = good;
  bad.erase(bad.begin() + 4);
  CHECK(first_bad(bad) == 5);
  bad = good;
  bad.insert(bad.begin() + 4, bad[3]);
  CHECK(first_bad(bad) == 5);
  bad = good;
  std::swap(bad[4], bad[5]);
  CHECK(first_bad(bad) == 5);
  Agreement twin = golden_agreement();
  twin.nonce[0] = 1;
  CHECK_FALSE(Replay(twin, {}).take(good[0]).ok());  // moved to another escrow
}

TEST_CASE("escrow log: whatever a chain of entries says, reading it breaks no invariant (property)") {
  const std::vector<Entry> good = golden_entries();
  rc::check(
      [&](const std::vector<std::pair<std::uint8_t, std::uint16_t>>& changes, const std::vector<std::uint8_t>& order) {
        Replay replay(golden_agreement(), commitment_of(secret_of(Party::buyer)));
        std::size_t taken = 0;
        for (std::size_t i = 0; i < order.size() + good.size(); ++i) {
          // The events of the log in another order and with changed bytes, in a chain that is right.
          const Event event = good[i < order.size() ? order[i] % good.size() : i - order.size()].event;
          Entry entry = replay.entries(std::vector{event}, kBegin, {}, {}).front();
          base::Bytes bytes = encode(entry);
          if (i < changes.size()) bytes[bytes.size() - 1 - changes[i].second % (bytes.size() - 126)] = changes[i].first;
          const auto read = decode_entry(bytes);
          if (!read) continue;
          RC_ASSERT(encode(*read) == bytes);
          if (replay.take(*read).ok()) ++taken;
          RC_ASSERT(!sentence(replay.escrow()).empty());
        }
        RC_ASSERT(replay.sequence() == taken);
      });
}

TEST_CASE("escrow log: from a snapshot at any entry the rest of the log ends as all of it") {
  const auto buyer = commitment_of(secret_of(Party::buyer));
  const auto entries = golden_entries();
  Replay whole(golden_agreement(), buyer);
  for (const Entry& entry : entries) REQUIRE(whole.take(entry).ok());
  Replay at(golden_agreement(), buyer);
  for (std::size_t n = 0; n < entries.size(); ++n) {
    CAPTURE(n);
    REQUIRE(at.take(entries[n]).ok());
    const auto bytes = at.snapshot();
    REQUIRE(bytes);
    auto begun = Replay::from_snapshot(golden_agreement(), buyer, *bytes);
    REQUIRE(begun);
    CHECK(begun->snapshot() == bytes);
    CHECK(unfinished(begun->escrow()).size() == unfinished(at.escrow()).size());
    for (std::size_t rest = n + 1; rest < entries.size(); ++rest) REQUIRE(begun->take(entries[rest]).ok());
    CHECK(begun->snapshot() == whole.snapshot());
    for (std::size_t size = 0; size < bytes->size(); ++size)
      CHECK_FALSE(Replay::from_snapshot(golden_agreement(), buyer, base::ByteView(*bytes).first(size)));
  }
}

TEST_CASE("escrow rows: what an escrow began with is read with and without the book's secret, and no odd byte") {
  rows::Founding founding{
      golden_agreement(), commitment_of(secret_of(Party::buyer)), {}, {"same_owner", "fresh_limit"}, {}, {}};
  CHECK(rows::decode_founding(rows::encode(founding)) == founding);
  of(founding.owners, Party::provider) = base::NodeId{};
  founding.bonds = Amount::of(7);
  CHECK(rows::decode_founding(rows::encode(founding)) == founding);
  founding.secret = secret_of_book();
  base::Bytes row = rows::encode(founding);
  CHECK(rows::decode_founding(row) == founding);
  row.push_back(0);
  CHECK_FALSE(rows::decode_founding(row));
  row.resize(row.size() - 2);
  CHECK_FALSE(rows::decode_founding(row));
}

TEST_CASE("escrow rows: a head that an earlier version wrote is read") {
  const rows::Head head{7, 3, crypto::sha256(base::as_bytes("head"))};
  base::Bytes row = rows::encode(head);
  base::append_number(row, std::uint64_t{2});  // it counted unrequested payments
  const auto read = rows::decode_head(row);
  REQUIRE(read);
  CHECK(read->sequence == head.sequence);
  CHECK(read->commits == head.commits);
  CHECK(read->hash == head.hash);
}
