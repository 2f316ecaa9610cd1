// Bytes of strangers, to orders, programs and rows. Whatever is taken is the one encoding of what it says. Signatures
// are left out, which no fuzzer finds: the bytes are signed here.
#include <algorithm>
#include <cstdlib>

#include "actors/task/book.hpp"
#include "actors/task/logic/loader.hpp"
#include "actors/task/logic/spot.hpp"
#include "actors/task/logic/warning.hpp"

using namespace troupe;
using namespace troupe::task;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto self = *crypto::Identity::from(crypto::SecretKey{crypto::Seed()}, 0, 0);
  base::Bytes body(data, data + size);
  if (const auto loader = loader_of(body); loader.ok() && loader.value().size() > size) std::abort();
  if (const auto entry = Entry::decode(body)) entry->task.check();
  if (const auto warning = parse_warning(body)) {
    const base::Bytes again = sign(*warning, self.key());  // all but the signature
    if (again.size() != body.size() || !std::ranges::equal(base::ByteView(again).first(again.size() - 64),
                                                           base::ByteView(body).first(body.size() - 64)))
      std::abort();
    static_cast<void>(read_warning(again, 0));
  }
  if (const auto text = decode_text(body); text && encode(*text) != body) std::abort();
  // The submitter's key stands behind the mark of 14 bytes.
  constexpr std::size_t kKeyAt = 14;
  if (body.size() >= kKeyAt + base::PublicKey::kBytes)
    std::ranges::copy(self.public_key().bytes, body.begin() + kKeyAt);
  base::Bytes bytes = body;
  base::append(bytes, self.key().sign(body).view());
  const auto order = read_order(bytes, 0);
  if (!order.ok()) return 0;
  if (fault(order.value()) || encode(order.value()) != body) std::abort();
  if (fault(member_of(order.value(), 3)) == OrderError::path) std::abort();
  const auto spot = spot_of(order.value().arguments);
  if (spot && spot_of(arguments_of(*spot)) != spot) std::abort();
  static_cast<void>(is_check(order.value()));
  return 0;
}
