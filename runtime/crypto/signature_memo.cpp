#include "runtime/crypto/signature_memo.hpp"

#include <algorithm>
#include <cstring>

namespace troupe::crypto {

thread_local SignatureMemo* SignatureMemo::here_ = nullptr;

SignatureMemo::SignatureMemo() : before_(here_) { here_ = this; }
SignatureMemo::~SignatureMemo() { here_ = before_; }

/// Its first bytes are as good as random. Of two signatures with the same slot the newer one is kept.
std::uint64_t SignatureMemo::place_of(const Signature& signature) {
  std::uint64_t place = 0;
  std::memcpy(&place, signature.bytes.data(), sizeof place);
  return place;
}

void SignatureMemo::note(const base::PublicKey& key, base::ByteView message, const Signature& signature) {
  const std::uint64_t place = place_of(signature);
  const bool added = signed_.insert_or_assign(place, Signed{key, {message.begin(), message.end()}, signature}).second;
  if (!added) return;
  oldest_first_.push_back(place);
  if (oldest_first_.size() <= kSignaturesKnownMax) return;
  signed_.erase(oldest_first_.front());
  oldest_first_.pop_front();
}

bool SignatureMemo::knows(const base::PublicKey& key, base::ByteView message, const Signature& signature) const {
  const auto found = signed_.find(place_of(signature));
  return found != signed_.end() && found->second.key == key && found->second.signature == signature &&
         std::ranges::equal(found->second.message, message);
}

}  // namespace troupe::crypto
