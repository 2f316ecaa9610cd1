#include "actors/peers/logic/address_book.hpp"

#include "actors/peers/logic/peer_scores.hpp"
#include "tests/actors/peers/fixture.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::peers;
using base::Instant;
using troupe::test::kStart;

namespace {

Learned hear(AddressBook& book, std::uint32_t number, std::uint32_t source, Instant now = kStart) {
  return book.hear_of(id_of(number), contact_of(number), id_of(source), now);
}

void prove(AddressBook& book, std::uint32_t number, Instant now = kStart) {
  REQUIRE(book.linked(id_of(number), contact_of(number), now) != nullptr);
  book.unlinked(id_of(number));
}

}  // namespace

TEST_CASE("book: one source fills no more than its share with hearsay") {
  AddressBook book(100, 3);
  for (std::uint32_t i = 0; i < 3; ++i) CHECK(hear(book, i, 90) == Learned::added);
  CHECK(hear(book, 3, 90) == Learned::source_full);
  CHECK(hear(book, 3, 91) == Learned::added);
  prove(book, 0);
  CHECK(hear(book, 4, 90) == Learned::added);
}

TEST_CASE("book: one more than the limit makes room in the order of worth, or is refused") {
  AddressBook book(3, 100);
  prove(book, 1);
  hear(book, 2, 90);
  hear(book, 3, 91);
  CHECK(hear(book, 4, 92) == Learned::book_full);

  SUBCASE("hearsay takes the place of hearsay that failed") {
    book.failed(id_of(3), kStart);
    CHECK(hear(book, 4, 92) == Learned::added);
    CHECK(book.find(id_of(3)) == nullptr);
  }
  SUBCASE("or that is a day old, the oldest first") {
    CHECK(hear(book, 4, 92, kStart + kSilenceMax) == Learned::added);
    CHECK(book.size() == 3);
    CHECK(book.find(id_of(1)) != nullptr);
  }
  SUBCASE("a link takes the place of hearsay, then of the worst proven peer, and never of a link") {
    for (std::uint32_t i = 10; i < 13; ++i) REQUIRE(book.linked(id_of(i), contact_of(i), kStart) != nullptr);
    CHECK(book.find(id_of(1)) == nullptr);
    CHECK(book.linked(id_of(13), contact_of(13), kStart) == nullptr);
    book.unlinked(id_of(11));
    CHECK(book.linked(id_of(13), contact_of(13), kStart) != nullptr);
    CHECK(book.find(id_of(11)) == nullptr);
  }
  SUBCASE("a ban is the last to go") {
    REQUIRE(book.ban(id_of(2), kStart).has_value());
    REQUIRE(book.linked(id_of(10), contact_of(10), kStart) != nullptr);
    REQUIRE(book.linked(id_of(11), contact_of(11), kStart) != nullptr);
    CHECK(book.banned(id_of(2), kStart));
    REQUIRE(book.linked(id_of(12), contact_of(12), kStart) != nullptr);
    CHECK(book.find(id_of(2)) == nullptr);
  }
  SUBCASE("but bans beyond their share go before all others") {
    REQUIRE(book.ban(id_of(2), kStart).has_value());
    REQUIRE(book.ban(id_of(3), kStart).has_value());
    REQUIRE(book.linked(id_of(10), contact_of(10), kStart) != nullptr);
    CHECK(book.find(id_of(1)) != nullptr);
    CHECK(book.banned(id_of(2), kStart) != book.banned(id_of(3), kStart));
  }
  SUBCASE("a stored row that does not fit is not taken") {
    KnownPeer row;
    row.id = id_of(7);
    CHECK_FALSE(book.restore(row));
  }
}

TEST_CASE("book: an address changes by the peer's own word, or once it has failed") {
  AddressBook book;
  Contact moved = contact_of(1);
  moved.endpoint = endpoint_of(77);
  hear(book, 1, 90);
  CHECK(book.hear_of(id_of(1), moved, id_of(91), kStart) == Learned::kept);
  book.failed(id_of(1), kStart);
  CHECK(book.hear_of(id_of(1), moved, id_of(91), kStart) == Learned::moved);
  CHECK(book.find(id_of(1))->failures == 0);
  prove(book, 1);
  CHECK(book.hear_of(id_of(1), moved, id_of(91), kStart) == Learned::kept);
  CHECK(book.hear_of(id_of(1), moved, id_of(1), kStart) == Learned::moved);
  CHECK_FALSE(book.find(id_of(1))->proven());
  REQUIRE(book.ban(id_of(1), kStart).has_value());
  CHECK(book.hear_of(id_of(1), contact_of(1), id_of(1), kStart) == Learned::banned);
}

