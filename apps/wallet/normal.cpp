#include "apps/wallet/normal.hpp"

#include <utf8proc.h>

#include <vector>

#include "runtime/base/ensure.hpp"
#include "runtime/crypto/keys.hpp"

namespace troupe::apps::wallets {
namespace {

void wipe_text(std::string& text) { crypto::wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()}); }

}  // namespace

SecretText::SecretText(SecretText&& other) noexcept : text(std::move(other.text)) {
  other.text.resize(other.text.capacity());  // a short text was copied
  wipe_text(other.text);
  other.text.clear();
}

SecretText& SecretText::operator=(SecretText&& other) noexcept {
  wipe_text(text);
  text.clear();
  text.swap(other.text);
  return *this;
}

SecretText::~SecretText() { wipe_text(text); }

std::optional<SecretText> nfkc(std::string_view text) {
  constexpr auto kNfkc = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT);
  const auto* const from = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  const auto size = static_cast<utf8proc_ssize_t>(text.size());
  const utf8proc_ssize_t points = utf8proc_decompose(from, size, nullptr, 0, kNfkc);
  if (points < 0) return std::nullopt;
  std::vector<utf8proc_int32_t> buffer(static_cast<std::size_t>(points) + 1);  // reencode appends a zero byte
  utf8proc_decompose(from, size, buffer.data(), points, kNfkc);
  const utf8proc_ssize_t bytes = utf8proc_reencode(buffer.data(), points, kNfkc);
  base::ensure(bytes >= 0, "decomposed text can be composed");
  std::optional<SecretText> out(
      std::in_place, std::string_view(reinterpret_cast<const char*>(buffer.data()), static_cast<std::size_t>(bytes)));
  crypto::wipe({reinterpret_cast<std::uint8_t*>(buffer.data()), buffer.size() * sizeof buffer[0]});
  return out;
}

}  // namespace troupe::apps::wallets
