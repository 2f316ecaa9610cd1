#include "apps/host/metrics.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "runtime/base/text.hpp"
#include "runtime/observe/version.hpp"

namespace troupe::apps {
namespace {

using messages::Role;
using observe::Family;
using observe::Labels;
using observe::MetricType;
using observe::MetricValue;

/// Adds a metric without labels.
void add(Families& to, std::string name, std::string help, MetricType type, MetricValue value) {
  to.push_back({std::move(name), std::move(help), type, {{{}, value}}});
}
void gauge(Families& to, std::string name, std::string help, MetricValue value) {
  add(to, std::move(name), std::move(help), MetricType::gauge, value);
}
void counter(Families& to, std::string name, std::string help, MetricValue value) {
  add(to, std::move(name), std::move(help), MetricType::counter, value);
}
/// Adds a metric that the kernel may not report.
void gauge(Families& to, std::string name, std::string help, const std::optional<std::uint64_t>& value) {
  if (value) gauge(to, std::move(name), std::move(help), MetricValue(*value));
}
/// Adds a metric with labels, and returns its samples to fill.
std::vector<observe::Sample>& family(Families& to, std::string name, std::string help, MetricType type) {
  return to.emplace_back(Family{std::move(name), std::move(help), type, {}}).samples;
}

/// Adds a metric with a sample for each key of `names`, labelled with its name.
template <class Names, class ValueOf>
void counters(Families& to, std::string name, std::string help, const char* label, const Names& names,
              const ValueOf& value_of) {
  auto& samples = family(to, std::move(name), std::move(help), MetricType::counter);
  for (const auto& [key, text] : names) samples.push_back({{{label, text}}, value_of(key)});
}

MetricValue count(std::size_t number) { return std::uint64_t{number}; }

// -- families --------------------------------------------------------------------------------------------------------

void add_node(const MetricsSources& from, Families& to) {
  family(to, "troupe_build_info", "Version of the program; always 1.", MetricType::gauge)
      .push_back({{{"version", std::string(observe::version())}}, count(1)});
  family(to, "troupe_node_info", "Name and id of this node; always 1.", MetricType::gauge)
      .push_back({{{"node", from.pool.setup().identity->id().hex()}, {"name", from.name}}, count(1)});
  gauge(to, "troupe_uptime_seconds", "Time since the node began to start.",
        MetricValue(from.node.world().clock.now() - from.started));
}

/// Uses the names of Prometheus's client libraries, so that common dashboards find them.
void add_process(const MetricsSources&, Families& to) {
  const os::ProcessUsage usage = os::process_usage();
  counter(to, "process_cpu_seconds_total", "User and system CPU time of all threads.", MetricValue(usage.cpu));
  gauge(to, "process_resident_memory_bytes", "Resident memory.", usage.resident_bytes);
  gauge(to, "process_virtual_memory_bytes", "Virtual memory.", usage.virtual_bytes);
  gauge(to, "process_open_fds", "Open file descriptors.", usage.descriptors_open);
  gauge(to, "process_max_fds", "Limit of open file descriptors.", usage.descriptors_max);
  if (usage.started)
    gauge(to, "process_start_time_seconds", "Start time of the process, since 1970.",
          MetricValue(usage.started->since_origin()));
}

void add_actors(const MetricsSources& from, Families& to) {
  gauge(to, "troupe_actors", "Actors of the node.", count(from.node.registry().size()));
  using runtime::DeadLetter;
  constexpr std::array<std::pair<DeadLetter, const char*>, runtime::kDeadLetterReasons> kReasons{{
      {DeadLetter::expired, "expired"},
      {DeadLetter::full, "full"},
      {DeadLetter::unsupported, "unsupported"},
      {DeadLetter::malformed, "malformed"},
      {DeadLetter::refused, "refused"},
      {DeadLetter::late_answer, "late_answer"},
      {DeadLetter::gone, "gone"},
  }};
  counters(to, "troupe_dead_letters_total", "Messages that no actor handled, by reason.", "reason", kReasons,
           [&](DeadLetter reason) { return from.node.dead_letters(reason); });
}

std::uint64_t number(observe::HealthState state) {
  switch (state) {
    case observe::HealthState::ok: return 0;
    case observe::HealthState::degraded: return 1;
    case observe::HealthState::failing: return 2;
  }
  return 2;
}

observe::HealthState worst(const std::vector<observe::HealthReason>& reasons) {
  observe::HealthState out = observe::HealthState::ok;
  for (const auto& reason : reasons) out = std::max(out, reason.state);
  return out;
}

bool is_ready(Stage stage, observe::HealthState health) {
  return stage == Stage::serving && health != observe::HealthState::failing;
}

void add_alarms(const MetricsSources& from, Families& to) {
  counter(to, "troupe_actors_ended_total", "Actors that have ended.", count(from.node.ended().count()));
  using runtime::Alarm;
  constexpr std::array<std::pair<Alarm, const char*>, runtime::kAlarms> kNames{{
      {Alarm::slow_handler, "slow_handler"},
      {Alarm::late_timer, "late_timer"},
      {Alarm::slow_sync, "slow_sync"},
      {Alarm::flapping_link, "flapping_link"},
      {Alarm::budget_full, "budget_full"},
  }};
  counters(to, "troupe_alarms_total", "One-time faults, by kind.", "alarm", kNames,
           [&](Alarm alarm) { return from.node.alarms().count(alarm); });
}

void add_health(const MetricsSources& from, Families& to) {
  const auto reasons = from.health.reasons();
  const auto state = worst(reasons);
  gauge(to, "troupe_ready", "1 while all domains serve and the health is not failing.",
        count(is_ready(from.stage.load(), state) ? 1 : 0));
  gauge(to, "troupe_health_state", "Worst health reason: 0 ok, 1 degraded, 2 failing.", MetricValue(number(state)));
  std::map<std::string, std::uint64_t, std::less<>> states;
  for (const auto source : from.health_sources) states.emplace(source, 0);
  for (const auto& reason : reasons) states[reason.source] = number(reason.state);
  auto& rows = family(to, "troupe_health_reason", "Health by source: 0 ok, 1 degraded, 2 failing.", MetricType::gauge);
  for (const auto& [source, worst_of_it] : states) rows.push_back({{{"source", source}}, worst_of_it});
}

constexpr std::array<std::pair<Role, const char*>, 3> kRoles{
    {{Role::peer, "peer"}, {Role::view, "view"}, {Role::operate, "operate"}}};  // of a link

void add_links(const MetricsSources& from, Families& to) {
  const auto links = from.pool.rows();
  const auto those = [&](Role role, bool outbound) {
    std::size_t out = 0;
    for (const auto& link : links) out += link.role == role && link.outbound == outbound ? 1u : 0u;
    return out;
  };
  gauge(to, "troupe_peers", "Nodes that are linked as peers.",
        count(those(Role::peer, true) + those(Role::peer, false)));
  auto& rows = family(to, "troupe_links", "Links in service, by the role of the remote side and the dialling side.",
                      MetricType::gauge);
  for (const auto& [role, name] : kRoles) {
    rows.push_back({{{"role", name}, {"direction", "inbound"}}, count(those(role, false))});
    rows.push_back({{{"role", name}, {"direction", "outbound"}}, count(those(role, true))});
  }
  const auto seats = from.pool.seats();
  gauge(to, "troupe_seats",
        "Connection slots in use, including unfinished handshakes and links that are being evicted.",
        count(seats.taken));
  gauge(to, "troupe_handshakes", "Accepted connections whose handshake is not finished.", count(seats.handshakes));
  gauge(to, "troupe_links_max", "Limit of links (net.links_max).", count(from.pool.setup().limits.links_max));
  counters(to, "troupe_links_sent_bytes_total", "Bytes sent over links, encrypted, by the role of the remote side.",
           "role", kRoles, [&](Role role) { return from.pool.traffic(role).sent; });
  counters(to, "troupe_links_received_bytes_total",
           "Bytes received over links, encrypted, by the role of the remote side.", "role", kRoles,
           [&](Role role) { return from.pool.traffic(role).received; });
}

void add_connections(const MetricsSources& from, Families& to) {
  const net::NetCounters& counted = from.pool.counters();
  counter(to, "troupe_links_made_total", "Links that came into service.",
          counted.links_made.load(std::memory_order_relaxed));
  auto& turned = family(to, "troupe_connections_turned_away_total", "Connections that failed, by limit or fault.",
                        MetricType::counter);
  for (std::size_t i = 0; i < net::kTurned; ++i) {
    const auto why = static_cast<net::Turned>(i);
    turned.push_back({{{"reason", std::string(name(why))}}, counted.of(why)});
  }
  const net::BannedNodes& banned_nodes = from.pool.banned_nodes();
  gauge(to, "troupe_peers_banned", "Nodes that are temporarily banned for violations.",
        count(banned_nodes.size(from.pool.node().world().clock.coarse())));
  counter(to, "troupe_bans_total", "Bans of nodes.", banned_nodes.bans());
  counter(to, "troupe_banned_refused_total", "Links, dials and requests that a ban refused.", banned_nodes.refused());
  using net::Refusal;
  constexpr std::array<std::pair<Refusal, const char*>, net::kRefusals> kReasons{{
      {Refusal::malformed, "malformed"},
      {Refusal::too_long, "too_long"},
      {Refusal::out_of_order, "out_of_order"},
      {Refusal::own_key, "own_key"},
      {Refusal::bad_work, "bad_work"},
      {Refusal::wrong_id, "wrong_id"},
      {Refusal::version_disjoint, "version_disjoint"},
      {Refusal::role_denied, "role_denied"},
      {Refusal::bad_proof, "bad_proof"},
  }};
  counters(to, "troupe_handshakes_refused_total", "Handshakes that this node refused, by the fault of the remote side.",
           "reason", kReasons, [&](Refusal reason) { return counted.of(reason); });
}

void add_domains(const MetricsSources& from, Families& to) {
  for (auto& family : domain_families(from.domains)) to.push_back(std::move(family));
}

void add_log(const MetricsSources& from, Families& to) {
  counter(to, "troupe_log_lines_lost_total", "Log lines that could not be written.", from.log.lost());
}

/// Each function appends its families, in the order of the page.
constexpr std::array kFamilies{add_node,  add_process,     add_actors,  add_alarms, add_health,
                               add_links, add_connections, add_domains, add_log};

std::string_view name(Stage stage) {
  switch (stage) {
    case Stage::starting: return "starting";
    case Stage::serving: return "serving";
    case Stage::draining: return "draining";
  }
  return "draining";
}

}  // namespace

Families domain_families(const std::vector<node::Domain>& domains) {
  Families out;
  for (const auto& domain : domains) {
    if (!domain.counters) continue;
    for (auto& family : observe::families(domain.counters())) out.push_back(std::move(family));
  }
  return out;
}

Families metric_families(const MetricsSources& from) {
  Families out;
  for (const auto append : kFamilies) append(from, out);
  return out;
}

os::HttpPage ready_page(Stage stage, const std::vector<observe::HealthReason>& reasons) {
  os::HttpPage out;
  out.status = is_ready(stage, worst(reasons)) ? 200 : 503;
  if (stage != Stage::serving) out.text = std::string(name(stage)) + '\n';
  for (const auto& reason : reasons)
    out.text += std::string(name(reason.state)) + ": " + base::printable(reason.source) + ": " +
                base::printable(reason.text) + '\n';
  if (out.text.empty()) out.text = "ok\n";
  return out;
}

os::HttpPageMap metrics_pages(const MetricsSources& from) {
  return {
      {"/metrics",
       [from] {
         return os::HttpPage{.content_type = std::string(observe::kExpositionType),
                             .text = observe::exposition(metric_families(from))};
       }},
      {"/healthz", [] { return os::HttpPage{.text = "ok\n"}; }},
      {"/readyz", [from] { return ready_page(from.stage.load(), from.health.reasons()); }},
  };
}

}  // namespace troupe::apps
