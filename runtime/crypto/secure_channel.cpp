#include "runtime/crypto/secure_channel.hpp"

#include <botan/credentials_manager.h>
#include <botan/ec_group.h>
#include <botan/ecdsa.h>
#include <botan/tls_callbacks.h>
#include <botan/tls_client.h>
#include <botan/tls_exceptn.h>
#include <botan/tls_policy.h>
#include <botan/tls_server.h>
#include <botan/tls_session_manager.h>
#include <botan/x509cert.h>
#include <botan/x509self.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/fields.hpp"
#include "runtime/crypto/rng.hpp"
#include "runtime/crypto/server_certificate.hpp"

namespace troupe::crypto {
namespace {

namespace tls = Botan::TLS;

// Fixed, because nothing depends on them and a clock would not replay: the whole range of UTCTime (RFC 5280 4.1.2.5.1).
constexpr const char* kValidFrom = "500101000000Z";   // 1950
constexpr const char* kValidUntil = "491231235959Z";  // 2049

// Botan would allocate 10 KiB for each direction. Instead buffers grow with the records, so that an idle channel is
// small.
constexpr std::size_t kBuffersReserved = 0;

// RFC 5246 6.2.1.
constexpr std::size_t kRecordHeaderBytes = 5;
constexpr std::uint8_t kChangeCipherRecord = 20;
constexpr std::uint8_t kAlertRecord = 21;
constexpr std::uint8_t kHandshakeRecord = 22;
constexpr std::uint8_t kApplicationRecord = 23;
constexpr std::size_t kRecordOverhead = kRecordHeaderBytes + 8 + 16;  // header, explicit nonce, tag of GCM

class Policy final : public tls::Policy {
 public:
  std::vector<std::string> allowed_ciphers() const override { return {"AES-128/GCM", "ChaCha20Poly1305"}; }
  std::vector<std::string> allowed_signature_hashes() const override { return {"SHA-256"}; }
  std::vector<std::string> allowed_macs() const override { return {"AEAD"}; }
  std::vector<std::string> allowed_key_exchange_methods() const override { return {"ECDH"}; }
  std::vector<std::string> allowed_signature_methods() const override { return {"ECDSA"}; }
  std::vector<tls::Group_Params> key_exchange_groups() const override { return {tls::Group_Params::SECP256R1}; }
  std::size_t minimum_signature_strength() const override { return 128; }
  std::size_t minimum_ecdh_group_size() const override { return 256; }
  std::size_t minimum_ecdsa_group_size() const override { return 256; }
  bool require_cert_revocation_info() const override { return false; }
  bool support_cert_status_message() const override { return false; }
  bool allow_tls10() const override { return false; }
  bool allow_tls11() const override { return false; }
  bool allow_tls12() const override { return true; }
  bool allow_dtls10() const override { return false; }
  bool allow_dtls12() const override { return false; }
  bool include_time_in_hello_random() const override { return false; }
  bool allow_insecure_renegotiation() const override { return false; }
  bool allow_client_initiated_renegotiation() const override { return false; }
  bool allow_server_initiated_renegotiation() const override { return false; }
  bool abort_connection_on_undesired_renegotiation() const override { return true; }
  bool negotiate_encrypt_then_mac() const override { return false; }
  bool use_ecc_point_compression() const override { return false; }
  std::size_t maximum_certificate_chain_size() const override { return kHandshakeBytesMax; }
};

/// The key and certificate of a server. A client has none.
class Certificate final : public Botan::Credentials_Manager {
 public:
  explicit Certificate(Botan::RandomNumberGenerator& rng) : key_(rng, Botan::EC_Group("secp256r1")) {
    Botan::X509_Cert_Options options("troupe");
    options.not_before(kValidFrom);
    options.not_after(kValidUntil);
    certificate_ = Botan::X509::create_self_signed_cert(options, key_, "SHA-256", rng);
  }

