#include "actors/registry/own.hpp"

namespace troupe::registry {
namespace {

constexpr std::uint8_t kOwnVersion = 1;

}  // namespace

base::Bytes Own::encode() const {
  base::Bytes out{kOwnVersion, std::uint8_t{registered}, std::uint8_t{price.has_value()}};
  base::append_number(out, price.value_or(0));
  base::append(out, pay_to.view());
  base::append_number(out, number);
  append(out, set);
  out.push_back(static_cast<std::uint8_t>(requests.size()));
  for (const auto& [request, content] : requests) {
    base::append(out, request.view());
    base::append(out, content.view());
  }
  base::append(out, registration);
  return out;
}

std::optional<Own> Own::decode(base::ByteView bytes) {
  base::FieldReader from(bytes);
  if (from.number<std::uint8_t>() != kOwnVersion) return std::nullopt;
  Own out;
  out.registered = from.number<std::uint8_t>() == 1;
  const bool priced = from.number<std::uint8_t>() == 1;
  const auto price = from.number<std::uint64_t>();
  if (priced) out.price = price;
  out.pay_to = from.fixed<Payee>();
  out.number = from.number<std::uint64_t>();
  out.set = read_capabilities(from);
  const std::size_t requests = from.number<std::uint8_t>();
  if (requests > kRequestsMax) return std::nullopt;
  for (std::size_t i = 0; i < requests; ++i) {
    const auto request = from.fixed<base::Digest>();
    out.requests.emplace_back(request, from.fixed<base::Digest>());
  }
  const base::ByteView registration = from.rest();
  out.registration.assign(registration.begin(), registration.end());
  return from.ok() ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace troupe::registry
