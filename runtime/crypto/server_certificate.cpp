#include "runtime/crypto/server_certificate.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "runtime/base/fields.hpp"

namespace troupe::crypto {
namespace {

constexpr std::uint8_t kCertificateMessage = 11;      // RFC 5246 7.4
constexpr std::size_t kListHeadBytes = 3 + 3;         // the length of the list, and of its only certificate
constexpr std::string_view kPemBegin = "-----BEGIN";  // RFC 7468

// X.690 8.1.2: the tags on the path to the key.
constexpr std::uint8_t kSequenceTag = 0x30, kIntegerTag = 0x02, kVersionTag = 0xa0;

// RFC 5480 2: id-ecPublicKey with secp256r1, and an uncompressed point: its mark, and two coordinates.
constexpr std::size_t kPointBytes = 64;
constexpr std::uint8_t kKeyBegin[] = {0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
                                      0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

std::size_t length_at(base::ByteView bytes) {
  return std::size_t{bytes[0]} << 16 | std::size_t{bytes[1]} << 8 | bytes[2];
}

/// Returns the content of the value at the front of `der`, and removes the value from `der`. Returns nullopt if it has
/// another tag, or a length that is indefinite or beyond the end.
std::optional<base::ByteView> take_value(base::ByteView& der, std::uint8_t tag) {
  if (der.size() < 2 || der[0] != tag) return std::nullopt;
  std::size_t head = 2, length = der[1];
  if (length > 0x7f) {
    const std::size_t digits = length - 0x80;
    if (digits == 0 || digits > 2 || der.size() < head + digits) return std::nullopt;
    length = 0;
    for (std::size_t i = 0; i < digits; ++i) length = length << 8 | der[head++];
  }
  if (length > der.size() - head) return std::nullopt;
  const base::ByteView out = der.subspan(head, length);
  der = der.subspan(head + length);
  return out;
}

}  // namespace

bool has_small_key(base::ByteView certificate) {
  if (certificate.size() > kCertificateBytesMax) return false;
  if (base::as_text(certificate).find(kPemBegin) != std::string_view::npos) return false;
  auto whole = take_value(certificate, kSequenceTag);
  if (!whole || !certificate.empty()) return false;
  auto signed_part = take_value(*whole, kSequenceTag);
  if (!signed_part) return false;
  take_value(*signed_part, kVersionTag);  // may be absent
  // Serial number, signature, issuer, validity, subject.
  for (const std::uint8_t tag : {kIntegerTag, kSequenceTag, kSequenceTag, kSequenceTag, kSequenceTag})
    if (!take_value(*signed_part, tag)) return false;
  const auto key = take_value(*signed_part, kSequenceTag);
  return key && key->size() == sizeof kKeyBegin + kPointBytes &&
         std::ranges::equal(key->first(sizeof kKeyBegin), kKeyBegin);
}

bool ServerCertificate::may_pass(base::ByteView bytes) {
  while (!bytes.empty()) {
    if (left_ == 0) {
      const std::size_t take = std::min(kHeadBytes - head_bytes_, bytes.size());
      std::copy_n(bytes.begin(), take, head_.begin() + head_bytes_);
      head_bytes_ += take;
      bytes = bytes.subspan(take);
      if (head_bytes_ == kHeadBytes && !begin_message()) return false;
      continue;
    }
    const std::size_t take = std::min(left_, bytes.size());
    if (head_[0] == kCertificateMessage) base::append(message_, bytes.first(take));
    bytes = bytes.subspan(take);
    left_ -= take;
    if (left_ == 0 && head_[0] == kCertificateMessage && !look()) return false;
  }
  return true;
}

bool ServerCertificate::begin_message() {
  head_bytes_ = 0;
  left_ = length_at(base::ByteView(head_).subspan(1));
  if (head_[0] != kCertificateMessage) return true;
  return !passed_ && left_ > kListHeadBytes && left_ <= kListHeadBytes + kCertificateBytesMax;
}

bool ServerCertificate::look() {
  const base::Bytes message = std::exchange(message_, {});
  const base::ByteView list(message);
  const base::ByteView certificate = list.subspan(kListHeadBytes);
  const bool one = length_at(list) + 3 == list.size() && length_at(list.subspan(3)) == certificate.size();
  passed_ = one && has_small_key(certificate);
  return passed_;
}

}  // namespace troupe::crypto