  std::vector<Botan::X509_Certificate> cert_chain(const std::vector<std::string>& key_types, const std::string& type,
                                                  const std::string&) override {
    const bool wanted = type == "tls-server" && std::ranges::find(key_types, "ECDSA") != key_types.end();
    return wanted ? std::vector{certificate_} : std::vector<Botan::X509_Certificate>{};
  }
  Botan::Private_Key* private_key_for(const Botan::X509_Certificate&, const std::string&, const std::string&) override {
    return &key_;
  }

 private:
  Botan::ECDSA_PrivateKey key_;
  Botan::X509_Certificate certificate_;
};

}  // namespace

std::string_view name(ChannelError error) {
  switch (error) {
    case ChannelError::bad_record: return "the other side does not speak TLS, or its bytes were changed in transit";
    case ChannelError::handshake_failed: return "no common TLS parameters; the other side may not be a troupe node";
    case ChannelError::handshake_too_long: return "it sends more than a handshake needs; it may not be a troupe node";
    case ChannelError::no_extended_master_secret:
      return "it does not bind its keys to the session; it may not be a troupe node";
    case ChannelError::renegotiation: return "it requests a renegotiation, which no troupe node does";
    case ChannelError::alert: return "it has aborted the channel; it may not be a troupe node";
    case ChannelError::truncated: return "it has closed the connection without ending the channel";
    case ChannelError::closed: return "it has closed the channel";
    case ChannelError::not_established: return "the channel is not established yet";
  }
  return "the other side does not speak TLS, or its bytes were changed in transit";
}

/// All parts are constant after construction or stateless, so that channels on several threads may share them.
struct ChannelCredentials::Inner {
  explicit Inner(ports::Chance& chance) : rng(chance), certificate(rng.botan()) {}

  Rng rng;
  Certificate certificate;
  Policy policy;
  tls::Session_Manager_Noop no_sessions;
};

ChannelCredentials::ChannelCredentials(std::unique_ptr<Inner> inner) : inner_(std::move(inner)) {}
ChannelCredentials::~ChannelCredentials() = default;

std::shared_ptr<const ChannelCredentials> ChannelCredentials::make(ports::Chance& chance) {
  return std::shared_ptr<const ChannelCredentials>(new ChannelCredentials(std::make_unique<Inner>(chance)));
}

struct SecureChannel::Inner final : tls::Callbacks {
  using Status = base::Result<void, ChannelError>;

  explicit Inner(std::shared_ptr<const ChannelCredentials> shared) : credentials(std::move(shared)) {}

  // Called by Botan.

  void tls_emit_data(const std::uint8_t data[], std::size_t size) override { out.insert(out.end(), data, data + size); }
  void tls_record_received(std::uint64_t, const std::uint8_t data[], std::size_t size) override {
    if (size > 0) (*sink)({data, size});
  }
  void tls_alert(tls::Alert alert) override {
    if (alert.type() == tls::Alert::CLOSE_NOTIFY) peer_closed = true;
    else if (alert.is_fatal()) failed = ChannelError::alert;
  }
  bool tls_session_established(const tls::Session& session) override {
    if (!session.supports_extended_master_secret()) {
      failed = ChannelError::no_extended_master_secret;
      throw tls::TLS_Exception(tls::Alert::HANDSHAKE_FAILURE, "no extended master secret");
    }
    return false;  // do not keep the session: no session is ever resumed
  }
  void tls_verify_cert_chain(const std::vector<Botan::X509_Certificate>&,
                             const std::vector<std::shared_ptr<const Botan::OCSP::Response>>&,
                             const std::vector<Botan::Certificate_Store*>&, Botan::Usage_Type, const std::string&,
                             const tls::Policy&) override {}  // the certificate proves nothing, and need not

  // Called by the channel.

  bool either_closed() const { return peer_closed || closed_here; }
  bool established() const { return !failed && !either_closed() && channel->is_active(); }

