#include <botan/tls_client.h>
#include <botan/tls_extensions.h>
#include <botan/tls_policy.h>
#include <botan/tls_session_manager.h>
#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "runtime/base/random.hpp"
#include "runtime/crypto/rng.hpp"
#include "runtime/crypto/secure_channel.hpp"
#include "tests/runtime/crypto/memory_disk.hpp"

using namespace troupe;
using crypto::ChannelCredentials;
using crypto::ChannelError;
using crypto::SecureChannel;
using tests::SeededChance;

namespace {

constexpr const char* kLabel = "EXPORTER-troupe-v1";

/// Two ends of one connection, and what each was told.
struct Pair {
  explicit Pair(std::uint64_t seed)
      : chance(seed),
        client(SecureChannel::client(ChannelCredentials::make(chance))),
        server(SecureChannel::server(ChannelCredentials::make(chance))) {}

  /// Moves bytes in pieces of `piece` until both are silent, or one failed.
  std::optional<ChannelError> run(std::size_t piece = 1 << 20) {
    while (client.wire_bytes() + server.wire_bytes() > 0) {
      if (auto why = move(client, server, to_server, piece)) return why;
      if (auto why = move(server, client, to_client, piece)) return why;
    }
    return std::nullopt;
  }
  std::optional<ChannelError> move(SecureChannel& from, SecureChannel& to, base::Bytes& plain, std::size_t piece) {
    const base::Bytes wire = from.take_wire();
    sent.insert(sent.end(), wire.begin(), wire.end());
    for (std::size_t at = 0; at < wire.size(); at += piece) {
      const auto part = base::ByteView(wire).subspan(at, std::min(piece, wire.size() - at));
      const auto status = to.receive(part, [&](base::ByteView p) { plain.insert(plain.end(), p.begin(), p.end()); });
      if (!status.ok()) return status.error();
    }
    return std::nullopt;
  }

  SeededChance chance;
  SecureChannel client, server;
  base::Bytes to_server, to_client;
  base::Bytes sent;  // by both
};

Pair connected(std::uint64_t seed) {
  Pair pair(seed);
  REQUIRE_FALSE(pair.run().has_value());
  REQUIRE(pair.client.established());
  REQUIRE(pair.server.established());
  return pair;
}

base::Bytes pattern(std::size_t bytes) {
  base::Bytes out(bytes);
  for (std::size_t i = 0; i < bytes; ++i) out[i] = static_cast<std::uint8_t>(i * 31 >> 3);
  return out;
}

void ignore(base::ByteView) {}

/// Another program that speaks TLS: Botan with settings that ours never uses.
class RemotePeer final : public Botan::TLS::Callbacks {
 public:
  enum class Habit { none, no_extended_master_secret, x25519_only, tls11, cbc_only };

  class Policy final : public Botan::TLS::Policy {
   public:
    explicit Policy(Habit habit) : habit_(habit) {}
    std::vector<Botan::TLS::Group_Params> key_exchange_groups() const override {
      return {habit_ == Habit::x25519_only ? Botan::TLS::Group_Params::X25519 : Botan::TLS::Group_Params::SECP256R1};
    }
    std::vector<std::string> allowed_ciphers() const override {
      return {habit_ == Habit::cbc_only || habit_ == Habit::tls11 ? "AES-128" : "AES-128/GCM"};
    }
    bool allow_tls11() const override { return habit_ == Habit::tls11; }
    bool allow_tls12() const override { return habit_ != Habit::tls11; }
    std::vector<std::string> allowed_macs() const override { return {"AEAD", "SHA-256", "SHA-1"}; }

   private:
    Habit habit_;
  };

  RemotePeer(Habit habit, ports::Chance& chance)
      : habit_(habit),
        rng_(chance),
        policy_(habit),
        client_(*this, sessions_, credentials_, policy_, rng_.botan(), Botan::TLS::Server_Information(),
                habit == Habit::tls11 ? Botan::TLS::Protocol_Version::TLS_V11 : Botan::TLS::Protocol_Version::TLS_V12) {
  }

  /// Connects to `server`; how it ended there, nothing if it did not end.
  std::optional<ChannelError> meet(SecureChannel& server, base::Bytes& plain) {
    while (!out_.empty()) {
      const base::Bytes wire = std::exchange(out_, {});
      const auto status =
          server.receive(wire, [&](base::ByteView p) { plain.insert(plain.end(), p.begin(), p.end()); });
      if (!status.ok()) return status.error();
      const auto back = server.take_wire();
      try {
        client_.received_data(back.data(), back.size());
      } catch (const std::exception&) {
      }
    }
    return std::nullopt;
  }
  Botan::TLS::Client& tls() { return client_; }

