#include "apps/escrow/log.hpp"

#include "apps/cli/json_read.hpp"
#include "runtime/crypto/hash.hpp"
#include "tests/apps/harness.hpp"

using namespace troupe;
using namespace troupe::apps;
using namespace troupe::apps::escrows;
using escrow::Party;

namespace {

/// An escrow of two keys, written as the book writes it.
struct SignedEscrow {
  struct Person {
    crypto::SecretKey key;
    wallet::Policy policy = wallet::Policy::of_key(key.public_key());
    std::uint64_t number = 0;
  };
  static crypto::SecretKey key_of(std::uint8_t number) {
    crypto::Seed seed;
    seed.bytes.fill(number);
    return crypto::SecretKey(seed);
  }
  static escrow::Agreement agreement(const Person& buyer, const Person& provider) {
    escrow::Agreement out{.buyer = buyer.policy.address(),
                          .provider = provider.policy.address(),
                          .price = wallet::Amount::of(100),
                          .bond = wallet::Amount::of(15)};
    out.terms.start = out.terms.deliver = {escrow::Due::Kind::after, std::chrono::hours(1)};
    return out;
  }
  static escrow::Reveal reveal(Party party) {
    escrow::Reveal out;
    out.bytes.fill(party == Party::buyer ? 7 : 8);
    return out;
  }

  Person buyer{key_of(1)}, provider{key_of(2)};
  escrow::Replay at{agreement(buyer, provider), commitment_of(reveal(Party::buyer))};
  escrow::UnixMs now{1'700'000'000'000};
  Log log;