  Status why_not_established() const {
    if (failed) return *failed;
    return either_closed() ? ChannelError::closed : ChannelError::not_established;
  }

  Status fail(ChannelError why) {
    failed = why;
    return why;
  }

  /// Passes bytes of one record to Botan.
  Status feed(base::ByteView bytes) {
    try {
      channel->received_data(bytes.data(), bytes.size());
    } catch (const std::exception&) {
      // Botan has put an alert into `out`. The callbacks may know the cause better.
      if (!failed) failed = channel_was_active ? ChannelError::bad_record : ChannelError::handshake_failed;
    }
    if (failed) return *failed;
    return {};
  }

  /// Checks a record before Botan collects it, because Botan bounds neither the handshake nor a claimed second
  /// handshake.
  Status admit_record() {
    const std::uint8_t type = header[0];
    const std::size_t bytes = std::size_t{header[3]} << 8 | header[4];
    left_in_record = bytes;
    channel_was_active = channel->is_active();
    if (channel_was_active) {
      if (type == kApplicationRecord || type == kAlertRecord) return {};
      channel->send_fatal_alert(tls::Alert::UNEXPECTED_MESSAGE);
      return fail(type == kHandshakeRecord ? ChannelError::renegotiation : ChannelError::bad_record);
    }
    if (type == kChangeCipherRecord && certificate) {
      // Botan takes it for a message of the handshake, even inside another message.
      if (!certificate->passed()) {
        channel->send_fatal_alert(tls::Alert::UNEXPECTED_MESSAGE);
        return fail(ChannelError::handshake_failed);
      }
      certificate.reset();
    }
    handshake_bytes += kRecordHeaderBytes + bytes;
    if (handshake_bytes <= kHandshakeBytesMax) return {};
    channel->send_fatal_alert(tls::Alert::RECORD_OVERFLOW);
    return fail(ChannelError::handshake_too_long);
  }

  /// Passes a dialler's handshake record to Botan once it is complete and may be parsed.
  Status feed_handshake(base::ByteView part) {
    base::append(held, part);
    if (left_in_record > 0) return {};
    const base::Bytes whole = std::exchange(held, {});
    if (certificate->may_pass(whole)) return feed(whole);
    channel->send_fatal_alert(tls::Alert::UNSUPPORTED_CERTIFICATE);
    return fail(ChannelError::handshake_failed);
  }

  /// Passes the bytes of the current record from the front of `bytes` to Botan, and removes them from `bytes`.
  Status advance(base::ByteView& bytes) {
    if (header_bytes < kRecordHeaderBytes) {
      const std::size_t take = std::min(kRecordHeaderBytes - header_bytes, bytes.size());
      std::copy_n(bytes.begin(), take, header.begin() + header_bytes);
      header_bytes += take;
      bytes = bytes.subspan(take);
      if (header_bytes < kRecordHeaderBytes) return {};
      if (auto admitted = admit_record(); !admitted.ok()) return admitted;
      auto fed = feed(header);
      if (left_in_record == 0) header_bytes = 0;
      return fed;
    }
    const std::size_t take = std::min(left_in_record, bytes.size());
    const auto part = bytes.first(take);
    bytes = bytes.subspan(take);
    left_in_record -= take;
    if (left_in_record == 0) header_bytes = 0;
    const bool in_clear = certificate && header[0] == kHandshakeRecord;
    return in_clear ? feed_handshake(part) : feed(part);
  }

