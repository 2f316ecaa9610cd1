#include "actors/task/logic/provider.hpp"

#include <doctest/doctest.h>

#include "actors/task/logic/spot.hpp"
#include "tests/actors/task/orders.hpp"

using namespace troupe;
using namespace troupe::task;
using namespace std::chrono_literals;

namespace {

const base::NodeId kOne = *base::NodeId::from_hex(std::string(40, '1'));
const base::NodeId kOther = *base::NodeId::from_hex(std::string(40, '2'));
/// On some day.
base::WallTime day_at(std::chrono::minutes of_day) { return base::WallTime(24h * 20'000 + of_day); }

}  // namespace

TEST_CASE("task provider: hours are parts of a day, also over midnight; whole days and nonsense are none") {
  const auto day = Hours::parse("06:30-22:00"), night = Hours::parse("22:00-06:00");
  REQUIRE((day && night));
  CHECK_FALSE(day->contains(6h + 29min));
  CHECK(day->contains(6h + 30min));
  CHECK_FALSE(day->contains(22h));
  CHECK(night->contains(22h));
  CHECK(night->contains(0min));
  CHECK(night->contains(5h + 59min));
  CHECK_FALSE(night->contains(6h));
  for (const char* wrong : {"", "6:30-22:00", "06:30", "06:30-24:00", "06:60-07:00", "06:00-06:00", "06:00-07:00x",
                            "-1:00-07:00", "06:00–07:00"})
    CHECK(hours_fault(wrong).has_value());
}

TEST_CASE("task provider: it takes tasks of any node or of listed ones; who is denied is refused with the setting") {
  const Order order = small_order();
  CHECK_FALSE(Provider().refusal(order, kOne, day_at(0min)).has_value());
  const Provider listed(Accept::listed, {}, {kOne.hex()}, {});
  CHECK_FALSE(listed.refusal(order, kOne, day_at(0min)).has_value());
  CHECK(listed.refusal(order, kOther, day_at(0min))->message.find("task.signers") != std::string::npos);
  CHECK(listed.refusal(order, kOther, day_at(0min))->message.find("task.accept") != std::string::npos);
  CHECK(Provider(Accept::listed, {}, {}, {}).refusal(order, kOne, day_at(0min)).has_value());
  CHECK_FALSE(Provider(Accept::any, {}, {kOne.hex()}, {}).refusal(order, kOther, day_at(0min)).has_value());
  const Provider denying(Accept::any, {}, {kOne.hex()}, {kOne.hex()});
  CHECK(denying.refusal(order, kOne, day_at(0min))->message.find("task.deny") != std::string::npos);
  CHECK_FALSE(signer_fault(kOne.hex()).has_value());
  CHECK(signer_fault("n1").has_value());
}

TEST_CASE("task provider: others are told whose tasks it takes, by their ids if these are few") {
  using Told = decltype(registry::Capability::value);
  CHECK(Provider().told() == Told(std::string("any")));
  CHECK(Provider(Accept::any, {}, {kOne.hex()}, {}).told() == Told(std::string("any")));
  CHECK(Provider(Accept::listed, {}, {}, {}).told() == Told(registry::Texts{"listed"}));
  CHECK(Provider(Accept::listed, {}, {kOther.hex(), kOne.hex()}, {}).told() ==
        Told(registry::Texts{kOne.hex(), kOther.hex(), "listed"}));
  CHECK(registry::in_order({{"tasks", Provider(Accept::listed, {}, {kOther.hex(), kOne.hex()}, {}).told()}}));
  std::vector<std::string> many;
  for (char digit = 'a'; many.size() < registry::kTextsMax; ++digit)
    many.push_back(std::string(38, '0') + "f" + "0123456789abcdef"[digit - 'a']);
  CHECK(Provider(Accept::listed, {}, many, {}).told() == Told(std::string("listed")));
}

TEST_CASE("task provider: a denied content is refused as program, root and input") {
  Order order = small_order();
  const Cid bad = *Cid::from_hex(std::string(64, 'b'));
  const Provider provider(Accept::any, {}, {}, {bad.hex()});
  CHECK_FALSE(provider.refusal(order, kOne, day_at(0min)).has_value());
  order.root = bad;
  CHECK(provider.refusal(order, kOne, day_at(0min)).has_value());
  order.root.reset();
  order.inputs.push_back({bad, "data"});
  CHECK(provider.refusal(order, kOne, day_at(0min)).has_value());
  order.inputs.clear();
  order.program = bad;
  CHECK(provider.refusal(order, kOne, day_at(0min)).has_value());
  CHECK_FALSE(denied_fault(bad.hex()).has_value());
  CHECK(denied_fault("bad").has_value());
}

TEST_CASE("task provider: outside its hours it says after what time to ask again") {
  const Order order = small_order();
  const Provider provider(Accept::any, {"22:00-06:00", "12:00-13:00"}, {}, {});
  CHECK_FALSE(provider.refusal(order, kOne, day_at(23h)).has_value());
  CHECK(provider.refusal(order, kOne, day_at(11h + 30min))->retry_after == 30min);
  CHECK(provider.refusal(order, kOne, day_at(13h))->retry_after == 1h);
  CHECK_FALSE(provider.refusal(order_of(Spot{.rounds = 1}), kOne, day_at(13h)).has_value());
}

TEST_CASE("task provider: tasks of others have a longest time") {
  Order order = small_order();
  order.limits.time = 24h;
  CHECK_FALSE(Provider().refusal(order, kOne, day_at(0min)).has_value());
  order.limits.time = 24h + 1ms;
  CHECK(Provider().refusal(order, kOne, day_at(0min))->message.find("task.time_max") != std::string::npos);
  CHECK_FALSE(Provider(Accept::any, {}, {}, {}, 25h).refusal(order, kOne, day_at(0min)).has_value());
}