 private:
  void tls_emit_data(const std::uint8_t data[], std::size_t size) override {
    out_.insert(out_.end(), data, data + size);
  }
  void tls_record_received(std::uint64_t, const std::uint8_t[], std::size_t) override {}
  void tls_alert(Botan::TLS::Alert) override {}
  bool tls_session_established(const Botan::TLS::Session&) override { return false; }
  void tls_verify_cert_chain(const std::vector<Botan::X509_Certificate>&,
                             const std::vector<std::shared_ptr<const Botan::OCSP::Response>>&,
                             const std::vector<Botan::Certificate_Store*>&, Botan::Usage_Type, const std::string&,
                             const Botan::TLS::Policy&) override {}
  void tls_modify_extensions(Botan::TLS::Extensions& extensions, Botan::TLS::Connection_Side) override {
    if (habit_ == Habit::no_extended_master_secret)
      extensions.remove_extension(Botan::TLS::TLSEXT_EXTENDED_MASTER_SECRET);
  }

  Habit habit_;
  base::Bytes out_;
  crypto::Rng rng_;
  Policy policy_;
  Botan::TLS::Session_Manager_Noop sessions_;
  Botan::Credentials_Manager credentials_;
  Botan::TLS::Client client_;
};

}  // namespace

TEST_CASE("crypto: two channels shake hands and carry bytes both ways, however the wire cuts them") {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1} << 20}) {
    Pair pair(1);
    REQUIRE_FALSE(pair.run(piece).has_value());
    const auto question = pattern(100'000);  // seven records
    const auto answer = pattern(3);
    REQUIRE(pair.client.send(question).ok());
    REQUIRE(pair.server.send(answer).ok());
    REQUIRE(pair.server.send({}).ok());
    REQUIRE_FALSE(pair.run(piece).has_value());
    CHECK(pair.to_server == question);
    CHECK(pair.to_client == answer);
  }
}

TEST_CASE("crypto: the same chance gives the same bytes on the wire, other chance gives others") {
  Pair first = connected(2), again = connected(2), other = connected(3);
  CHECK(first.sent == again.sent);
  CHECK(first.sent != other.sent);
}

TEST_CASE("crypto: both ends export the same secret, and each connection another") {
  Pair first = connected(4), second = connected(5);
  const auto secret = first.client.exporter(kLabel, 32);
  REQUIRE(secret.ok());
  CHECK(secret.value().size() == 32);
  CHECK(first.server.exporter(kLabel, 32).value() == secret.value());
  CHECK(second.server.exporter(kLabel, 32).value() != secret.value());
  CHECK(first.server.exporter("EXPORTER-other", 32).value() != secret.value());
}

TEST_CASE("crypto: nothing is sent or exported before the handshake is done") {
  Pair pair(6);
  CHECK(pair.client.send(pattern(1)).error() == ChannelError::not_established);
  CHECK(pair.server.exporter(kLabel, 32).error() == ChannelError::not_established);
  REQUIRE_FALSE(pair.run().has_value());
  CHECK(pair.client.send(pattern(1)).ok());
}

TEST_CASE("crypto: a goodbye ends the channel cleanly, silence is a truncation") {
  Pair pair = connected(7);

  SUBCASE("a goodbye arrives after all that was sent before it") {
    REQUIRE(pair.client.send(pattern(10)).ok());
    pair.client.close();
    pair.client.close();
    REQUIRE_FALSE(pair.run().has_value());
    CHECK(pair.to_server == pattern(10));
    CHECK(pair.server.peer_closed());
    CHECK(pair.server.wire_ended().ok());
    CHECK(pair.client.wire_ended().ok());
    CHECK(pair.server.send(pattern(1)).error() == ChannelError::closed);
    CHECK(pair.client.send(pattern(1)).error() == ChannelError::closed);
    CHECK(pair.server.exporter(kLabel, 32).error() == ChannelError::closed);
  }
  SUBCASE("what was on its way to the one who said goodbye is ignored") {
    pair.client.close();
    REQUIRE(pair.server.send(pattern(10)).ok());
    REQUIRE_FALSE(pair.run().has_value());
    CHECK(pair.to_client.empty());
  }
  SUBCASE("the wire ends without one") {
    CHECK(pair.server.wire_ended().error() == ChannelError::truncated);
    CHECK(pair.server.send(pattern(1)).error() == ChannelError::truncated);
  }
  SUBCASE("the wire ends during the handshake") {
    Pair half(8);
    CHECK(half.server.wire_ended().error() == ChannelError::truncated);
  }
}

