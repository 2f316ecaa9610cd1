#include "actors/chain/logic/tally.hpp"

#include "tests/actors/chain/one_height.hpp"

using namespace troupe;
using namespace troupe::chain_test;
using What = Tally::Added::What;

namespace {

struct Counting {
  ValidatorSet set = four();
  Tally tally;

  Tally::Added add(std::size_t index, const Choice& choice) {
    return tally.add(set, index, {Vote{{}, Step::prevote, choice}, set.at(index).id}, base::kNoMutations);
  }
};

}  // namespace

TEST_CASE("tally: a quorum is of one choice, and nil is a choice") {
  Counting it;
  it.add(0, std::nullopt);
  it.add(1, kRed);
  it.add(2, std::nullopt);
  CHECK(it.tally.power() == 3);
  CHECK_FALSE(it.tally.quorum());
  CHECK_FALSE(it.tally.has_quorum(std::nullopt));
  it.add(3, std::nullopt);
  CHECK(it.tally.has_quorum(std::nullopt));
  CHECK_FALSE(it.tally.has_quorum(kRed));
  CHECK(it.tally.votes_for(kRed).size() == 1);
  CHECK(it.tally.votes().size() == 4);
}

TEST_CASE("tally: a second choice counts only where more than a third stand already, and once") {
  Counting it;
  it.add(0, kRed);
  const auto lie = it.add(0, kBlue);
  CHECK(lie.what == What::dropped);
  REQUIRE(lie.contradicted);
  CHECK(lie.contradicted->content.choice == Choice(kRed));
  CHECK(it.add(0, kRed).what == What::known);
  it.add(1, kBlue);
  CHECK(it.add(0, kBlue).what == What::dropped);
  it.add(2, kBlue);
  CHECK(it.add(0, kBlue).what == What::counted);
  CHECK(it.add(0, kBlue).what == What::known);
  CHECK(it.tally.power_of(kBlue) == 3);
  CHECK(it.tally.has_quorum(kBlue));
  CHECK(it.tally.power() == 3);  // of validators, however many votes
}

TEST_CASE("tally: what is taken back counts no more") {
  Counting it;
  it.add(0, kRed);
  it.add(1, kRed);
  it.add(2, kRed);
  it.tally.remove(it.set, 1);
  it.tally.remove(it.set, 3);  // has not voted
  CHECK(it.tally.power() == 2);
  CHECK(it.tally.power_of(kRed) == 2);
  CHECK_FALSE(it.tally.quorum());
  CHECK(it.add(1, kBlue).what == What::counted);
}
