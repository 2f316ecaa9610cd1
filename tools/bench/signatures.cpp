// Microseconds of processor time for one signature, made and verified by runtime/crypto and by Botan, which is what
// runtime/crypto used before. Each figure is the best of several rounds, so that other load counts little.
#include <botan/ed25519.h>
#include <botan/pubkey.h>
#include <botan/rng.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <limits>

#include "runtime/crypto/keys.hpp"

namespace {

constexpr int kRounds = 9;
constexpr int kEach = 1'000;
constexpr std::size_t kMessageBytes = 120;  // a signed record of the DHT with a short name and value

double cpu_us() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

/// Calls `once`, which says whether it went well, many times.
template <class Once>
bool measure(const char* what, Once once) {
  double best = std::numeric_limits<double>::max();
  bool good = true;
  for (int round = 0; round < kRounds; ++round) {
    const double from = cpu_us();
    for (int i = 0; i < kEach; ++i) good = once() && good;
    best = std::min(best, (cpu_us() - from) / kEach);
  }
  std::printf("%-16s %7.1f us%s\n", what, best, good ? "" : "  WRONG");
  return good;
}

}  // namespace

int main() {
  using namespace troupe;
  crypto::Seed seed;
  seed.bytes[0] = 7;
  const crypto::SecretKey key(seed);
  const Botan::Ed25519_PrivateKey botan_key(Botan::secure_vector<std::uint8_t>(seed.bytes.begin(), seed.bytes.end()));
  const base::Bytes message(kMessageBytes, 3);
  const crypto::Signature signature = key.sign(message);
  Botan::Null_RNG none;
  bool good = measure("sign", [&] { return key.sign(message) == signature; });
  good =
      measure("sign, Botan",
              [&] {
                Botan::PK_Signer signer(botan_key, none, "Pure");
                return std::ranges::equal(signer.sign_message(message.data(), message.size(), none), signature.bytes);
              }) &&
      good;
  good = measure("verify", [&] { return crypto::verify(key.public_key(), message, signature); }) && good;
  good = measure("verify, Botan",
                 [&] {
                   const Botan::Ed25519_PublicKey other(key.public_key().bytes.data(), base::PublicKey::kBytes);
                   Botan::PK_Verifier verifier(other, "Pure");
                   return verifier.verify_message(message.data(), message.size(), signature.bytes.data(),
                                                  signature.bytes.size());
                 }) &&
         good;
  return good ? 0 : 1;
}