TEST_CASE("crypto: a changed bit anywhere in a record is a failure for ever, and the other side is told") {
  for (const std::size_t at : {std::size_t{0}, std::size_t{1}, std::size_t{3}, std::size_t{6}, std::size_t{20}}) {
    Pair pair = connected(9);
    REQUIRE(pair.client.send(pattern(10)).ok());
    auto wire = pair.client.take_wire();
    wire[at] ^= 0x80;
    base::Bytes plain;
    const auto status =
        pair.server.receive(wire, [&](base::ByteView p) { plain.insert(plain.end(), p.begin(), p.end()); });
    REQUIRE_FALSE(status.ok());
    CHECK(status.error() == ChannelError::bad_record);
    CHECK(plain.empty());
    CHECK(pair.server.receive(wire, ignore).error() == ChannelError::bad_record);
    CHECK(pair.server.send(pattern(1)).error() == ChannelError::bad_record);
    CHECK(pair.move(pair.server, pair.client, pair.to_client, 100) == ChannelError::alert);
  }
}

TEST_CASE("crypto: a record that comes twice is refused") {
  Pair pair = connected(10);
  REQUIRE(pair.client.send(pattern(10)).ok());
  const auto wire = pair.client.take_wire();
  CHECK(pair.server.receive(wire, ignore).ok());
  CHECK(pair.server.receive(wire, ignore).error() == ChannelError::bad_record);
}

TEST_CASE("crypto: a peer outside the policy is refused before any plaintext") {
  using Habit = RemotePeer::Habit;
  struct Case {
    Habit habit;
    ChannelError answer;
  };
  for (const auto [habit, answer] :
       {Case{Habit::no_extended_master_secret, ChannelError::no_extended_master_secret},
        Case{Habit::x25519_only, ChannelError::handshake_failed}, Case{Habit::tls11, ChannelError::handshake_failed},
        Case{Habit::cbc_only, ChannelError::handshake_failed}}) {
    SeededChance chance(11);
    SecureChannel server = SecureChannel::server(ChannelCredentials::make(chance));
    RemotePeer stranger(habit, chance);
    base::Bytes plain;
    CHECK(stranger.meet(server, plain) == answer);
    CHECK_FALSE(server.established());
    CHECK(server.exporter(kLabel, 32).error() == answer);
    CHECK(plain.empty());
  }
}

