#include "actors/chain/logic/text.hpp"

#include <rapidcheck.h>

#include <string>

#include "runtime/base/text.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::chain;

namespace {

std::string bytes(std::string_view hex) {
  const base::Bytes out = test::bytes_of_hex(hex);
  return {out.begin(), out.end()};
}

/// The slow way: base::is_utf8, and no code from 0 to 1f or 7f to 9f.
bool oracle(std::string_view text) {
  if (!base::is_utf8(text)) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    if (byte < 0x20 || byte == 0x7f) return false;
    if (byte == 0xc2 && static_cast<std::uint8_t>(text[i + 1]) < 0xa0) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("chain text: well-formed UTF-8 without controls is taken, whatever a terminal makes of it") {
  for (const char* hex :
       {"", "20", "7e", "c2a0", "dfbf", "e0a080", "ed9fbf", "ee8080", "efbfbf", "f0908080", "f48fbfbf", "e2808e",
        "e2808f", "d89c", "e280a8", "e280ae", "e281a6", "efbbbf", "72656e74c3a9e282ac"}) {
    CAPTURE(hex);
    CHECK(is_chain_text(bytes(hex)));
    CHECK(is_chain_text("a" + bytes(hex) + "b"));
  }
}

TEST_CASE("chain text: controls, and bytes that are no UTF-8, are refused") {
  for (const char* hex :
       {"00",     "09",     "0a",       "1b",       "1f",     "7f",       "c280",     "c285",   "c29f",  // controls
        "80",     "bf",     "c0af",     "c1bf",     "c2",     "c220",     "e08080",   "e09fbf", "e282",  // no UTF-8
        "eda080", "edbfbf", "f0808080", "f08fbfbf", "f09f98", "f4908080", "f5808080", "fe",     "ff"}) {
    CAPTURE(hex);
    CHECK_FALSE(is_chain_text(bytes(hex)));
    CHECK_FALSE(is_chain_text("a" + bytes(hex)));
    CHECK_FALSE(is_chain_text(bytes(hex) + "b"));
  }
}

TEST_CASE("chain text: all of one to three bytes are as the slow way has them, and random ones") {
  std::string text(2, ' ');
  std::size_t wrong = 0;
  for (int a = 0; a < 256; ++a)
    for (int b = 0; b < 256; ++b) {
      text.assign({static_cast<char>(a), static_cast<char>(b)});
      wrong += is_chain_text(text) != oracle(text);
      for (int c = 0x70; c < 256; ++c) {
        const std::string longer = text + static_cast<char>(c);
        wrong += is_chain_text(longer) != oracle(longer);
      }
    }
  CHECK(wrong == 0);
  CHECK(rc::check([] {
    std::string some;
    const auto count = *rc::gen::inRange(0, 12);
    for (int i = 0; i < count; ++i)
      some += bytes(*rc::gen::element<std::string>("61", "c2", "9f", "a0", "e2", "80", "ed", "f0", "f4", "8f", "bf"));
    RC_ASSERT(is_chain_text(some) == oracle(some));
  }));
}
