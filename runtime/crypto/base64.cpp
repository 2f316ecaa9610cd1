#include "runtime/crypto/base64.hpp"

#include <botan/base64.h>
#include <botan/exceptn.h>

namespace troupe::crypto {

std::optional<base::Bytes> base64_decoded(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;  // Botan takes a text without its padding
  base::Bytes out(Botan::base64_decode_max_output(text.size()));
  try {
    out.resize(Botan::base64_decode(out.data(), text.data(), text.size(), false));
  } catch (const Botan::Exception&) {
    return std::nullopt;
  }
  return out;
}

}  // namespace troupe::crypto