TEST_CASE("crypto: a dialler breaks off where the certificate has a key of another curve, without a look at the key") {
  constexpr std::uint8_t kUnsupportedCertificate = 43;  // RFC 5246 7.2
  const std::uint8_t curve[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
  for (const std::size_t piece : {std::size_t{1}, std::size_t{1} << 20}) {
    Pair pair(18);
    REQUIRE_FALSE(pair.move(pair.client, pair.server, pair.to_server, piece).has_value());
    base::Bytes wire = pair.server.take_wire();
    const auto at = std::ranges::search(wire, curve);
    REQUIRE(at.size() == sizeof curve);
    at.back() = 1;
    std::optional<ChannelError> why;
    for (std::size_t i = 0; i < wire.size() && !why; i += piece) {
      const auto status =
          pair.client.receive(base::ByteView(wire).subspan(i, std::min(piece, wire.size() - i)), ignore);
      if (!status.ok()) why = status.error();
    }
    CHECK(why == ChannelError::handshake_failed);
    CHECK(pair.client.take_wire().back() == kUnsupportedCertificate);
  }
}

TEST_CASE("crypto: a change of the cipher within a message of the server ends the handshake") {
  // Botan would take it for four bytes of that message, and what follows for others than a dialler has looked at.
  constexpr std::uint8_t kUnexpectedMessage = 10;  // RFC 5246 7.2
  constexpr std::size_t kHead = 5, kCut = 20;
  Pair pair(19);
  REQUIRE_FALSE(pair.move(pair.client, pair.server, pair.to_server, 1 << 20).has_value());
  const base::Bytes wire = pair.server.take_wire();
  const std::size_t bytes = std::size_t{wire[3]} << 8 | wire[4];
  REQUIRE(bytes > kCut);
  const auto record = [&](std::uint8_t type, base::ByteView content) {
    base::Bytes out{type, 3, 3, 0, static_cast<std::uint8_t>(content.size())};
    out.insert(out.end(), content.begin(), content.end());
    return out;
  };
  const base::ByteView message = base::ByteView(wire).subspan(kHead, bytes);
  const std::uint8_t change[] = {1};
  CHECK(pair.client.receive(record(22, message.first(kCut)), ignore).ok());
  CHECK(pair.client.receive(record(20, change), ignore).error() == ChannelError::handshake_failed);
  CHECK(pair.client.take_wire().back() == kUnexpectedMessage);
}

TEST_CASE("crypto: a handshake that never ends is cut at its limit") {
  SeededChance chance(12);
  SecureChannel server = SecureChannel::server(ChannelCredentials::make(chance));
  // A client hello that announces 16 MiB, in records of 1 KiB.
  base::Bytes record{22, 3, 1, 4, 0, 1, 0xff, 0xff, 0xff};
  record.resize(5 + 1024);
  std::size_t taken = 0;
  base::Result<void, ChannelError> status;
  while (status.ok() && taken < 100'000) {
    status = server.receive(record, ignore);
    if (status.ok()) taken += record.size();
    record[5] = 0;
  }
  REQUIRE_FALSE(status.ok());
  CHECK(status.error() == ChannelError::handshake_too_long);
  CHECK(taken <= crypto::kHandshakeBytesMax);
  CHECK(taken + record.size() > crypto::kHandshakeBytesMax);
}

TEST_CASE("crypto: a second handshake on an established channel is refused") {
  SeededChance chance(13);
  SecureChannel server = SecureChannel::server(ChannelCredentials::make(chance));
  RemotePeer stranger(RemotePeer::Habit::none, chance);
  base::Bytes plain;
  REQUIRE_FALSE(stranger.meet(server, plain).has_value());
  REQUIRE(server.established());
  stranger.tls().renegotiate(true);
  CHECK(stranger.meet(server, plain) == ChannelError::renegotiation);
  CHECK_FALSE(server.established());
}

TEST_CASE("crypto: random bytes are an error and never an exception") {
  base::Random random(14);
  SeededChance chance(15);
  const auto credentials = ChannelCredentials::make(chance);
  for (int round = 0; round < 300; ++round) {
    SecureChannel channel = round % 2 == 0 ? SecureChannel::server(credentials) : SecureChannel::client(credentials);
    base::Bytes noise(1 + random.below(2000));
    for (auto& byte : noise) byte = static_cast<std::uint8_t>(random.next());
    if (round % 3 == 0 && noise.size() > 5) {  // a plausible record, so that the message parser sees noise too
      const std::uint8_t start[] = {22, 3, 3, static_cast<std::uint8_t>((noise.size() - 5) >> 8),
                                    static_cast<std::uint8_t>(noise.size() - 5)};
      std::copy_n(start, 5, noise.begin());
    }
    CHECK_NOTHROW((void)channel.receive(noise, ignore));
    CHECK_FALSE(channel.established());
  }
}

TEST_CASE("crypto: a handshake with any byte changed ends without agreement, or with the same secret on both sides") {
  base::Random random(16);
  SeededChance chance(17);
  const auto credentials = ChannelCredentials::make(chance);
  for (int round = 0; round < 200; ++round) {
    SecureChannel client = SecureChannel::client(credentials);
    SecureChannel server = SecureChannel::server(credentials);
    const std::uint64_t victim = random.below(1'500);
    std::uint64_t seen = 0;
    bool failed = false;
    while (!failed && client.wire_bytes() + server.wire_bytes() > 0) {
      for (auto [from, to] : {std::pair{&client, &server}, std::pair{&server, &client}}) {
        auto wire = from->take_wire();
        if (victim >= seen && victim < seen + wire.size())
          wire[victim - seen] ^= static_cast<std::uint8_t>(1 + random.below(255));
        seen += wire.size();
        if (!wire.empty() && !to->receive(wire, ignore).ok()) failed = true;
      }
    }
    const bool both = client.established() && server.established();
    if (both) CHECK(client.exporter(kLabel, 32).value() == server.exporter(kLabel, 32).value());
  }
}
