// Bytes of files and of people, to keystores, policies, addresses, words, transfers and postings. The first byte says
// what the rest is read as. Whatever is taken is the one encoding of what it says.
#include <algorithm>
#include <cstdlib>

#include "actors/wallet/logic/keystore.hpp"
#include "actors/wallet/logic/ledger/book.hpp"

using namespace troupe;
using namespace troupe::wallet;

namespace {

void expect_same(base::ByteView a, base::ByteView b) {
  if (!std::ranges::equal(a, b)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const base::ByteView bytes(data + 1, size - 1);
  switch (data[0] % 6) {
    case 0:
      if (const auto store = Keystore::decode(bytes); store.ok()) expect_same(store.value().encode(), bytes);
      break;
    case 1:
      if (const auto policy = Policy::decode(bytes)) expect_same(policy->encode(), bytes);
      break;
    case 2:
      if (const auto address = parse_address(base::as_text(bytes)))
        if (parse_address(text(*address)) != address) std::abort();
      break;
    case 3:
      if (const auto words = Mnemonic::parse(base::as_text(bytes)); words.ok())
        if (!Mnemonic::parse(words.value().words()).ok()) std::abort();
      break;
    case 4:
      if (const auto transfer = decode_transfer(bytes)) expect_same(encode(*transfer), bytes);
      break;
    case 5:
      if (const auto posting = decode_posting(bytes)) expect_same(encode(*posting), bytes);
      break;
  }
  return 0;
}
