#include "actors/task/logic/warning.hpp"

#include <algorithm>

#include "actors/task/logic/spot.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::task {
namespace {

constexpr std::string_view kPrefix = "troupe malice v1";

}  // namespace

base::Bytes sign(const Warning& what, const crypto::SecretKey& key) {
  base::Bytes out;
  base::append(out, base::as_bytes(kPrefix));
  base::append(out, what.by.view());
  base::append_number(out, what.by_nonce);
  base::append_number(out, what.unix_ms);
  out.push_back(static_cast<std::uint8_t>(what.call.size()));
  base::append(out, base::as_bytes(what.call));
  base::append_number(out, static_cast<std::uint32_t>(what.order_bytes.size()));
  base::append(out, what.order_bytes);
  base::append(out, key.sign(out).view());
  return out;
}

std::optional<Warning> parse_warning(base::ByteView bytes) {
  if (bytes.size() > kWarningBytesMax) return std::nullopt;
  base::FieldReader from(bytes);
  if (base::as_text(from.take(kPrefix.size())) != kPrefix) return std::nullopt;
  Warning out;
  out.by = from.fixed<base::PublicKey>();
  out.by_nonce = from.number<std::uint32_t>();
  out.unix_ms = from.number<std::uint64_t>();
  const auto call = from.number<std::uint8_t>();
  if (call > kCallBytesMax) return std::nullopt;
  out.call = base::as_text(from.take(call));
  const auto size = from.number<std::uint32_t>();
  if (size > kWarnedOrderBytesMax) return std::nullopt;
  const base::ByteView order = from.take(size);
  out.order_bytes.assign(order.begin(), order.end());
  (void)from.fixed<crypto::Signature>();
  const auto printable = [](char one) { return one > ' ' && one <= '~'; };
  if (!from.ended() || out.call.empty() || !std::ranges::all_of(out.call, printable)) return std::nullopt;
  return out;
}

base::Result<Warned, ReadError> read_warning(base::ByteView bytes, unsigned work_bits) {
  auto warning = parse_warning(bytes);
  if (!warning) return ReadError::malformed;
  if (!crypto::check(warning->by, warning->by_nonce, work_bits)) return ReadError::lacks_work;
  const base::ByteView body = bytes.first(bytes.size() - crypto::Signature::kBytes);
  if (!crypto::verify(warning->by, body, *crypto::Signature::from(bytes.subspan(body.size()))))
    return ReadError::bad_signature;
  const auto order = read_order(warning->order_bytes, work_bits);
  if (!order.ok()) return order.error();
  // Any node gets a spot check by registering, and its program is from this code. It proves nothing about its signer.
  if (is_check(order.value())) return ReadError::malformed;
  return Warned{std::move(*warning), id_of(order.value()),
                crypto::node_id(order.value().submitter, order.value().submitter_nonce)};
}

base::NodeId place_of_warnings(const base::NodeId& submitter) {
  const auto hash = crypto::sha256(base::as_bytes(kPrefix), submitter.view());
  return *base::NodeId::from(hash.view().first(base::NodeId::kBytes));
}

void Witnesses::add(const Warned& what, const base::AddressGroup& group) {
  Seen& seen = orders_[what.order];
  if (seen.groups.empty()) seen.agreed = {what.warning.call, what.warning.unix_ms};
  seen.agreed.unix_ms = std::min(seen.agreed.unix_ms, what.warning.unix_ms);
  seen.groups.insert(group);
}

std::optional<Witnesses::Agreed> Witnesses::agree() const {
  for (const auto& [order, seen] : orders_)
    if (seen.groups.size() >= kWitnesses) return seen.agreed;
  return std::nullopt;
}

}  // namespace troupe::task
