#pragma once
// The text of secrets that people type or store in files, wiped on destruction, and its normal form.
//
// Source  Unicode Standard Annex 15: NFKC, so that é as one character and e with an accent are the same text.
// Safety  no copy remains, because buffers are allocated once, and wiped.
#include <optional>
#include <string>
#include <string_view>

namespace troupe::apps::wallets {

/// Text that is wiped on destruction.
struct SecretText {
  std::string text;

  SecretText() = default;
  explicit SecretText(std::string_view of) : text(of) {}
  SecretText(SecretText&& other) noexcept;
  SecretText& operator=(SecretText&& other) noexcept;
  ~SecretText();
};

/// Returns `text` in NFKC, or nullopt if it is not UTF-8.
std::optional<SecretText> nfkc(std::string_view text);

}  // namespace troupe::apps::wallets
