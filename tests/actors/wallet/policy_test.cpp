#include "actors/wallet/logic/policy.hpp"

#include <rapidcheck.h>

#include "runtime/base/fields.hpp"
#include "tests/actors/wallet/keys.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::wallet;

namespace {

base::PublicKey key_of_byte(std::uint8_t byte) {
  base::PublicKey out;
  out.bytes.fill(byte);
  return out;
}

Policy two_of_three() { return Policy::of_signers(2, {test_address(1), test_address(2), test_address(3)}).value(); }

}  // namespace

TEST_CASE("wallet: the address of a policy and of an account of the book never changes") {
  const auto key = *base::PublicKey::from_hex("256d0d5112d9ca21940701c4947e7f9c692cebd378f0708bc1dba2d316df0323");
  CHECK(text(address_of(key)) == "tro1v5vqpwuqp32l7hd9s9p6z2u825ngq7x2ksvaum20cqmp485yxx3qaayymr");
  const auto several =
      Policy::of_signers(2, {address_of(key_of_byte(3)), address_of(key_of_byte(1)), address_of(key_of_byte(2))});
  REQUIRE(several.ok());
  CHECK(text(several.value().address()) == "tro1vm8ngyy3pv9r26hu6zzn2p5mc3m47840956rsfqwtcul6f5r2hzqqn53nh");
  CHECK(text(account_of("escrow", base::Digest{}.view())) ==
        "tro14m350kxez67pcjys5lvxurtx75htkpa6eylzmaqjxrwhp5sn5u8qep6yat");
}

TEST_CASE("wallet: a policy has 1 key, or 2 to 16 different signers and a threshold that they can reach") {
  std::vector<Address> signers;
  for (std::uint8_t i = 0; i < 17; ++i) signers.push_back(address_of(key_of_byte(i)));
  const auto first = [&](std::size_t n) { return std::vector<Address>(signers.begin(), signers.begin() + n); };
  CHECK(Policy::of_signers(1, first(0)).error() == PolicyError::signers);
  CHECK(Policy::of_signers(1, first(1)).error() == PolicyError::signers);
  CHECK(Policy::of_signers(1, first(2)).ok());
  CHECK(Policy::of_signers(16, first(16)).ok());
  CHECK(Policy::of_signers(16, first(17)).error() == PolicyError::signers);
  CHECK(Policy::of_signers(0, first(2)).error() == PolicyError::threshold);
  CHECK(Policy::of_signers(3, first(2)).error() == PolicyError::threshold);
  CHECK(Policy::of_signers(1, {signers[0], signers[1], signers[0]}).error() == PolicyError::repeated);
}

TEST_CASE("wallet: a policy is met by its threshold of different signers, and by nothing else") {
  const auto a = test_key(1), b = test_key(2), c = test_key(3), stranger = test_key(4);
  const auto message = base::as_bytes("message"), other = base::as_bytes("other");
  const Policy policy = two_of_three();
  const auto met = [&](std::vector<Approval> approvals) { return policy.approved(message, approvals); };
  CHECK(met({approval(a, message), approval(c, message)}));
  CHECK(met({approval(c, message), approval(b, message), approval(a, message)}));
  CHECK_FALSE(met({}));
  CHECK_FALSE(met({approval(a, message)}));
  CHECK_FALSE(met({approval(a, message), approval(a, message)}));
  CHECK_FALSE(met({approval(a, message), approval(b, other)}));
  CHECK_FALSE(met({approval(a, message), approval(stranger, message)}));
  CHECK_FALSE(met({approval(a, message), approval(b, message), approval(stranger, message)}));
  CHECK_FALSE(met({approval(a, message), {b.public_key(), c.sign(message)}}));
  CHECK(policy.lists(a.public_key()));
  CHECK_FALSE(policy.lists(stranger.public_key()));

  const Policy own = Policy::of_key(a.public_key());
  CHECK(own.approved(message, std::vector{approval(a, message)}));
  CHECK_FALSE(own.approved(message, std::vector{approval(b, message)}));
  CHECK_FALSE(own.approved(message, std::vector{approval(a, message), approval(a, message)}));
}

TEST_CASE("wallet: a policy has one encoding; unsorted, repeated or cut lists are refused") {
  const base::Bytes good = two_of_three().encode();
  CHECK(Policy::decode(good) == two_of_three());
  for (std::size_t n = 0; n < good.size(); ++n) CHECK_FALSE(Policy::decode(base::ByteView(good).first(n)));
  base::Bytes bad = good;
  bad.push_back(0);
  CHECK_FALSE(Policy::decode(bad));
  bad = good;
  std::swap_ranges(bad.begin() + 2, bad.begin() + 34, bad.begin() + 34);
  CHECK_FALSE(Policy::decode(bad));
  bad = good;
  std::copy_n(bad.begin() + 2, 32, bad.begin() + 34);
  CHECK_FALSE(Policy::decode(bad));
  bad = good;
  bad[0] = 4;
  CHECK_FALSE(Policy::decode(bad));
  bad[0] = 0;
  CHECK_FALSE(Policy::decode(bad));
  bad = good;
  bad[1] = 17;
  CHECK_FALSE(Policy::decode(bad));
}

TEST_CASE("wallet: what a policy is decoded from is what it encodes to (property)") {
  rc::check([](std::uint8_t threshold, std::uint8_t signers, const base::Bytes& rest) {
    base::Bytes bytes{static_cast<std::uint8_t>(threshold % 4), static_cast<std::uint8_t>(signers % 4)};
    base::append(bytes, rest);
    bytes.resize(2 + 32 * (signers % 4));
    if (const auto policy = Policy::decode(bytes)) RC_ASSERT(policy->encode() == bytes);
  });
}
