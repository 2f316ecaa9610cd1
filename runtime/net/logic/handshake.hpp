#pragma once
// How two ends of an encrypted channel learn who is there: Hello and Proof, both sides, as a plain machine.
//
// Source  DESIGN.md "Link". The server speaks first, so that a dialler says nothing to the wrong node:
//
//         server                          dialler
//           Hello  --------------------->   checks key, work, pin, versions
//                  <---------------------   Hello, Proof
//           checks them; Proof  -------->   checks it
//         Ready                           Ready
//
// Proof   Ed25519 over "troupe link v1" || exporter || side (1 byte: 1 server, 2 dialler) || SHA-256(server's Hello)
//         || SHA-256(dialler's Hello). The exporter ties it to this connection, the side stops reflection, the
//         hashes cover all that was agreed on, the role included.
// States  expecting the other Hello -> expecting the other Proof -> ready; or refused, for ever.
// Limits  frames of at most kHandshakeFrameBytesMax; four of them in all. The caller drops a link whose handshake
//         takes longer than 5 s.
// Owner   one peer actor; not thread-safe. Reads no clock and sends nothing.
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "messages/kinds.hpp"
#include "runtime/base/bytes.hpp"
#include "runtime/base/result.hpp"
#include "runtime/crypto/identity.hpp"
#include "runtime/net/logic/frame.hpp"
#include "runtime/net/logic/hello.hpp"

namespace troupe::net {

/// What SecureChannel::exporter is asked for (RFC 5705), once the channel is established.
inline constexpr std::string_view kExporterLabel = "EXPORTER-troupe-v1";
using ExporterValue = base::FixedBytes<struct ExporterTag, 32>;

enum class Refusal : std::uint8_t {
  malformed,         ///< not a frame of the handshake, or its payload says nothing sensible
  too_long,          ///< a frame of more than kHandshakeFrameBytesMax
  out_of_order,      ///< a good frame at the wrong moment
  own_key,           ///< the other side shows our own key: we met ourselves
  bad_work,          ///< its id lacks the work that this network asks for
  wrong_id,          ///< it is not the node that was pinned
  version_disjoint,  ///< no version of the protocol is spoken by both
  role_denied,       ///< the dialler's key may not have the role it asks for
  bad_proof,         ///< it does not hold its key, or not on this connection, or not for this Hello
};
inline constexpr std::size_t kRefusals = 9;  // for a counter of each

std::string_view name(Refusal refusal);  ///< in words, of the other side: told behind "the handshake failed: "

/// How a stream that is cut wrong counts while the handshake lasts.
Refusal refusal_of(FrameError error);

/// Keys that may look, and keys that may change things. Empty means none.
struct Operators {
  std::vector<base::PublicKey> view;
  std::vector<base::PublicKey> operate;
};

/// What this node says and asks for on all its links.
struct Terms {
  unsigned work_bits = crypto::kWorkBitsDefault;
  VersionRange versions;
  base::Digest schema;
};

/// The other side is who it says.
struct Ready {
  base::PublicKey key;
  std::uint32_t nonce;
  base::NodeId id;        ///< of an operator too, whose id shows no work
  messages::Role role;    ///< of the dialler
  std::uint16_t version;  ///< the highest that both speak
  bool same_schema;

  friend bool operator==(const Ready&, const Ready&) = default;
};

class Handshake {
 public:
  /// What to do after a frame: bytes to send first, if any, then serve the link if it is ready.
  struct Step {
    base::Bytes send;
    std::optional<Ready> ready;
  };

  /// The side that accepted. Write greeting() at once. `self` and `operators` must outlive the handshake.
  static Handshake server(const crypto::Identity& self, const Terms& terms, const ExporterValue& exporter,
                          const Operators& operators);

  /// The side that dialled. An operator's `self` needs no work for the roles `view` and `operate`; the server always
  /// does. With `pinned`, nothing is said to any other node.
  static Handshake dialler(const crypto::Identity& self, const Terms& terms, const ExporterValue& exporter,
                           messages::Role wanted, std::optional<base::NodeId> pinned);

  /// What the server sends before it has received anything; empty for a dialler.
  base::Bytes greeting() const;

  /// Takes the next frame of the other side. An error is final, and repeated for every later frame.
  base::Result<Step, Refusal> receive(const Frame& frame);

 private:
  enum class Side : std::uint8_t { server = 1, dialler = 2 };
  enum class State : std::uint8_t { hello, proof, ready };

  Handshake(Side side, const crypto::Identity& self, const Terms& terms, const ExporterValue& exporter,
            messages::Role role);

  std::optional<Refusal> refuse(const Frame& frame) const;
  base::Result<Step, Refusal> take(const Frame& frame);
  base::Result<Step, Refusal> take_hello(base::ByteView payload);
  base::Result<Step, Refusal> take_proof(base::ByteView payload);
  std::optional<Refusal> judge(const Hello& theirs) const;
  bool needs_work(const Hello& theirs) const;
  base::Bytes signed_bytes(Side signer) const;
  base::Bytes proof_frame() const;
  Side other() const { return side_ == Side::server ? Side::dialler : Side::server; }

  Side side_;
  State state_ = State::hello;
  const crypto::Identity* self_;
  const Operators* operators_ = nullptr;  // of a server
  Terms terms_;
  ExporterValue exporter_;
  std::optional<base::NodeId> pinned_;  // of a dialler
  base::Bytes own_hello_;
  base::Digest own_hash_, their_hash_;
  Hello own_, theirs_;
  std::optional<Refusal> refused_;
};

}  // namespace troupe::net
