#include "runtime/crypto/derive.hpp"

#include <doctest/doctest.h>

using namespace troupe;
using crypto::Argon2Cost;

TEST_CASE("crypto: HMAC-SHA512 is that of RFC 4231, also where the key is longer than a block") {
  CHECK(base::hex(crypto::hmac_sha512(base::Bytes(20, 0x0b), base::as_bytes("Hi There")).bytes) ==
        "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
        "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854");  // 4.2
  CHECK(base::hex(crypto::hmac_sha512(base::Bytes(131, 0xaa),
                                      base::as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))
                      .bytes) ==
        "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
        "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598");  // 4.7
}

TEST_CASE("crypto: PBKDF2 with HMAC-SHA512 gives what other implementations give") {
  // Python 3.11: hashlib.pbkdf2_hmac('sha512', b'password', b'salt', rounds)
  CHECK(base::hex(crypto::pbkdf2_sha512("password", base::as_bytes("salt"), 1).bytes)
            .starts_with("867f70cf1ade02cff375"));
  CHECK(base::hex(crypto::pbkdf2_sha512("password", base::as_bytes("salt"), 2).bytes)
            .starts_with("e1d9c16aa681708a45f5"));
}

TEST_CASE("crypto: Argon2id gives what the reference implementation gives, and refuses what is too dear") {
  // github.com/P-H-C/phc-winner-argon2, src/test.c, version 0x13: 2 passes, 2^8 KiB, 1 and 2 lanes.
  CHECK(base::hex(crypto::argon2id("password", base::as_bytes("somesalt"), {.memory_kib = 256, .passes = 2, .lanes = 1})
                      .bytes) == "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe");
  CHECK(base::hex(crypto::argon2id("password", base::as_bytes("somesalt"), {.memory_kib = 256, .passes = 2, .lanes = 2})
                      .bytes) == "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037");
  CHECK(crypto::affordable(Argon2Cost{}));
  CHECK(crypto::affordable({.memory_kib = crypto::kArgon2MemoryKibMax, .passes = 16, .lanes = 8}));
  CHECK_FALSE(crypto::affordable({.memory_kib = crypto::kArgon2MemoryKibMax + 1, .passes = 1, .lanes = 1}));
  CHECK_FALSE(crypto::affordable({.memory_kib = 15, .passes = 1, .lanes = 2}));
  CHECK_FALSE(crypto::affordable({.memory_kib = 64, .passes = 17, .lanes = 1}));
  CHECK_FALSE(crypto::affordable({.memory_kib = 64, .passes = 0, .lanes = 1}));
  CHECK_FALSE(crypto::affordable({.memory_kib = 1024, .passes = 1, .lanes = 9}));
  CHECK_FALSE(crypto::affordable({.memory_kib = 1024, .passes = 1, .lanes = 0}));
}
