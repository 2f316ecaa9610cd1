// Vouches of judges for this node, which it keeps and shows to its watchers.
#include <algorithm>

#include "actors/registry/registry_actor.hpp"
#include "messages/codec.hpp"
#include "runtime/base/whole_units.hpp"

namespace troupe::registry {
namespace {

using base::Code;

// Our choice: a judge cannot evict vouches that other judges have just given.
constexpr std::uint64_t kKeptAtLeastMs = std::chrono::milliseconds(kVouchLife).count() / 2;
// Our choice: each vouch is sent to all watchers.
constexpr std::uint64_t kVouchAgainMs = std::chrono::milliseconds(std::chrono::minutes(10)).count();

}  // namespace

void RegistryActor::vouched(wire::HandVouch::Reader handed, runtime::Reply<wire::VouchTaken> reply) {
  if (!ready_) return reply.refuse({Code::unavailable, "this node is not in the registry now"});
  const auto bytes = bytes_of(handed.getVouch());
  const auto vouch = parse_vouch(bytes);
  if (!vouch) return reply.refuse({Code::malformed, "malformed vouch"});
  if (caller().node != vouch->judge() || vouch->node != settings_.identity->id())
    return reply.refuse({Code::refused, "this vouch is for another node, or was not sent by its judge"});
  if (std::ranges::any_of(vouches_, [&](const auto& one) { return std::ranges::equal(one.bytes, bytes); }))
    return reply.done();
  if (budget_.take(user(vouch->judge()), now()))
    return reply.refuse({Code::overloaded, "this node verifies too many signatures", kAnswerDue});
  if (const auto why = take_vouch(*vouch, bytes)) return reply.refuse(*why);
  save_vouches();
  for (const Watcher& watcher : watchers_) offer(watcher);
  reply.done();
}

std::optional<base::Error> RegistryActor::take_vouch(const Vouch& vouch, base::ByteView bytes) {
  const std::uint64_t date = vouch.unix_ms, today = unix_ms();
  constexpr std::uint64_t kSkewMs = std::chrono::milliseconds(kClockSkewMax).count();
  if (date > today + kSkewMs || today > date + kSkewMs)
    return base::Error{Code::refused, "the clocks of these two nodes are more than ten minutes apart"};
  if (const auto wrong = fault(bytes, vouch.by, vouch.by_nonce, settings_.work_bits))
    return base::Error{Code::refused, "invalid vouch: " + std::string(name(*wrong))};
  const base::AddressGroup group = user(vouch.judge()).group;
  const auto same = std::ranges::find_if(
      vouches_, [&](const Vouched& one) { return parse_vouch(one.bytes)->judge() == vouch.judge(); });
  if (same != vouches_.end()) {
    if (same->unix_ms >= date) return base::Error{Code::refused, "this node has a newer vouch of this judge"};
    if (date - same->unix_ms < kVouchAgainMs)
      return base::Error{Code::refused, "this judge vouched less than ten minutes ago"};
    vouches_.erase(same);
  } else if (vouches_.size() >= kVouchesMax) {
    const auto out = gives_way(group, today);
    if (out == vouches_.end()) return base::Error{Code::overloaded, "this node has the maximum number of vouches"};
    vouches_.erase(out);
  }
  vouches_.push_back({date, base::Bytes(bytes.begin(), bytes.end()), group});
  std::ranges::sort(vouches_, {}, &Vouched::unix_ms);
  return std::nullopt;
}

/// Returns the vouch to evict: the oldest vouch if it is old. Otherwise the oldest of a group with more than one, and
/// more than the newcomer's: two judges of one group count once, so its second vouch is worth less than another group's
/// first.
auto RegistryActor::gives_way(const base::AddressGroup& newcomer, std::uint64_t today) const
    -> std::vector<Vouched>::const_iterator {
  if (today >= vouches_.front().unix_ms + kKeptAtLeastMs) return vouches_.begin();
  const auto count = [&](const base::AddressGroup& group) {
    return std::ranges::count(vouches_, group, &Vouched::group);
  };
  const auto most = std::ranges::max_element(vouches_, {}, [&](const Vouched& one) { return count(one.group); });
  return count(most->group) > std::max<std::ptrdiff_t>(count(newcomer), 1) ? most : vouches_.end();
}

void RegistryActor::save_vouches() {
  base::Bytes value;
  for (const Vouched& one : vouches_) base::append(value, one.bytes);
  store::RowChange change;
  change.save.push_back({{kVouchesRow}, std::move(value)});
  rows_.write(std::move(change));  // a lost vouch is replaced by a new check
}

void RegistryActor::restore_vouches(base::ByteView value) {
  base::FieldReader from(value);
  while (from.ok() && !from.ended() && vouches_.size() < kVouchesMax) {
    const base::ByteView bytes = from.take(kVouchBytes);
    const auto vouch = parse_vouch(bytes);
    if (!vouch || vouch->node != settings_.identity->id()) continue;
    base::AddressGroup group;
    std::ranges::copy(vouch->judge().view().first(group.prefix.size()), group.prefix.begin());
    vouches_.push_back({vouch->unix_ms, base::Bytes(bytes.begin(), bytes.end()), group});
  }
}

}  // namespace troupe::registry
