// Bytes of strangers and of disks, to terms, pages, states, objections and evidence of an airdrop. The first byte says
// what the rest is read as. Whatever is taken is the one encoding of what it says, and is looked at without harm.
#include <algorithm>
#include <cstdlib>

#include "actors/airdrop/logic/airdrop.hpp"
#include "actors/airdrop/logic/uptime.hpp"

using namespace troupe;
using namespace troupe::airdrop;

namespace {

void expect_equal(base::ByteView a, base::ByteView b) {
  if (!std::ranges::equal(a, b)) std::abort();
}

/// A page pays whatever its terms say.
void pay_page(const Page& page) {
  Terms blank;
  blank.pool = Amount::of(1'000'000);
  const auto terms = make_terms(blank, page);
  if (!terms.ok() && terms.error() == TermsError::issuance) return;  // found by its hash
  if (!terms.ok()) std::abort();
  Airdrop airdrop;
  if (!airdrop.funded(UnixMs(1)).ok() || !airdrop.add(terms.value(), 0, encode(page), UnixMs(1), UnixMs(1)).ok() ||
      !airdrop.begin_paying(terms.value(), UnixMs(2)).ok())
    std::abort();
  Cursor at;
  while (at.index < terms.value().recipients)
    at = next_batch(id_of(terms.value()), terms.value(), airdrop, {}, at, page).after;
  if (at.paid != terms.value().pool) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const base::ByteView bytes(data + 1, size - 1);
  switch (data[0] % 5) {
    case 0:
      if (const auto terms = decode_terms(bytes)) expect_equal(encode(*terms), bytes);
      break;
    case 1:
      if (const auto page = decode_page(bytes)) {
        expect_equal(encode(*page), bytes);
        pay_page(*page);
      }
      break;
    case 2:
      if (const auto state = Airdrop::decode(bytes)) {
        const base::Bytes again = state->encode();  // without what an earlier version appended
        expect_equal(again, base::ByteView(bytes).first(std::min(again.size(), bytes.size())));
      }
      break;
    case 3:
      if (const auto objected = decode_objected(bytes)) expect_equal(encode(*objected), bytes);
      break;
    case 4:
      if (const auto evidence = decode_evidence(bytes)) {
        expect_equal(encode(*evidence), bytes);
        for (const Evidence& one : *evidence)
          static_cast<void>(present_by(one, {.hours = 1, .from = 0, .until = 1}, 0));
      }
      break;
  }
  return 0;
}
