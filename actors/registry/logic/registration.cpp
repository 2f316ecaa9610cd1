#include "actors/registry/logic/registration.hpp"

#include "runtime/crypto/hash.hpp"

namespace troupe::registry {
namespace {

constexpr std::string_view kPrefix = "troupe registration v1";

}  // namespace

std::string_view name(ReadError error) {
  switch (error) {
    case ReadError::malformed: return "its format is invalid";
    case ReadError::lacks_work: return "its id lacks the proof of work of this network";
    case ReadError::bad_signature: return "its node's signature is invalid";
  }
  return "it is invalid";
}

std::vector<base::NodeId> places_of(const Capabilities& all) {
  std::vector<base::NodeId> out;
  const auto add = [&](std::string_view name, std::string_view value) {
    base::Bytes bytes;
    for (const std::string_view part : {std::string_view("troupe capability v1"), name, std::string_view("="), value})
      base::append(bytes, base::as_bytes(part));
    out.push_back(*base::NodeId::from(crypto::sha256(bytes).view().first(base::NodeId::kBytes)));
  };
  for (const Capability& one : all) {
    if (const auto* texts = std::get_if<Texts>(&one.value)) {
      for (const std::string& text : *texts) add(one.name, text);
      continue;
    }
    const auto* text = std::get_if<std::string>(&one.value);
    add(one.name, text == nullptr ? std::string_view() : std::string_view(*text));
  }
  return out;
}

std::optional<base::Bytes> sign(const Registration& what, const crypto::SecretKey& key) {
  base::Bytes out;
  base::append(out, base::as_bytes(kPrefix));
  base::append(out, what.key.view());
  base::append_number(out, what.nonce);
  base::append_number(out, what.sequence);
  out.push_back(what.registered);
  base::append(out, what.owner.view());
  base::append(out, what.pay_to.view());
  base::append(out, what.at.address);
  base::append_number(out, what.at.port);
  out.push_back(static_cast<std::uint8_t>(what.version.size()));
  base::append(out, base::as_bytes(what.version));
  out.push_back(what.price.has_value());
  base::append_number(out, what.price.value_or(0));
  append(out, what.capabilities);
  const crypto::Signature signature = key.sign(out);
  base::append(out, signature.view());
  return out.size() <= kRegistrationBytesMax ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<Registration> parse_registration(base::ByteView bytes) {
  if (bytes.size() > kRegistrationBytesMax) return std::nullopt;
  base::FieldReader from(bytes);
  base::FieldReader body(from.all_but(crypto::Signature::kBytes));
  if (!from.ok() || base::as_text(body.take(kPrefix.size())) != kPrefix) return std::nullopt;
  Registration out;
  out.key = body.fixed<base::PublicKey>();
  out.nonce = body.number<std::uint32_t>();
  out.sequence = body.number<std::uint64_t>();
  const auto registered = body.number<std::uint8_t>();
  out.registered = registered == 1;
  out.owner = body.fixed<Owner>();
  out.pay_to = body.fixed<Payee>();
  out.at.address = body.array<16>();
  out.at.port = body.number<std::uint16_t>();
  const std::size_t version = body.number<std::uint8_t>();
  if (version > kVersionBytesMax) return std::nullopt;
  out.version = base::as_text(body.take(version));
  const auto priced = body.number<std::uint8_t>();
  const auto price = body.number<std::uint64_t>();
  if (priced == 1) out.price = price;
  out.capabilities = read_capabilities(body);
  const bool exact =
      registered <= 1 && priced <= 1 && (priced == 1 || price == 0) && (out.version.empty() || is_text(out.version));
  return body.ended() && exact ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<ReadError> fault(base::ByteView bytes, const base::PublicKey& key, std::uint32_t nonce,
                               unsigned work_bits) {
  if (!crypto::check(key, nonce, work_bits)) return ReadError::lacks_work;
  const base::ByteView body = bytes.first(bytes.size() - crypto::Signature::kBytes);
  if (!crypto::verify(key, body, *crypto::Signature::from(bytes.subspan(body.size())))) return ReadError::bad_signature;
  return std::nullopt;
}

base::Result<Registration, ReadError> read_registration(base::ByteView bytes, unsigned work_bits) {
  auto out = parse_registration(bytes);
  if (!out) return ReadError::malformed;
  if (const auto wrong = fault(bytes, out->key, out->nonce, work_bits)) return *wrong;
  return std::move(*out);
}

}  // namespace troupe::registry
