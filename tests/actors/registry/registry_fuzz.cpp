// Bytes of strangers and of disks, to registrations, heartbeats, blocks of history, needs, vouches and this node's own
// row. The first byte says what the rest is read as. Whatever is taken is the one encoding of what it says.
#include <algorithm>
#include <cstdlib>

#include "actors/registry/logic/uptime.hpp"
#include "actors/registry/logic/vouch.hpp"
#include "actors/registry/own.hpp"

using namespace troupe;
using namespace troupe::registry;

namespace {

/// But for the signature, which no fuzzer finds.
void expect_equal(base::ByteView a, base::ByteView b, std::size_t but = 0) {
  if (a.size() != b.size() || !std::ranges::equal(a.first(a.size() - but), b.first(b.size() - but))) std::abort();
}

const crypto::SecretKey& key() {
  static const crypto::SecretKey made{crypto::Seed()};
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const base::ByteView bytes(data + 1, size - 1);
  switch (data[0] % 7) {
    case 0:
      if (const auto one = parse_registration(bytes)) {
        const auto again = sign(*one, key());
        if (!again) std::abort();
        expect_equal(*again, bytes, crypto::Signature::kBytes);
        places_of(one->capabilities);
      }
      break;
    case 1:
      if (const auto one = read_checked_heartbeat(bytes))
        expect_equal(sign(*one, key()), bytes, crypto::Signature::kBytes);
      break;
    case 2:
      if (const auto block = decode_block(bytes)) expect_equal(encode_block(*block), bytes);
      break;
    case 3:
      if (const auto need = need_typed(base::as_text(bytes))) {
        base::Bytes none{0};
        base::FieldReader from(none);
        lacks(read_capabilities(from), *need);
      }
      break;
    case 5: static_cast<void>(read_uptime(bytes, 0).ok()); break;
    case 6:
      if (const auto vouch = parse_vouch(bytes)) expect_equal(sign(*vouch, key()), bytes, crypto::Signature::kBytes);
      break;
    case 4:
      if (const auto own = Own::decode(bytes)) {
        if (!Own::decode(own->encode())) std::abort();
      }
      break;
  }
  return 0;
}