  SignedEscrow() {
    log.agreement = encode(at.escrow().agreement);
    const auto committed = of(at.escrow().commitments, Party::buyer);
    log.commitment.assign(committed.bytes.begin(), committed.bytes.end());
    const escrow::Act sign{at.escrow().id, buyer.policy.address(), 1, escrow::Sign{committed}};
    write(open(at.escrow(), now).events, buyer, sign);
  }
  void write(const std::vector<escrow::Event>& events, const Person& by, const escrow::Act& act) {
    const base::Bytes bytes = encode(act);
    log.acts.push_back({at.sequence() + 1, bytes, by.policy.encode(), {{by.key.public_key(), by.key.sign(bytes)}}});
    write(events, act.by, crypto::sha256(bytes));
  }
  void write(const std::vector<escrow::Event>& events, const escrow::Address& by, const base::Digest& cause) {
    for (const escrow::Entry& entry : at.entries(events, now, by, cause)) {
      REQUIRE(at.take(entry).ok());
      log.entries.push_back(encode(entry));
    }
  }
  void act(Person& by, escrow::What what) {
    now += escrow::UnixMs(1'000);
    const escrow::Act act{at.escrow().id, by.policy.address(), ++by.number, std::move(what)};
    const auto decided = decide(at.escrow(), escrow::Acted{act}, now);
    REQUIRE(decided.ok());
    write(decided.value().events, by, act);
  }
  void command(const escrow::Command& what) {
    const auto decided = decide(at.escrow(), what, now);
    REQUIRE(decided.ok());
    write(decided.value().events, {}, {});
  }
  SignedEscrow& to_running() {
    act(provider, escrow::Sign{commitment_of(reveal(Party::provider))});
    act(buyer, escrow::Fund{{{1}}, wallet::Amount::of(115)});
    act(provider, escrow::Fund{{{2}}, wallet::Amount::of(15)});
    command(escrow::Arrived{1, {{1}}, buyer.policy.address(), wallet::Amount::of(115)});
    command(escrow::Arrived{2, {{2}}, provider.policy.address(), wallet::Amount::of(15)});
    act(provider, escrow::Start{});
    return *this;
  }
  SignedEscrow& to_late() {
    to_running();
    now = at.escrow().deadline;
    command(escrow::Fire{});
    command(escrow::PaymentConfirmed{id_of(at.escrow().outgoing.bound().value())});
    return *this;
  }
  std::optional<Flaw> flaw() const { return verify(at.escrow().id, log).flaw; }
};

}  // namespace

TEST_CASE("escrow log: a log with all its acts is good, and comes back from its JSON") {
  SignedEscrow one;
  one.to_late();
  const Verified verified = verify(one.at.escrow().id, one.log);
  CHECK_FALSE(verified.flaw);
  CHECK(verified.entries == one.log.entries.size());
  CHECK(verified.acts == 5);
  CHECK(verified.stage == escrow::Stage::refunded);
  std::ostringstream out;
  write_log(out, one.log);
  const auto read = read_log(out.str());
  REQUIRE(read);
  CHECK(read->entries == one.log.entries);
  CHECK(read->agreement == one.log.agreement);
  CHECK_FALSE(verify(std::nullopt, *read).flaw);
  CHECK(verify(std::nullopt, *read).id == one.at.escrow().id);
  for (std::size_t cut = 0; cut + 1 < out.str().size(); cut += 97) CHECK_FALSE(read_log(out.str().substr(0, cut)));
}

TEST_CASE("escrow log: in a file nothing else may stand beside the bytes of an entry") {
  SignedEscrow one;
  one.to_running();
  std::ostringstream out;
  write_log(out, one.log);
  const std::string time = std::to_string(escrow::decode_entry(one.log.entries[2]).value().time.count());
  const std::pair<std::string, std::string> changes[] = {{"\"seq\":3", "\"seq\":4"},
                                                         {"\"time\":" + time, "\"time\":" + time + "0"},
                                                         {"\"event\":\"signed\"", "\"event\":\"entered\""}};
  for (const auto& [from, to] : changes) {
    std::string text = out.str();
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    text.replace(at, from.size(), to);
    const auto read = read_log(text);
    REQUIRE(read);
    CHECK_MESSAGE(verify(one.at.escrow().id, *read).flaw, from);
  }
}

TEST_CASE("escrow log: whatever is changed in it is found at the entry where it is") {
  SignedEscrow one;
  one.to_running();
  const auto entries = one.log.entries.size();
  SUBCASE("another id") { CHECK(verify(escrow::EscrowId{{9}}, one.log).flaw->sequence == 1); }
  SUBCASE("any byte of an entry: it, or the one after it, no longer fits") {
    for (std::size_t i = 0; i + 1 < entries; ++i)
      for (std::size_t at = 0; at < one.log.entries[i].size(); at += 7) {
        one.log.entries[i][at] ^= 1;
        const auto flaw = one.flaw();
        REQUIRE(flaw);
        CHECK(flaw->sequence >= i + 1);
        CHECK(flaw->sequence <= i + 2);
        one.log.entries[i][at] ^= 1;
      }
  }
  SUBCASE("an entry is left out, or comes twice") {
    const auto second = one.log.entries[1];
    one.log.entries.erase(one.log.entries.begin() + 1);
    CHECK(one.flaw()->sequence == 2);
    one.log.entries.insert(one.log.entries.begin() + 1, {second, second});
    CHECK(one.flaw()->sequence == 3);
  }
  SUBCASE("an act is missing, or is signed by another key") {
    const LoggedAct act = one.log.acts.at(1);
    one.log.acts.erase(one.log.acts.begin() + 1);
    CHECK(one.flaw()->sequence == act.sequence);
    one.log.acts.push_back(act);
    CHECK_FALSE(one.flaw());
    one.log.acts.back().approvals = {{one.buyer.key.public_key(), one.buyer.key.sign(act.act)}};
    CHECK(one.flaw()->sequence == act.sequence);
    one.log.acts.back().policy = one.buyer.policy.encode();
    CHECK(one.flaw()->sequence == act.sequence);
  }
  SUBCASE("nothing at all") {
    one.log.entries.clear();
    CHECK(one.flaw()->sequence == 1);
  }
}

TEST_CASE("escrow log: without an act nothing happens that needs one, and no deadline before its time") {
  SignedEscrow one;
  one.to_running();
  const std::uint64_t next = one.at.sequence() + 1;
  SUBCASE("a delivery that the provider has not signed") {
    one.write({escrow::DeliveryMade{{{1}}, 1}}, {}, {});
    CHECK(one.flaw()->sequence == next);
  }
  SUBCASE("money is owed before the deadline") {
    one.write({escrow::Owed{otherwise(one.at.escrow()).payouts, one.at.escrow().released}}, {}, {});
    CHECK(one.flaw()->sequence == next);
  }
  SUBCASE("an act of the other party causes what its own would") {
    const escrow::Act act{one.at.escrow().id, one.buyer.policy.address(), 2, escrow::Cancel{}};
    one.write({escrow::ActTaken{Party::provider, 2, crypto::sha256(encode(act))}}, one.buyer, act);
    CHECK(one.flaw()->sequence == next);
  }
}

TEST_CASE("json: a text is read back as the tree that it is, and nothing else is") {
  const auto read = read_json(" {\"a\":[1,-2.5e3,\"x\\\"\\u00e9\\ud83d\\ude00\"],\"b\":null,\"c\":{\"d\":true}} ");
  REQUIRE(read);
  CHECK(read->find("a")->items.at(1).text == "-2.5e3");
  CHECK(read->find("a")->items.at(2).text == "x\"\xc3\xa9\xf0\x9f\x98\x80");
  CHECK(read->find("b")->kind == JsonValue::Kind::null);
  CHECK(read->find("c")->find("d")->text == "true");
  CHECK(read->find("e") == nullptr);
  for (const char* bad : {"", "[", "[1,]", "{\"a\"}", "{\"a\":}", "[1]]", "\"a", "\"\\x\"", "\"\\ud800\"", "nul",
                          "{a:1}", "\"\n\"", "[1 2]"})
    CHECK_MESSAGE(!read_json(bad), bad);
  CHECK(read_json(std::string(kJsonDepthMax, '[') + std::string(kJsonDepthMax, ']')));
  CHECK_FALSE(read_json(std::string(100'000, '[')));
}
