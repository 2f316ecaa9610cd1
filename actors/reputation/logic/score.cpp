#include "actors/reputation/logic/score.hpp"

#include <array>
#include <cstdlib>
#include <tuple>
#include <vector>

namespace troupe::reputation {
namespace {

/// 2^(32 - d / 90), rounded down.
constexpr std::array<std::uint64_t, kHalfLifeDays> kFactors = {
    4294967296u, 4262016076u, 4229317659u, 4196870107u, 4164671494u, 4132719910u, 4101013461u, 4069550266u, 4038328457u,
    4007346184u, 3976601609u, 3946092908u, 3915818271u, 3885775903u, 3855964021u, 3826380858u, 3797024658u, 3767893681u,
    3738986198u, 3710300495u, 3681834871u, 3653587636u, 3625557115u, 3597741646u, 3570139579u, 3542749276u, 3515569113u,
    3488597478u, 3461832771u, 3435273404u, 3408917801u, 3382764401u, 3356811651u, 3331058011u, 3305501955u, 3280141967u,
    3254976541u, 3230004186u, 3205223420u, 3180632774u, 3156230789u, 3132016016u, 3107987021u, 3084142378u, 3060480672u,
    3037000499u, 3013700468u, 2990579196u, 2967635312u, 2944867455u, 2922274273u, 2899854428u, 2877606589u, 2855529437u,
    2833621661u, 2811881964u, 2790309054u, 2768901653u, 2747658491u, 2726578307u, 2705659852u, 2684901884u, 2664303173u,
    2643862495u, 2623578640u, 2603450404u, 2583476593u, 2563656021u, 2543987515u, 2524469906u, 2505102037u, 2485882759u,
    2466810933u, 2447885427u, 2429105119u, 2410468894u, 2391975647u, 2373624281u, 2355413708u, 2337342848u, 2319410628u,
    2301615985u, 2283957863u, 2266435216u, 2249047003u, 2231792193u, 2214669764u, 2197678698u, 2180817989u, 2164086636u,
};

}  // namespace

Thousandths decayed(Thousandths score, std::uint64_t days) {
  const bool above = score >= kStart;
  auto off = static_cast<std::uint64_t>(above ? score - kStart : kStart - score);
  const std::uint64_t halvings = days / kHalfLifeDays;
  off = halvings >= 64 ? 0 : off >> halvings;
  off = off * kFactors[days % kHalfLifeDays] >> 32;
  return above ? kStart + static_cast<Thousandths>(off) : kStart - static_cast<Thousandths>(off);
}

bool Score::fold(const Event& event, const EventId& id) {
  const std::uint64_t at_day = event.unix_ms / kDayMs;
  const Thousandths whole = (events == 0 ? kStart : on(at_day)) + event.delta * kPoint;
  value = std::clamp(whole, Thousandths{0}, kMost);
  day = std::max(day, at_day);
  ++events;
  last_ms = event.unix_ms;
  last = id;
  return value != whole;
}

base::Bytes Score::encode() const {
  base::Bytes out{1};
  base::append_number(out, static_cast<std::uint32_t>(value));
  base::append_number(out, day);
  base::append_number(out, events);
  base::append_number(out, last_ms);
  base::append(out, last.view());
  return out;
}

std::optional<Score> Score::decode(base::ByteView bytes) {
  base::FieldReader from(bytes);
  if (from.number<std::uint8_t>() != 1) return std::nullopt;
  Score out;
  out.value = static_cast<Thousandths>(from.number<std::uint32_t>());
  out.day = from.number<std::uint64_t>();
  out.events = from.number<std::uint32_t>();
  out.last_ms = from.number<std::uint64_t>();
  out.last = from.fixed<EventId>();
  return from.ended() && out.value >= 0 && out.value <= kMost ? std::optional(out) : std::nullopt;
}

std::deque<Fading> fading(const std::map<base::NodeId, Score>& scores, std::uint64_t day, std::size_t count) {
  using Says = std::tuple<Thousandths, std::uint64_t, base::NodeId>;
  std::vector<Says> all;
  for (const auto& [node, score] : scores)
    if (score.events <= kFadingEventsMax) all.emplace_back(std::abs(score.on(day) - kStart), score.last_ms, node);
  const auto end = all.begin() + static_cast<std::ptrdiff_t>(std::min(count, all.size()));
  std::partial_sort(all.begin(), end, all.end());
  std::deque<Fading> out;
  for (auto at = all.begin(); at != end; ++at) {
    const auto& node = std::get<base::NodeId>(*at);
    out.push_back({node, scores.at(node).events});
  }
  return out;
}

}  // namespace troupe::reputation
