// Bytes of peers, files and rows. The first byte says what the rest is read as. Whatever is taken is the one encoding
// of what it says.
#include <algorithm>
#include <cstdlib>

#include "actors/chain/logic/divergence.hpp"
#include "actors/chain/logic/fork.hpp"
#include "actors/chain/logic/machine.hpp"

using namespace troupe;
using namespace troupe::chain;

namespace {

void expect_same(base::ByteView a, base::ByteView b) {
  if (!std::ranges::equal(a, b)) std::abort();
}

template <class Parsed>
void expect_encoded(const Parsed& parsed, base::ByteView bytes) {
  if (parsed.ok()) expect_same(encode(parsed.value()), bytes);
}

template <class Value>
void expect_encoded(const std::optional<Value>& parsed, base::ByteView bytes) {
  if (parsed) expect_same(encode(*parsed), bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const base::ByteView bytes(data + 1, size - 1);
  switch (data[0] % 23) {
    case 0: expect_encoded(parse_transaction(bytes), bytes); break;
    case 1: expect_encoded(parse_signed_transaction(bytes), bytes); break;
    case 2: expect_encoded(parse_header(bytes), bytes); break;
    case 3: expect_encoded(parse_block(bytes), bytes); break;
    case 4: expect_encoded(parse_genesis(bytes), bytes); break;
    case 5:
      if (const auto file = SignedGenesis::parse(bytes); file.ok()) expect_same(file.value().encode(), bytes);
      break;
    case 6: expect_encoded(parse_founding(bytes), bytes); break;
    case 7: expect_encoded(parse_parameters(bytes), bytes); break;
    case 8: expect_encoded(parse_account(bytes), bytes); break;
    case 9: expect_encoded(parse_totals(bytes), bytes); break;
    case 10: expect_encoded(parse_receipt(bytes), bytes); break;
    case 11:
      if (const auto log = parse_log(bytes)) expect_same(encode_log(*log), bytes);
      break;
    case 12: expect_encoded(decode_row(bytes), bytes); break;
    case 14: expect_encoded(parse_signed_vote(bytes), bytes); break;
    case 15: expect_encoded(parse_signed_proposal(bytes), bytes); break;
    case 16: {
      const auto commit = parse_commit(bytes);
      expect_encoded(commit, bytes);
      if (commit && commit_of(commit_entries(*commit)) != commit) std::abort();
      break;
    }
    case 17: expect_encoded(parse_evidence(bytes), bytes); break;
    case 18: expect_encoded(parse_attendances(bytes), bytes); break;
    case 19: expect_encoded(parse_absences(bytes), bytes); break;
    case 20: expect_encoded(parse_judged(bytes), bytes); break;
    case 21: expect_encoded(parse_signed_fork(bytes), bytes); break;
    case 22: expect_encoded(decode_divergence(bytes), bytes); break;
    default:
      if (const auto key = RowKey::decode(bytes)) expect_same(key->encode(), bytes);
  }
  return 0;
}
