@0xbc6f307533570510;
# What `--json` prints: `troupe wallet`. The rules of all outputs stand in README.md.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::output::wire");

struct Wallet {
  # `wallet new`, `restore`, `show` and `export`.

  name @0 :Text;
  account @1 :Text;
  # The address, "tro1…".
  publicKey @2 :Data;
  words @3 :Text;
  # Of `new` and `export` alone.
}
