// The state of a node: overview, warnings, logs.
#include <algorithm>
#include <tuple>

#include "apps/cli/terminal.hpp"
#include "apps/inspect/inspect.hpp"
#include "apps/inspect/screens/view_parts.hpp"

namespace troupe::apps::screens {
namespace {

constexpr std::size_t kBusiest = 8;  // at least; otherwise as many as fit

Style style_of(const std::string& health) {
  return health == "ok" ? Style::good : health == "degraded" ? Style::warn : Style::bad;
}

std::string figure(std::string_view title, const std::string& value) { return padded(std::string(title), 12) + value; }

/// Shows CPU, memory and descriptors of the process; marked if nine of ten descriptors are open.
Content::Row process_row(const ProcessUse& use) {
  const std::string cpu =
      use.cores ? fixed(*use.cores, 2) + " cores" : time_text_ms(use.cpu_ms) + " of CPU since it started";
  const bool few = use.descriptors_max > 0 && use.descriptors_open >= use.descriptors_max - use.descriptors_max / 10;
  return text_row(figure("process", cpu + ", " + bytes_for_people(use.resident_bytes) + " resident, " +
                                        std::to_string(use.descriptors_open) + " of " +
                                        std::to_string(use.descriptors_max) + " descriptors open"),
                  few ? Style::bad : Style::plain);
}

bool is_active(const ActorRow& row) {
  return row.per_second > 0 || row.busy > 0 || row.mailbox > 0 || row.state != "running";
}

}  // namespace

Content overview(const Model& model) {
  Content out;
  const NodeData& data = model.shown();
  if (!data.status) {
    out.rows.push_back(text_row(data.lost ? *data.lost : "waiting for the node's first response …",
                                data.lost ? Style::bad : Style::dim));
    return out;
  }
  const Status& status = *data.status;
  out.title = status.name;
  if (data.lost) out.rows.push_back(text_row(figure("lost", *data.lost + "; the data below is older"), Style::bad));
  if (model.time && !model.time->verdict.empty()) out.rows.push_back(text_row(figure("verdict", model.time->verdict)));
  out.rows.push_back(text_row(figure("health", status.health == "ok" ? "ok: nothing is wrong" : status.health),
                              style_of(status.health)));
  for (const Reason& one : status.reasons) {
    auto row = text_row("  " + one.source + ": " + one.text, style_of(status.health));
    row.key = "warning " + one.source;
    out.rows.push_back(std::move(row));
  }
  out.rows.push_back(text_row(figure("node", status.node)));
  if (!model.time) {
    out.rows.push_back(text_row(figure("serves", (status.listen.empty() ? "nowhere" : status.listen) + ", " +
                                                     status.stage + ", version " + status.version + ", up " +
                                                     time_text_ms(status.uptime_s * 1'000))));
    out.rows.push_back(text_row(figure(
        "peers", std::to_string(status.peers) + " linked, " + std::to_string(status.seats) + " connections accepted")));
  }
  std::uint64_t waiting = 0, asking = 0, restarts = 0;
  double rate = 0, busy = 0;
  for (const ActorRow& row : data.actors.rows) {
    waiting += row.mailbox;
    asking += row.asking;
    restarts += row.restarts;
    rate += row.per_second;
    busy += row.busy;
  }
  out.rows.push_back(text_row(
      figure("actors", std::to_string(status.actors) + ", " + rate_text(rate) + " messages a second, " +
                           std::to_string(waiting) + " waiting, " + std::to_string(asking) + " questions open, " +
                           std::to_string(restarts) + " restarts" +
                           (data.actors.matched > data.actors.rows.size() ? " (of the busiest thousand)" : ""))));
  if (data.actors.process) out.rows.push_back(process_row(*data.actors.process));
  out.rows.push_back(text_row(figure("busy", fixed(busy, 2) + " cores  " + bar(busy / 4, 40))));
  out.rows.push_back(text_row(""));
  out.rows.push_back(text_row("The busiest actors", Style::title));
  std::vector<const ActorRow*> busiest;
  for (const ActorRow& row : data.actors.rows)
    if ((model.own || !is_own(row)) && is_active(row)) busiest.push_back(&row);
  std::ranges::stable_sort(busiest, [](const ActorRow* a, const ActorRow* b) {
    return std::tuple(a->state == "stuck", a->per_second, a->busy, a->mailbox) >
           std::tuple(b->state == "stuck", b->per_second, b->busy, b->mailbox);
  });
  const std::size_t room = rows_shown(model.size) - std::min(rows_shown(model.size), out.rows.size());
  busiest.resize(std::min(busiest.size(), std::max(room, kBusiest)));
  if (busiest.empty())
    out.rows.push_back(text_row("  none: no actor has handled a message in the last second", Style::dim));
  for (const ActorRow* row : busiest) {
    auto line = text_row("  " + padded(row->path, 36) + padded(inspect_command::percent(row->busy), 9) +
                             padded(rate_text(row->per_second) + "/s", 9) +
                             padded(row->mailbox == 0 ? ""
                                                      : std::to_string(row->mailbox) + " waiting, oldest " +
                                                            time_text_ms(row->oldest_ms),
                                    30) +
                             (row->state == "running" ? "" : row->state),
                         row->state == "stuck" || row->state == "restarting" ? Style::bad
                         : row->oldest_ms >= 1'000                           ? Style::warn
                                                                             : Style::plain);
    line.key = row->path;
    out.rows.push_back(std::move(line));
  }
  return out;
}

void overview_enter(Model& model, const Content::Row& row) {
  if (row.key.starts_with('/')) return model.open("actor", row.key);
  if (row.key.starts_with("warning ")) return model.open("warnings");
  if (model.top.empty()) model.top = "perSecond";  // sorted here
  model.open("actors");
}

Content warnings(const Model& model) {
  Content out;
  const NodeData& data = model.shown();
  if (!data.status || data.status->reasons.empty()) {
    out.rows.push_back(
        text_row(data.status ? "nothing is wrong" : "no response yet", data.status ? Style::good : Style::dim));
    return out;
  }
  for (const Reason& one : data.status->reasons) {
    if (!selects(model.filter(), {one.source + ' ' + one.text})) continue;
    const Advice advice = advice_for(one.source);
    out.rows.push_back(text_row(one.source + ": " + one.text, style_of(data.status->health)));
    out.rows.push_back(text_row("    means  " + std::string(advice.means)));
    out.rows.push_back(text_row("    try    " + std::string(advice.try_)));
    out.rows.push_back(text_row(""));
  }
  const std::string all = std::to_string(data.status->reasons.size());
  out.title = all + " warnings";
  out.filtered = true;
  out.empty = "the filter \"" + model.filter() + "\" hides all " + all + " warnings; esc clears it";
  return out;
}

Content logs(const Model& model) {
  Content out;
  const NodeData& data = model.shown();
  for (auto line = data.log.rbegin(); line != data.log.rend(); ++line) {
    const bool bad =
        line->find(" error ") != std::string::npos || line->find("\"level\":\"error\"") != std::string::npos;
    const bool warn =
        line->find(" warn ") != std::string::npos || line->find("\"level\":\"warn\"") != std::string::npos;
    out.rows.push_back(text_row(*line, bad ? Style::bad : warn ? Style::warn : Style::plain));
  }
  out.wraps = false;
  out.title = "latest first";
  if (data.log_missed > 0) out.title += "; " + std::to_string(data.log_missed) + " were dropped before they were read";
  return out;
}

}  // namespace troupe::apps::screens
