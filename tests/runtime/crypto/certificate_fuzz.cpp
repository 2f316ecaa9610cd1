// A certificate of anyone: what passes has the key that Botan finds in it, and so does what passes within a handshake.
#include <botan/ecc_key.h>
#include <botan/x509cert.h>

#include <cstdlib>

#include "runtime/crypto/server_certificate.hpp"

using namespace troupe;

namespace {

void expect(bool held) {
  if (!held) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteView input(data, size);
  crypto::ServerCertificate whole, pieces;
  bool passes = true;
  for (std::size_t at = 0; at < size && passes; at += 5)
    passes = pieces.may_pass(input.subspan(at, std::min<std::size_t>(5, size - at)));
  expect(whole.may_pass(input) == passes);
  expect(whole.passed() == pieces.passed() || !passes);
  if (!crypto::has_small_key(input)) return 0;
  try {
    const Botan::X509_Certificate read(base::Bytes(input.begin(), input.end()));
    const auto key = read.load_subject_public_key();
    const auto* const ec = dynamic_cast<const Botan::EC_PublicKey*>(key.get());
    expect(ec != nullptr && ec->domain().get_p_bits() == 256);
  } catch (const Botan::Exception&) {
  }
  return 0;
}
