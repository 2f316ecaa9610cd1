#pragma once
// The handshake of a link: Hello and Proof, both sides, as a plain state machine.
//
// Source  DESIGN.md "Link". Order of messages and the signed bytes: README.md, "The handshake of a link".
// Proof   Ties the key to this connection (TLS exporter), to its side (against reflection), and to both Hellos.
// States  expecting the other Hello -> expecting the other Proof -> ready; or refused, which is final.
// Limits  Frames of at most kHandshakeFrameBytesMax, at most four. The caller drops a link whose handshake takes longer
//         than 5 s.
// Owner   One peer actor; not thread-safe. Reads no clock and sends nothing.
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

/// The label for SecureChannel::exporter (RFC 5705), once the channel is established.
inline constexpr std::string_view kExporterLabel = "EXPORTER-troupe-v1";
using ExporterValue = base::FixedBytes<struct ExporterTag, 32>;

enum class Refusal : std::uint8_t {
  malformed,         ///< not a frame of the handshake, or a nonsensical payload
  too_long,          ///< a frame of more than kHandshakeFrameBytesMax
  out_of_order,      ///< a good frame at the wrong moment
  own_key,           ///< the other side shows this node's key and start number: it has dialled itself
  bad_work,          ///< its id lacks this network's required work
  wrong_id,          ///< it is not the pinned node
  version_disjoint,  ///< no common protocol version
  role_denied,       ///< the dialler's key may not have the requested role
  bad_proof,         ///< the proof is not for its key, this connection or this Hello
};
inline constexpr std::size_t kRefusals = 9;  // for a counter of each

std::string_view name(Refusal refusal);  ///< a clause about the other side, to follow "the handshake failed: "

/// Returns the refusal for a frame error during the handshake.
Refusal refusal_of(FrameError error);

/// The keys that may view, and the keys that may operate. Empty: no key may.
struct Operators {
  std::vector<base::PublicKey> view;
  std::vector<base::PublicKey> operate;
};

/// What this node announces and requires on all its links.
struct Terms {
  unsigned work_bits = crypto::kWorkBitsDefault;
  VersionRange versions;
  base::Digest schema;
  std::uint64_t start = 0;  ///< the start number: random at each start of a node; 0: none
};

/// The other side has proven its key. If the key is this node's own, another process has our identity: it showed a
/// different start number.
struct Ready {
  base::PublicKey key;
  std::uint32_t nonce;
  base::NodeId id;        ///< an operator has an id too, but without work
  messages::Role role;    ///< of the dialler
  std::uint16_t version;  ///< the highest that both support
  bool same_schema;

  friend bool operator==(const Ready&, const Ready&) = default;
};

class Handshake {
 public:
  /// What to do after a frame: send bytes first, if any; then serve the link if it is ready.
  struct Step {
    base::Bytes send;
    std::optional<Ready> ready;
  };

  /// Makes the acceptor's side. Send greeting() at once. `self` and `operators` must outlive the handshake.
  static Handshake server(const crypto::Identity& self, const Terms& terms, const ExporterValue& exporter,
                          const Operators& operators);

  /// Makes the dialler's side. An operator's `self` needs no work for the roles `view` and `operate`; the server always
  /// needs it. With `pinned`, only that node gets a Hello.
  static Handshake dialler(const crypto::Identity& self, const Terms& terms, const ExporterValue& exporter,
                           messages::Role wanted, std::optional<base::NodeId> pinned);

  /// Returns the server's first bytes, sent before it has received any; empty for a dialler.
  base::Bytes greeting() const;

  /// Processes the next frame of the other side. An error is final; later calls repeat it.
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
