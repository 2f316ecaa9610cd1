#include "actors/wallet/logic/mnemonic.hpp"

#include <rapidcheck.h>

#include "actors/wallet/logic/derived_key.hpp"
#include "runtime/crypto/hash.hpp"
#include "tests/actors/wallet/mnemonic_vectors.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::wallet;

TEST_CASE("wallet: the list of words is the published one") {
  crypto::Sha256 hash;
  for (const std::string_view word : kEnglishWords) {
    hash.update(base::as_bytes(word));
    hash.update(base::as_bytes("\n"));
  }
  CHECK(hash.finish().hex() == "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda");
  CHECK(std::ranges::is_sorted(kEnglishWords));
}

TEST_CASE("wallet: words and seeds are those of BIP-39's vectors") {
  for (const MnemonicVector& vector : kMnemonicVectors) {
    const base::Bytes entropy = test::bytes_of_hex(vector.entropy);
    const Mnemonic made = Mnemonic::from_entropy(entropy);
    CHECK(made.words() == vector.words);
    CHECK(base::hex(made.seed("TREZOR").bytes) == vector.seed);
    const auto read = Mnemonic::parse(vector.words);
    REQUIRE(read.ok());
    CHECK(std::ranges::equal(read.value().entropy(), entropy));
  }
}

TEST_CASE("wallet: words that were not made together are refused, and the error says how") {
  const std::string good = "legal winner thank year wave sausage worth useful legal winner thank yellow";
  CHECK(Mnemonic::parse("  LEGAL winner\tthank year wave sausage worth useful legal winner thank  yellow \r\n").ok());
  const auto error = [](const std::string& words) { return Mnemonic::parse(words).error(); };
  CHECK(error("") == WordsError::count);
  CHECK(error("legal") == WordsError::count);
  CHECK(error(good + " legal") == WordsError::count);
  CHECK(error("legal winner thank year wave sausage worth useful legal winner thank yello") == WordsError::unknown);
  CHECK(error("legal winner thank year wave sausage worth useful legal winner thank year") == WordsError::checksum);
  CHECK(error("winner legal thank year wave sausage worth useful legal winner thank yellow") == WordsError::checksum);
  // BIP-39 also has 15, 18 and 21 words; we do not.
  CHECK(error("gravity machine north sort system female filter attitude volume fold club stay feature office ecology "
              "stable narrow fog") == WordsError::count);
  std::string many = good;
  for (int i = 0; i < 100; ++i) many += ' ' + good;
  CHECK(error(many) == WordsError::count);
}

TEST_CASE("wallet: any entropy survives as words, and words that are taken are written again (property)") {
  rc::check([](const std::array<std::uint8_t, 32>& bytes, bool whole) {
    const base::ByteView entropy = base::ByteView(bytes).first(whole ? 32 : 16);
    const auto read = Mnemonic::parse(Mnemonic::from_entropy(entropy).words());
    RC_ASSERT(read.ok());
    RC_ASSERT(std::ranges::equal(read.value().entropy(), entropy));
  });
  rc::check([](const std::array<std::uint16_t, 12>& numbers) {
    std::string words;
    for (const std::uint16_t number : numbers)
      words.append(words.empty() ? "" : " ").append(kEnglishWords[number % kEnglishWords.size()]);
    const auto read = Mnemonic::parse(words);
    if (read.ok()) RC_ASSERT(read.value().words() == words);
    else RC_ASSERT(read.error() == WordsError::checksum);
  });
}

TEST_CASE("wallet: derived keys are those of SLIP-0010's vectors for ed25519") {
  const auto check = [](const DerivedKey& key, std::string_view chain, std::string_view secret,
                        std::string_view public_key) {
    CHECK(base::hex(key.chain.bytes) == chain);
    CHECK(base::hex(key.seed.bytes) == secret);
    CHECK(crypto::SecretKey(crypto::Seed(key.seed.bytes)).public_key().hex() == public_key);
  };
  const base::Bytes first = test::bytes_of_hex("000102030405060708090a0b0c0d0e0f");
  check(derive(first, {}), "90046a93de5380a72b5e45010748567d5ea02bbf6522f979e05c0d8d8ca9fffb",
        "2b4be7f19ee27bbf30c667b642d5f4aa69fd169872f8fc3059c08ebae2eb19e7",
        "a4b2856bfec510abab89753fac1ac0e1112364e7d250545963f135f2a33188ed");
  check(derive(first, {0}), "8b59aa11380b624e81507a27fedda59fea6d0b779a778918a2fd3590e16e9c69",
        "68e0fe46dfb67e368c75379acec591dad19df3cde26e63b93a8e704f1dade7a3",
        "8c8a13df77a28f3445213a0f432fde644acaa215fc72dcdf300d5efaa85d350c");
  check(derive(first, {0, 1, 2, 2, 1'000'000'000}), "68789923a0cac2cd5a29172a475fe9e0fb14cd6adb5ad98a3fa70333e7afa230",
        "8f94d394a8e8fd6b1bc2f3f49f5c47e385281d5c17e65324b0f62483e37e8793",
        "3c24da049451555d51a7014a37337aa4e12d41e485abccfa46b47dfb2af54b7a");
  const base::Bytes second = test::bytes_of_hex(
      "fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a2"
      "9f9c999693908d8a8784817e7b7875726f6c696663605d5a5754514e4b484542");
  check(derive(second, {}), "ef70a74db9c3a5af931b5fe73ed8e1a53464133654fd55e7a66f8570b8e33c3b",
        "171cb88b1b3c1db25add599712e36245d75bc65a1a5c9e18d76f9f2b1eab4012",
        "8fe9693f8fa62a4305a140b9764c5ee01e455963744fe18204b4fb948249308a");
  check(derive(second, {0, 2147483647, 1, 2147483646, 2}),
        "5d70af781f3a37b829f0d060924d5e960bdc02e85423494afc0b1a41bbe196d4",
        "551d333177df541ad876a60ea71f00447931c0a9da16f227c11ea080d7391b8d",
        "47150c75db263559a70d5778bf36abbab30fb061ad69f69ece61a72b0cfa4fc0");
}

TEST_CASE("wallet: the key of given words never changes") {
  const auto words = Mnemonic::parse("legal winner thank year wave sausage worth useful legal winner thank yellow");
  REQUIRE(words.ok());
  // Computed by a program in Python that shares no code with this one.
  CHECK(wallet_key(words.value()).public_key().hex() ==
        "256d0d5112d9ca21940701c4947e7f9c692cebd378f0708bc1dba2d316df0323");
}
