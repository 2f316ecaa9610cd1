#include "runtime/base/address_group.hpp"

#include <algorithm>

namespace troupe::base {
namespace {

constexpr std::size_t kMapped = 12;  // bytes before an IPv4 address in its mapped form

AddressGroup first_bytes(const Endpoint& at, std::size_t kept) {
  AddressGroup out;
  std::copy_n(at.address.begin(), kept, out.prefix.begin());
  return out;
}

}  // namespace

AddressGroup group_of(const Endpoint& at) { return first_bytes(at, at.is_v4() ? kMapped + 3 : 6); }
AddressGroup line_of(const Endpoint& at) { return first_bytes(at, at.is_v4() ? kMapped + 4 : 8); }

std::string text(const AddressGroup& group) {
  const Endpoint first{group.prefix, 1};
  const std::string at = first.text();
  return at.substr(0, at.rfind(':')) + (first.is_v4() ? "/24" : "/48");
}

}  // namespace troupe::base
