#include "actors/airdrop/logic/uptime.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace troupe::airdrop {
namespace {

constexpr std::string_view kEvidenceMark = "troupe airdrop evidence v1";

void append_sized(base::Bytes& out, base::ByteView bytes) {
  base::append_number(out, static_cast<std::uint16_t>(bytes.size()));
  base::append(out, bytes);
}

base::Bytes read_sized(base::FieldReader& from) {
  const base::ByteView bytes = from.take(from.number<std::uint16_t>());
  return {bytes.begin(), bytes.end()};
}

}  // namespace

base::Bytes encode(const std::vector<Evidence>& all) {
  base::Bytes out;
  base::append(out, base::as_bytes(kEvidenceMark));
  for (const Evidence& one : all) {
    append_sized(out, one.registration);
    out.push_back(static_cast<std::uint8_t>(one.uptimes.size()));
    for (const base::Bytes& uptime : one.uptimes) append_sized(out, uptime);
  }
  return out;
}

std::optional<std::vector<Evidence>> decode_evidence(base::ByteView bytes) {
  base::FieldReader from(bytes);
  if (base::as_text(from.take(kEvidenceMark.size())) != kEvidenceMark) return std::nullopt;
  std::vector<Evidence> out;
  std::optional<base::NodeId> last;
  while (from.ok() && !from.ended()) {
    Evidence one;
    one.registration = read_sized(from);
    const std::size_t uptimes = from.number<std::uint8_t>();
    if (uptimes > kUptimesMax) return std::nullopt;
    for (std::size_t i = 0; i < uptimes && from.ok(); ++i) one.uptimes.push_back(read_sized(from));
    const auto node = registry::parse_registration(one.registration);
    if (!from.ok() || !node || (last && node->id() <= *last)) return std::nullopt;
    last = node->id();
    out.push_back(std::move(one));
  }
  return from.ok() ? std::optional(std::move(out)) : std::nullopt;
}

base::Result<Present, std::string> present_by(const Evidence& evidence, const UptimeRule& rule, unsigned work_bits) {
  const auto read = registry::read_registration(evidence.registration, work_bits);
  if (!read.ok()) return "invalid registration: " + std::string(registry::name(read.error()));
  const registry::Registration& node = read.value();
  std::set<base::NodeId> watchers;
  std::vector<std::uint32_t> hours;
  std::map<base::AddressGroup, std::size_t> sites;
  for (const base::Bytes& bytes : evidence.uptimes) {
    const auto uptime = registry::read_uptime(bytes, work_bits);
    if (!uptime.ok()) return "invalid watcher statement: " + std::string(registry::name(uptime.error()));
    const registry::Uptime& said = uptime.value();
    if (said.node != node.id() || said.from != rule.from || said.until != rule.until)
      return std::string("a watcher statement is for another node or window");
    if (said.watcher() == node.id() || !watchers.insert(said.watcher()).second)
      return std::string("a watcher has signed twice, or for itself");
    hours.push_back(said.hours);
    if (said.site != base::AddressGroup{}) ++sites[said.site];
  }
  if (hours.size() < kUptimeQuorum) return std::string("fewer than three watchers have signed for the node");
  std::ranges::sort(hours);
  const auto own = wallet::Policy::of_key(node.key).address();
  const auto site = std::ranges::max_element(sites, {}, [](const auto& one) { return one.second; });
  const auto group = site == sites.end() ? registry::group_of(node.id(), node.at) : site->first;
  const bool named = node.pay_to != registry::Payee{};
  return Present{node.id(), node.owner, group, named ? Address{node.pay_to.bytes} : own, hours[(hours.size() - 1) / 2]};
}

std::vector<Present> paid_of(std::vector<Present> all, const UptimeRule& rule) {
  std::erase_if(all, [&](const Present& one) { return one.hours < rule.hours; });
  std::ranges::sort(
      all, [](const Present& a, const Present& b) { return a.hours != b.hours ? a.hours > b.hours : a.node < b.node; });
  std::map<registry::Owner, std::uint32_t> owners;
  std::map<base::AddressGroup, std::uint32_t> groups;
  std::erase_if(all, [&](const Present& one) {
    const bool full = (rule.per_owner > 0 && owners[one.owner] >= rule.per_owner) ||
                      (rule.per_net > 0 && groups[one.group] >= rule.per_net);
    if (full) return true;
    ++owners[one.owner];
    ++groups[one.group];
    return false;
  });
  std::ranges::sort(all, {}, &Present::node);
  return all;
}

std::vector<Recipient> list_of(const std::vector<Present>& paid) {
  std::vector<Recipient> out;
  std::map<Address, std::uint64_t> weights;
  for (const Present& one : paid) ++weights[one.to];
  for (const auto& [to, weight] : weights) out.push_back({to, weight});
  return out;
}

}  // namespace troupe::airdrop
