// Who is paid by an airdrop whose rule is uptime.
#include "actors/airdrop/logic/uptime.hpp"

#include <algorithm>

#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::airdrop;

namespace {

constexpr UptimeRule kRule{.hours = 20, .from = 500'000, .until = 500'024};

struct Node {
  explicit Node(std::uint8_t number, const char* at = "10.0.0.1:4000") {
    crypto::Seed seed;
    seed.bytes[0] = number;
    identity = crypto::Identity::from(crypto::SecretKey(seed), 0, 0);
    registration = {.key = identity->public_key(), .nonce = 0, .sequence = 1};
    registration.owner = *registry::Owner::from(identity->public_key().view());
    registration.at = *base::Endpoint::parse(at);
  }
  base::Bytes word_of(const Node& other, std::uint32_t hours, const UptimeRule& rule = kRule,
                      std::uint8_t site = 0) const {
    registry::Uptime word{identity->public_key(), 0, other.identity->id(), rule.from, rule.until, hours};
    word.site.prefix[0] = site;
    return sign(word, identity->key());
  }
  base::Bytes signed_registration() const { return *sign(registration, identity->key()); }
  std::optional<crypto::Identity> identity;
  registry::Registration registration;
};

std::string fault(const Evidence& evidence) {
  const auto present = present_by(evidence, kRule, 0);
  return present.ok() ? "" : present.error();
}

Present present(std::uint8_t id, std::uint32_t hours, std::uint8_t owner, std::uint8_t group) {
  Present out;
  out.node.bytes[0] = id;
  out.to.bytes[0] = id;
  out.owner.bytes[0] = owner;
  out.group.prefix[0] = group;
  out.hours = hours;
  return out;
}

}  // namespace

TEST_CASE("airdrop uptime: the lower median of three watchers counts") {
  const Node node(1), a(2), b(3), c(4), d(5);
  const Evidence three{node.signed_registration(), {a.word_of(node, 24), b.word_of(node, 7), c.word_of(node, 21)}};
  const auto is = present_by(three, kRule, 0);
  REQUIRE(is.ok());
  CHECK(is.value().hours == 21);
  CHECK(is.value().to == wallet::Policy::of_key(node.identity->public_key()).address());
  Evidence four = three;
  four.uptimes.push_back(d.word_of(node, 22));
  CHECK(present_by(four, kRule, 0).value().hours == 21);
}

TEST_CASE("airdrop uptime: the account that a node names is paid, with a share for each node that names it") {
  Node node(1);
  const Node a(2), b(3), c(4);
  node.registration.pay_to.bytes[0] = 7;
  const Evidence three{node.signed_registration(), {a.word_of(node, 24), b.word_of(node, 24), c.word_of(node, 24)}};
  const Present is = present_by(three, kRule, 0).value();
  CHECK(is.to.bytes == node.registration.pay_to.bytes);
  Present other = is;
  other.node.bytes[0] ^= 1;
  CHECK(list_of({is, other}) == std::vector<Recipient>{{is.to, 2}});
}

TEST_CASE("airdrop uptime: a node is of the site from which most of its watchers hear it, whatever it claims") {
  const Node node(1, "127.0.0.1:4000"), a(2), b(3), c(4);
  const auto heard_at = [&](std::uint8_t by_a, std::uint8_t by_b, std::uint8_t by_c) {
    const Evidence three{
        node.signed_registration(),
        {a.word_of(node, 24, kRule, by_a), b.word_of(node, 24, kRule, by_b), c.word_of(node, 24, kRule, by_c)}};
    return present_by(three, kRule, 0).value().group;
  };
  CHECK(heard_at(7, 8, 8).prefix[0] == 8);
  CHECK(heard_at(7, 0, 0).prefix[0] == 7);
  CHECK(heard_at(0, 0, 0) == registry::group_of(node.identity->id(), node.registration.at));
}

TEST_CASE("airdrop uptime: two watchers, one that speaks twice, the node itself and strangers' words prove nothing") {
  const Node node(1), a(2), b(3), c(4);
  const base::Bytes from_a = a.word_of(node, 24), from_b = b.word_of(node, 24);
  const auto with = [&](base::Bytes third) {
    return Evidence{node.signed_registration(), {from_a, from_b, std::move(third)}};
  };
  CHECK(fault(with(c.word_of(node, 24))) == "");
  CHECK(fault({node.signed_registration(), {from_a, from_b}}) != "");
  CHECK(fault(with(from_a)) != "");
  CHECK(fault(with(a.word_of(node, 23))) != "");
  CHECK(fault(with(node.word_of(node, 24))) != "");
  CHECK(fault(with(c.word_of(a, 24))) != "");
  UptimeRule other = kRule;
  other.until += 1;
  CHECK(fault(with(c.word_of(node, 24, other))) != "");
  base::Bytes forged = c.word_of(node, 24);
  forged.back() ^= 1;
  CHECK(fault(with(forged)) != "");
}

TEST_CASE("airdrop uptime: of an owner and of an address group those with most hours are paid") {
  UptimeRule rule = kRule;
  const std::vector<Present> all{present(1, 24, 1, 1), present(2, 23, 1, 2), present(3, 24, 2, 1),
                                 present(4, 19, 3, 3)};
  const auto ids = [&] {
    std::string out;
    for (const Present& one : paid_of(all, rule)) out += std::to_string(one.node.bytes[0]);
    return out;
  };
  CHECK(ids() == "123");
  rule.per_owner = 1;
  CHECK(ids() == "13");
  rule.per_net = 1;
  CHECK(ids() == "1");
  rule.per_owner = 0;
  CHECK(ids() == "12");
}

TEST_CASE("airdrop uptime: evidence is read as it was written, and nothing else is") {
  const Node one(1), two(2), a(3);
  std::vector<Evidence> all{{one.signed_registration(), {a.word_of(one, 3)}}, {two.signed_registration(), {}}};
  if (two.identity->id() < one.identity->id()) std::swap(all[0], all[1]);
  const base::Bytes bytes = encode(all);
  CHECK(decode_evidence(bytes) == all);
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    const auto part = decode_evidence(base::ByteView(bytes).first(cut));
    CHECK((!part || part->size() < all.size()));
  }
  std::swap(all[0], all[1]);
  CHECK_FALSE(decode_evidence(encode(all)));
}

TEST_CASE("airdrop uptime: terms carry the rule, and one that wants no hours is refused") {
  Terms blank;
  blank.pool = Amount::of(10);
  blank.uptime = kRule;
  blank.uptime->per_net = 3;
  blank.uptime->evidence.bytes[0] = 9;
  const std::vector<Recipient> list{{Address{}, 1}};
  const Terms terms = make_terms(blank, list).value();
  CHECK(decode_terms(encode(terms)) == terms);
  Terms as_list = terms;
  as_list.uptime.reset();
  CHECK(id_of(as_list) != id_of(terms));
  CHECK(decode_terms(encode(as_list)) == as_list);
  blank.uptime->hours = 0;
  CHECK(make_terms(blank, list).error() == TermsError::hours);
  blank.uptime->hours = 25;
  CHECK(make_terms(blank, list).error() == TermsError::hours);
}
