#pragma once
// Remembers what was signed in this thread, so that verifying it costs nothing. For simulations, in which both ends of
// every link are one thread and would otherwise spend a third of their time on curves.
//
// Use     while a memo lives, verify() accepts at once exactly what sign() has made meanwhile; all else is computed. So
//         it changes no answer, only the time. Of several memos, the newest is used.
// Limits  the kSignaturesKnownMax latest signatures.
// Owner   one thread, which also destroys it, the newest first.
#include <cstdint>
#include <deque>
#include <unordered_map>

#include "runtime/crypto/keys.hpp"

namespace troupe::crypto {

inline constexpr std::size_t kSignaturesKnownMax = 4096;  // our choice: more are rarely under way at once

class SignatureMemo {
 public:
  SignatureMemo();
  ~SignatureMemo();
  SignatureMemo(const SignatureMemo&) = delete;
  SignatureMemo& operator=(const SignatureMemo&) = delete;

  /// The memo of this thread; null if there is none.
  static SignatureMemo* here() { return here_; }

  void note(const base::PublicKey& key, base::ByteView message, const Signature& signature);
  bool knows(const base::PublicKey& key, base::ByteView message, const Signature& signature) const;

 private:
  struct Signed {
    base::PublicKey key;
    base::Bytes message;
    Signature signature;
  };
  static std::uint64_t place_of(const Signature& signature);

  static thread_local SignatureMemo* here_;
  SignatureMemo* const before_;
  std::unordered_map<std::uint64_t, Signed> signed_;
  std::deque<std::uint64_t> oldest_first_;
};

}  // namespace troupe::crypto
