#include "actors/peers/logic/own_address.hpp"

#include <algorithm>
#include <tuple>

namespace troupe::peers {
namespace {

enum class Scope : std::uint8_t { loopback, local, global };

/// RFC 1918, 3927, 4193 and 4291 2.5.6.
bool is_private(const base::Endpoint& endpoint) {
  const auto& at = endpoint.address;
  if (!endpoint.is_v4()) return (at[0] & 0xfe) == 0xfc || (at[0] == 0xfe && (at[1] & 0xc0) == 0x80);
  return at[12] == 10 || (at[12] == 172 && (at[13] & 0xf0) == 16) || (at[12] == 192 && at[13] == 168) ||
         (at[12] == 169 && at[13] == 254);
}

Scope scope_of(const base::Endpoint& endpoint) {
  if (endpoint.is_loopback()) return Scope::loopback;
  return is_private(endpoint) ? Scope::local : Scope::global;
}

base::Endpoint voice_group(const base::Endpoint& endpoint) {
  base::Endpoint out = endpoint;
  if (endpoint.is_loopback()) return out;
  out.port = 0;
  if (is_private(endpoint)) return out;
  out.address = {};
  std::ranges::copy(subnet_of(endpoint), out.address.begin());
  return out;
}

}  // namespace

OwnAddress::OwnAddress(const base::Endpoint& listening)
    : listening_(listening), open_(listening.port != 0 && is_unspecified(listening)) {}

bool OwnAddress::said(const base::NodeId& peer, const base::Endpoint& remote, const Address& seen, Choice choice) {
  if (!open_) return false;
  const base::Endpoint told{seen, listening_.port};
  // A node that listens at 0.0.0.0 cannot be reached by IPv6.
  const bool reached = told.is_v4() || !listening_.is_v4();
  if (!told.dialable() || !reached || scope_of(told) != scope_of(remote)) {
    forget(peer);
    return false;
  }
  const Voice voice{voice_group(remote), seen, choice};
  const auto known = voices_.find(peer);
  if (known != voices_.end() && known->second == voice && !fewer_) return false;  // it repeats this every minute
  voices_.insert_or_assign(peer, voice);
  return settle();
}

bool OwnAddress::settle() {
  fewer_ = false;
  std::map<Address, Named> named;
  for (const auto& [peer, voice] : voices_) {
    Named& by = named[voice.address];
    by.all.insert(voice.group);
    if (voice.choice == Choice::ours) by.chosen.insert(voice.group);
  }
  const auto kind_of = [](const Address& address) {
    const base::Endpoint at{address, 1};
    return std::tuple(scope_of(at), at.is_v4());
  };
  const auto first_of_its_kind = [&](const Address& address) {
    const Named& by = named.at(address);
    return by.all.size() >= kVoicesMin && std::ranges::none_of(named, [&](const auto& other) {
             return other.first != address && kind_of(other.first) == kind_of(address) &&
                    other.second.weight() >= by.weight();
           });
  };
  std::optional<Address> best;
  for (const auto& [address, by] : named) {
    if (!first_of_its_kind(address) || (by_chosen_ && !by.settled())) continue;
    const auto rank = [&](const Address& one) {
      return std::tuple(std::get<Scope>(kind_of(one)), one == agreed_, named.at(one).weight());
    };
    if (!best || rank(*best) < rank(address)) best = address;
  }
  if (best && best == agreed_) by_chosen_ = by_chosen_ || named.at(*best).settled();
  if (!best || best == agreed_) return false;
  if (agreed_ && std::get<Scope>(kind_of(*best)) < std::get<Scope>(kind_of(*agreed_))) return false;
  agreed_ = best;
  by_chosen_ = named.at(*best).settled();
  return true;
}

base::Endpoint OwnAddress::at() const {
  if (!open_) return listening_;
  return agreed_ ? base::Endpoint{*agreed_, listening_.port} : base::Endpoint{};
}

}  // namespace troupe::peers
