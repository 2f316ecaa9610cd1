#include "actors/task/logic/array.hpp"

namespace troupe::task {
namespace {

constexpr std::uint8_t kArrayVersion = 1;

}  // namespace

base::Bytes Array::encode() const {
  base::Bytes out{kArrayVersion};
  base::append_number(out, members);
  base::append_number(out, made);
  out.push_back(closed);
  base::append(out, task::encode(order));
  return out;
}

std::optional<Array> Array::decode(base::ByteView row) {
  base::FieldReader from(row);
  if (from.number<std::uint8_t>() != kArrayVersion) return std::nullopt;
  Array out;
  out.members = from.number<std::uint32_t>();
  out.made = from.number<std::uint32_t>();
  const auto closed = from.number<std::uint8_t>();
  out.closed = closed == 1;
  auto order = task::decode(from.rest());
  const bool fits = out.members >= 1 && out.members <= kArrayMax && out.made <= out.members && closed <= 1;
  if (!from.ok() || !order || order->index || !fits) return std::nullopt;
  out.order = std::move(*order);
  return out;
}

std::optional<OrderError> fault(const Order& order, std::uint32_t members) {
  if (members == 0 || members > kArrayMax || order.index) return OrderError::size;
  return fault(member_of(order, members - 1));  // the last number is the longest
}

}  // namespace troupe::task
