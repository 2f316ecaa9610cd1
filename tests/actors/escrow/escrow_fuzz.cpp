// Bytes of strangers, to agreements. Whatever is taken is the one encoding of what it says, and is checked without
// harm.
#include <algorithm>
#include <cstdlib>

#include "actors/escrow/logic/agreement.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace troupe;
  const auto agreement = escrow::decode_agreement({data, size});
  if (!agreement) return 0;
  const base::Bytes again = escrow::encode(*agreement);
  if (!std::equal(again.begin(), again.end(), data, data + size)) std::abort();
  (void)check(*agreement, escrow::UnixMs(1'700'000'000'000));
  return 0;
}
