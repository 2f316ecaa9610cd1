#include "runtime/net/logic/handshake.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::net {
namespace {

constexpr std::string_view kProofPrefix = "troupe link v1";

bool lists(const std::vector<base::PublicKey>& keys, const base::PublicKey& key) {
  return std::ranges::find(keys, key) != keys.end();
}

base::Bytes frame_of(FrameType type, std::uint64_t kind, base::ByteView payload) {
  base::Bytes out;
  write_frame(out, {.type = type, .lane = messages::Lane::control, .kind = kind}, {}, payload);
  return out;
}

}  // namespace

std::string_view name(Refusal refusal) {
  switch (refusal) {
    case Refusal::malformed: return "it does not speak the protocol of a troupe node";
    case Refusal::too_long: return "its messages are larger than a troupe node's";
    case Refusal::out_of_order: return "it violates the order of the handshake";
    case Refusal::own_key: return "it shows our own key: the address leads back to this node";
    case Refusal::bad_work: return "its id has less work than this network requires (identity.work_bits)";
    case Refusal::wrong_id: return "the node that answers there does not have the given id";
    case Refusal::version_disjoint:
      return "it has no protocol version in common with this program; one of the two is too old";
    case Refusal::role_denied: return "its key may not have the requested role";
    case Refusal::bad_proof: return "it cannot prove its key; another party may be impersonating it";
  }
  return "it does not speak the protocol of a troupe node";
}

Refusal refusal_of(FrameError error) { return error == FrameError::too_long ? Refusal::too_long : Refusal::malformed; }

Handshake::Handshake(Side side, const crypto::Identity& self, const Terms& terms, const ExporterValue& exporter,
                     messages::Role role)
    : side_(side), self_(&self), terms_(terms), exporter_(exporter), own_{self.public_key(),
                                                                          self.nonce(),
                                                                          terms.versions,
                                                                          terms.schema,
                                                                          role,
                                                                          terms.start} {
  base::ensure(role != messages::Role::inside, "a link is for peers and operators");
  base::ensure(terms.versions.min <= terms.versions.max, "a node speaks some version");
  own_hello_ = encode(own_);
  own_hash_ = crypto::sha256(own_hello_);
}

Handshake Handshake::server(const crypto::Identity& self, const Terms& terms, const ExporterValue& exporter,
                            const Operators& operators) {
  Handshake out(Side::server, self, terms, exporter, messages::Role::peer);
  out.operators_ = &operators;
  return out;
}

Handshake Handshake::dialler(const crypto::Identity& self, const Terms& terms, const ExporterValue& exporter,
                             messages::Role wanted, std::optional<base::NodeId> pinned) {
  Handshake out(Side::dialler, self, terms, exporter, wanted);
  out.pinned_ = pinned;
  return out;
}

base::Bytes Handshake::greeting() const {
  return side_ == Side::server ? frame_of(FrameType::hello, hello_kind(), own_hello_) : base::Bytes{};
}

base::Result<Handshake::Step, Refusal> Handshake::receive(const Frame& frame) {
  if (refused_) return *refused_;
  auto step = take(frame);
  if (!step.ok()) refused_ = step.error();
  return step;
}

/// Returns why a frame is refused, whatever its payload.
std::optional<Refusal> Handshake::refuse(const Frame& frame) const {
  const std::size_t bytes = kFrameHeaderBytes - kFrameLengthBytes + frame.path.size() + frame.payload.size();
  if (bytes > kHandshakeFrameBytesMax) return Refusal::too_long;
  const FrameType wanted = state_ == State::hello ? FrameType::hello : FrameType::proof;
  if (frame.header.type != wanted || state_ == State::ready) return Refusal::out_of_order;
  const std::uint64_t kind = state_ == State::hello ? hello_kind() : proof_kind();
  const FrameHeader only{.type = wanted, .lane = messages::Lane::control, .kind = kind};
  if (frame.header != only || !frame.path.empty()) return Refusal::malformed;
  return std::nullopt;
}