  std::shared_ptr<const ChannelCredentials> credentials;
  std::unique_ptr<tls::Channel> channel;
  base::Bytes out;
  std::size_t taken = 0;            // bytes that take_wire() returned last
  const PlainSink* sink = nullptr;  // set during receive()
  std::optional<ChannelError> failed;
  bool peer_closed = false;
  bool closed_here = false;
  bool channel_was_active = false;  // when the current record began
  std::array<std::uint8_t, kRecordHeaderBytes> header{};
  std::size_t header_bytes = 0;
  std::size_t left_in_record = 0;
  std::size_t handshake_bytes = 0;
  std::optional<ServerCertificate> certificate;  // for a dialler, until the handshake is encrypted
  base::Bytes held;                              // of a record that it checks
};

SecureChannel::SecureChannel(std::unique_ptr<Inner> inner) : inner_(std::move(inner)) {}
SecureChannel::~SecureChannel() = default;
SecureChannel::SecureChannel(SecureChannel&&) noexcept = default;
SecureChannel& SecureChannel::operator=(SecureChannel&&) noexcept = default;

SecureChannel SecureChannel::client(std::shared_ptr<const ChannelCredentials> credentials) {
  auto inner = std::make_unique<Inner>(std::move(credentials));
  auto& shared = inner->credentials->inner();
  inner->certificate.emplace();
  inner->channel = std::make_unique<tls::Client>(
      *inner, shared.no_sessions, shared.certificate, shared.policy, shared.rng.botan(), tls::Server_Information(),
      tls::Protocol_Version::TLS_V12, std::vector<std::string>{}, kBuffersReserved);
  return SecureChannel(std::move(inner));
}

SecureChannel SecureChannel::server(std::shared_ptr<const ChannelCredentials> credentials) {
  auto inner = std::make_unique<Inner>(std::move(credentials));
  auto& shared = inner->credentials->inner();
  inner->channel = std::make_unique<tls::Server>(*inner, shared.no_sessions, shared.certificate, shared.policy,
                                                 shared.rng.botan(), false, kBuffersReserved);
  return SecureChannel(std::move(inner));
}

base::Result<void, ChannelError> SecureChannel::receive(base::ByteView from_wire, const PlainSink& plain) {
  if (inner_->failed) return *inner_->failed;
  inner_->sink = &plain;
  base::Result<void, ChannelError> status;
  while (!from_wire.empty() && status.ok() && !inner_->either_closed()) status = inner_->advance(from_wire);
  inner_->sink = nullptr;
  return status;
}

base::Result<void, ChannelError> SecureChannel::send(base::ByteView plain) {
  if (!inner_->established()) return inner_->why_not_established();
  const std::size_t records = plain.size() / kRecordPlainMax + 1;
  const std::size_t needed = inner_->out.size() + plain.size() + records * kRecordOverhead;
  // Reserves the size of the last take, then doubles, so that many sends do not move the waiting bytes every time.
  if (needed > inner_->out.capacity()) inner_->out.reserve(std::max({needed, 2 * inner_->out.size(), inner_->taken}));
  try {
    inner_->channel->send(plain.data(), plain.size());
  } catch (const std::exception&) {
    return inner_->fail(ChannelError::bad_record);
  }
  return {};
}

base::Bytes SecureChannel::take_wire() {
  inner_->taken = std::max(inner_->out.size(), inner_->taken / 2);
  return std::exchange(inner_->out, {});
}
std::size_t SecureChannel::wire_bytes() const { return inner_->out.size(); }
bool SecureChannel::established() const { return inner_->established(); }
bool SecureChannel::peer_closed() const { return inner_->peer_closed; }

base::Result<base::Bytes, ChannelError> SecureChannel::exporter(std::string_view label, std::size_t bytes) const {
  if (!inner_->established()) return inner_->why_not_established().error();
  try {
    const auto key = inner_->channel->key_material_export(std::string(label), "", bytes).bits_of();
    return base::Bytes(key.begin(), key.end());
  } catch (const std::exception&) {
    return ChannelError::not_established;
  }
}

void SecureChannel::close() {
  if (inner_->failed || inner_->either_closed()) return;
  inner_->closed_here = true;
  inner_->channel->close();  // ignores errors
}

base::Result<void, ChannelError> SecureChannel::wire_ended() {
  if (inner_->either_closed()) return {};
  if (inner_->failed) return *inner_->failed;
  return inner_->fail(ChannelError::truncated);
}

}  // namespace troupe::crypto