TEST_CASE("book: an address is doubted at once if another node answered there, and later if no node answered") {
  AddressBook book;
  Contact moved = contact_of(1);
  moved.endpoint = endpoint_of(77);
  prove(book, 1);
  SUBCASE("another node") {
    book.met_another(id_of(1), kStart);
    CHECK(book.find(id_of(1))->failures == kHearsayFailuresMax);
    book.met_another(id_of(1), kStart);
    CHECK(book.find(id_of(1))->failures == kHearsayFailuresMax + 1);
  }
  SUBCASE("no node") {
    for (std::uint32_t i = 0; i < kHearsayFailuresMax; ++i) {
      CHECK(book.hear_of(id_of(1), moved, id_of(91), kStart) == Learned::kept);
      book.failed(id_of(1), kStart);
    }
  }
  CHECK(book.hear_of(id_of(1), contact_of(1), id_of(91), kStart) == Learned::kept);  // the same again
  CHECK(book.hear_of(id_of(1), moved, id_of(91), kStart) == Learned::moved);
  CHECK(book.find(id_of(1))->contact == moved);
  book.met_another(id_of(5), kStart);
  CHECK(book.find(id_of(5)) == nullptr);
}

TEST_CASE("book: the dead are forgotten, but not while this node itself may be cut off") {
  AddressBook book;
  hear(book, 1, 90);
  prove(book, 2);
  hear(book, 3, 90);
  for (std::uint32_t i = 0; i < kHearsayFailuresMax; ++i) book.failed(id_of(1), kStart);
  for (std::uint32_t i = 0; i < kProvenFailuresMax; ++i) book.failed(id_of(2), kStart);
  book.prune(kStart + 365 * 24h);
  CHECK(book.size() == 3);

  REQUIRE(book.linked(id_of(9), contact_of(9), kStart) != nullptr);
  book.prune(kStart);
  CHECK(book.find(id_of(1)) == nullptr);
  book.prune(kStart + kSilenceMax - 1ns);
  CHECK(book.find(id_of(2)) != nullptr);
  book.prune(kStart + kSilenceMax);
  CHECK(book.find(id_of(2)) == nullptr);
  CHECK(book.find(id_of(3)) != nullptr);
  book.prune(kStart + kForgetAfter);
  CHECK(book.find(id_of(3)) == nullptr);
  CHECK(book.find(id_of(9)) != nullptr);
}

TEST_CASE("book: each ban is twice as long as the last, a day at most") {
  AddressBook book;
  prove(book, 1);
  Instant now = kStart;
  base::Duration span = kBanMin;
  for (int i = 0; i < 20; ++i) {
    CHECK(book.ban(id_of(1), now) == now + span);
    CHECK(book.banned(id_of(1), now + span - 1ns));
    CHECK_FALSE(book.banned(id_of(1), now + span));
    now = now + span;
    span = std::min<base::Duration>(span * 2, kBanMax);
  }
  CHECK_FALSE(book.ban(id_of(2), now).has_value());
}

TEST_CASE("book: the disk is told of what changed, once, and of a mere sign of life rarely") {
  AddressBook book;
  hear(book, 2, 90);
  REQUIRE(book.linked(id_of(1), contact_of(1), kStart) != nullptr);
  CHECK(book.take_changes().save == std::vector<base::NodeId>{id_of(1), id_of(2)});
  CHECK(book.take_changes().save.empty());
  book.heard(id_of(1), 20ms, kStart + 60s);
  CHECK(book.take_changes().save.empty());
  book.heard(id_of(1), 20ms, kStart + kRefreshAfter);
  CHECK(book.take_changes().save == std::vector<base::NodeId>{id_of(1)});
  for (int i = 0; i < 3; ++i) book.failed(id_of(2), kStart);
  book.prune(kStart);
  const auto changes = book.take_changes();
  CHECK(changes.save.empty());
  CHECK(changes.erase == std::vector<base::NodeId>{id_of(2)});
}