base::Result<Handshake::Step, Refusal> Handshake::take(const Frame& frame) {
  if (const auto why = refuse(frame)) return *why;
  return state_ == State::hello ? take_hello(frame.payload) : take_proof(frame.payload);
}

base::Result<Handshake::Step, Refusal> Handshake::take_hello(base::ByteView payload) {
  const auto hello = decode_hello(payload);
  if (!hello) return Refusal::malformed;
  if (const auto why = judge(*hello)) return *why;
  theirs_ = *hello;
  their_hash_ = crypto::sha256(payload);
  state_ = State::proof;

  Step step;
  if (side_ == Side::dialler) {
    step.send = frame_of(FrameType::hello, hello_kind(), own_hello_);
    const base::Bytes proof = proof_frame();
    step.send.insert(step.send.end(), proof.begin(), proof.end());
  }
  return step;
}

base::Result<Handshake::Step, Refusal> Handshake::take_proof(base::ByteView payload) {
  const auto proof = decode_proof(payload);
  if (!proof) return Refusal::malformed;
  if (!crypto::verify(theirs_.key, signed_bytes(other()), *proof)) return Refusal::bad_proof;
  state_ = State::ready;

  Step step;
  if (side_ == Side::server) step.send = proof_frame();
  const Hello& dialler = side_ == Side::server ? theirs_ : own_;
  step.ready = Ready{.key = theirs_.key,
                     .nonce = theirs_.nonce,
                     .id = crypto::node_id(theirs_.key, theirs_.nonce),
                     .role = dialler.role,
                     .version = std::min(own_.versions.max, theirs_.versions.max),
                     .same_schema = own_.schema == theirs_.schema};
  return step;
}

/// Returns whether the other side's id needs work: every node's id does, an operator's does not.
bool Handshake::needs_work(const Hello& theirs) const {
  return side_ == Side::dialler || theirs.role == messages::Role::peer;
}

std::optional<Refusal> Handshake::judge(const Hello& theirs) const {
  // With another start number the key has to be proven first, because anyone who has read a Hello can copy it.
  if (theirs.key == own_.key && theirs.start == own_.start) return Refusal::own_key;
  if (side_ == Side::server) {
    if (theirs.role == messages::Role::view && !lists(operators_->view, theirs.key)) return Refusal::role_denied;
    if (theirs.role == messages::Role::operate && !lists(operators_->operate, theirs.key)) return Refusal::role_denied;
  }
  if (needs_work(theirs) && !crypto::check(theirs.key, theirs.nonce, terms_.work_bits)) return Refusal::bad_work;
  if (pinned_ && *pinned_ != crypto::node_id(theirs.key, theirs.nonce)) return Refusal::wrong_id;
  if (theirs.versions.max < own_.versions.min || own_.versions.max < theirs.versions.min)
    return Refusal::version_disjoint;
  return std::nullopt;
}

base::Bytes Handshake::signed_bytes(Side signer) const {
  const base::Digest& server = side_ == Side::server ? own_hash_ : their_hash_;
  const base::Digest& dialler = side_ == Side::server ? their_hash_ : own_hash_;
  const std::uint8_t side = static_cast<std::uint8_t>(signer);
  base::Bytes out(kProofPrefix.size() + ExporterValue::kBytes + 1 + 2 * base::Digest::kBytes);
  auto at = out.begin();
  const auto put = [&at](base::ByteView part) { at = std::ranges::copy(part, at).out; };
  put(base::as_bytes(kProofPrefix));
  put(exporter_.view());
  put({&side, 1});
  put(server.view());
  put(dialler.view());
  return out;
}

base::Bytes Handshake::proof_frame() const {
  const auto payload = encode_proof(self_->key().sign(signed_bytes(side_)));
  return frame_of(FrameType::proof, proof_kind(), payload);
}

}  // namespace troupe::net
