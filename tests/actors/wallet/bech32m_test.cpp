#include "actors/wallet/logic/bech32m.hpp"

#include <rapidcheck.h>

#include "actors/wallet/logic/address.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::wallet;

TEST_CASE("wallet: the valid texts of BIP-350 are read, and written again as they were") {
  for (const std::string text :
       {"A1LQFN3A", "a1lqfn3a",
        "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6",
        "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
        "11llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllludsr8",
        "split1checkupstagehandshakeupstreamerranterredcaperredlc445v", "?1v759aa"}) {
    const auto read = decode_bech32m(text);
    REQUIRE_MESSAGE(read, text);
    std::string lower = text;
    for (char& c : lower) c = static_cast<char>(std::tolower(c));
    CHECK(encode_bech32m(read->prefix, read->values) == lower);
  }
}

TEST_CASE("wallet: the invalid texts of BIP-350 are refused") {
  for (const std::string text :
       {"\x20"
        "1xj0phk",
        "\x7f"
        "1g6xzxy",
        "\x80"
        "1vctc34",
        "an84characterslonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11d6pts4", "qyrz8wqd2c9m",
        "1qyrz8wqd2c9m", "y1b0jsk6g", "lt1igcx5c0", "in1muywd", "mm1crxm3i", "au1s5cgom", "M1VUXWEZ", "16plkw9",
        "1p2gdwpf", ""})
    CHECK_MESSAGE(!decode_bech32m(text), text);
  // Valid as Bech32 (BIP-173), and so not as Bech32m.
  CHECK_FALSE(decode_bech32m("A12UEL5L"));
}

TEST_CASE("wallet: the witness programs of BIP-350 are what their addresses say; bad padding is refused") {
  const auto program = [](std::string_view address) -> std::string {
    auto read = decode_bech32m(address);
    if (!read) return "no text";
    read->values.erase(read->values.begin());  // the witness version
    const auto bytes = from_five_bits(read->values);
    return bytes ? base::hex(*bytes) : "bad padding";
  };
  CHECK(program("bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y") ==
        "751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6");
  CHECK(program("BC1SW50QGDZ25J") == "751e");
  CHECK(program("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0") ==
        "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
  CHECK(program("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf") == "bad padding");
  CHECK(program("tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j") == "bad padding");
  CHECK(program("tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq") == "no text");
}

TEST_CASE("wallet: an address is 62 characters, read back alone as itself; a changed character is noticed") {
  Address address;
  for (std::size_t i = 0; i < 32; ++i) address.bytes[i] = static_cast<std::uint8_t>(i);
  const std::string shown = text(address);
  CHECK(shown.size() == kAddressChars);
  CHECK(shown.starts_with("tro1"));
  CHECK(parse_address(shown) == address);
  for (std::size_t i = 4; i < shown.size(); ++i) {
    std::string changed = shown;
    changed[i] = changed[i] == 'q' ? 'p' : 'q';
    CHECK_FALSE(parse_address(changed));
  }
  CHECK_FALSE(parse_address(encode_bech32m("trp", to_five_bits(address.view()))));
  CHECK_FALSE(parse_address(encode_bech32m("tro", to_five_bits(address.view().first(31)))));
  CHECK_FALSE(parse_address(shown + "q"));
}

TEST_CASE("wallet: bytes survive Bech32m, and a text that is taken is the one of its bytes (property)") {
  rc::check([](const std::array<std::uint8_t, 32>& bytes) {
    Address address;
    address.bytes = bytes;
    RC_ASSERT(parse_address(text(address)) == address);
  });
  rc::check([](const std::string& tail) {
    if (const auto read = decode_bech32m("tro1" + tail)) RC_ASSERT(!read->prefix.empty());
  });
}
