#include "actors/files/sim_workload.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"

namespace troupe::files {
namespace {

constexpr unsigned kLostSurveys = 3;  // our choice: a holder's restart may hide a copy from one survey

/// Returns whether a fault may end a stream, an actor or a node.
bool ends_something(const sim::Fault& fault) {
  using enum sim::FaultKind;
  return fault.what != clog && fault.what != narrow && fault.what != slow && fault.what != disk_slow &&
         fault.what != clock_step && fault.what != clock_off;
}

}  // namespace

FilesWorkload::FilesWorkload(sim::Nodes& nodes, const sim::Scenario& scenario)
    : nodes_(nodes),
      room_for_all_(!scenario.knobs.contains("files.quota_per_owner") && !scenario.knobs.contains("files.space")),
      clients_(nodes, files_, ledger_, scenario.beyond),
      survey_(nodes, files_, ledger_, clients_, std::ranges::any_of(scenario.faults, ends_something)),
      closing_(nodes, [this](Check& check) { start(check); }) {}

void FilesWorkload::perform(const sim::Operation& operation) {
  clients_.by_operation([&] { begin(operation); });
}

void FilesWorkload::begin(const sim::Operation& operation) {
  const auto with = [&](const char* name) { return operation.number(name); };
  const std::string what = operation.name();
  if (what == "list") return clients_.list(operation.node, {});
  const SimFile& file = files_.of(with("file"), with("bytes"));
  const auto replicas = static_cast<unsigned>(with("replicas"));
  if (what == "put") return clients_.put(operation.node, file, replicas, std::nullopt);
  if (what == "stop") return clients_.put(operation.node, file, replicas, static_cast<std::size_t>(with("after")));
  if (what == "get") return clients_.get(operation.node, file, std::nullopt, {});
  if (what == "range") {
    const Range range{static_cast<std::uint64_t>(with("first")), static_cast<std::uint64_t>(with("last"))};
    return clients_.get(operation.node, file, range, {});
  }
  if (what == "verify") return clients_.verify(operation.node, file, {});
  if (what == "view") return clients_.view(operation.node, file);
  if (what == "remove") return clients_.remove(operation.node, file);
  base::ensure(what == "pin" || what == "unpin", "an operation of this domain is in its spec");
  clients_.pin(operation.node, file, what == "pin");
}

void FilesWorkload::died(std::size_t node) {
  clients_.died(node);
  survey_.died(node);
  closing_.died(node);
}

bool FilesWorkload::due(const SimFile& file, std::size_t owner) const {
  const auto id = nodes_.id(owner);
  if (!id || clients_.excused(owner)) return false;
  const SimLedger::OwnedFile place{*id, file.cid};
  const auto end = std::numeric_limits<SimLedger::Moment>::max();
  return ledger_.listed(place, end, end) == SimLedger::Verdict::listed &&
         ledger_.reached(place) > nodes_.lost_data_count();
}

bool FilesWorkload::due(const SimFile& file) const {
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    if (due(file, i)) return true;
  return false;
}

// -- convergence -----------------------------------------------------------------------------------------------------

void FilesWorkload::probe() {
  check_lost();
  survey_.begin();
  closing_.probe();
}

/// Objects without any copy do not come back, so waiting for them is useless.
void FilesWorkload::check_lost() {
  if (survey_.reports().size() < nodes_.size()) return;
  const bool loading =
      std::ranges::any_of(survey_.reports(), [](const auto& one) { return one.second.holder_loading; });
  for (const auto& [cid, file] : files_.all()) {
    const bool lost = !loading && due(*file) && survey_.copies(*file) == 0;
    unsigned& times = lost_[cid];
    times = lost ? times + 1 : 0;
    if (times == kLostSurveys)
      return nodes_.violated("readable",
                             "no node stores a part of " + file->name + " any longer, whose put was acknowledged");
  }
}

/// Returns files that have fewer copies than their owner wants and the nodes could store.
std::vector<std::string> FilesWorkload::short_files() const {
  std::vector<std::string> out;
  if (!room_for_all_) return out;
  const auto able = static_cast<std::size_t>(
      std::ranges::count_if(survey_.reports(), [](const auto& one) { return !one.second.holder_loading; }));
  const bool any_lost = clients_.any_lost_data();
  for (const auto& [node, report] : survey_.reports()) {
    for (const SimRow& row : report.rows) {
      const SimFile* const file = files_.find(row.cid);
      if (file == nullptr || (any_lost && !due(*file, node))) continue;
      const std::size_t wanted = std::min<std::size_t>(row.replicas, able);
      const std::size_t there = std::min<std::size_t>(survey_.copies(*file), row.live);
      if (there < wanted)
        out.push_back(file->name + " of n" + std::to_string(node + 1) + " has " + std::to_string(there) +
                      " copies of " + std::to_string(wanted));
    }
  }
  return out;
}

std::vector<std::string> FilesWorkload::waits() const {
  std::vector<std::string> out = clients_.under_way();
  const auto add = [&](std::vector<std::string> more) { out.insert(out.end(), more.begin(), more.end()); };
  add(survey_.at_work());
  if (out.empty()) {
    add(short_files());
    add(survey_.orphans());
  }
  add(closing_.waits());
  if (out.size() > kWaitsTold) {
    const std::size_t more = out.size() - kWaitsTold;
    out.resize(kWaitsTold);
    out.push_back("and " + std::to_string(more) + " more");
  }
  return out;
}

// -- the end ---------------------------------------------------------------------------------------------------------

void FilesWorkload::close() {
  for (const auto& [cid, file] : files_.all()) {
    for (std::size_t node = 0; node < nodes_.size(); ++node) closing_.add(node, {.file = file});
    for (const std::size_t owner : survey_.owners(cid)) closing_.add(owner, {.file = file, .verify = true});
  }
  closing_.go_on();
}

void FilesWorkload::start(Check& check) {
  if (check.what.verify) {
    return clients_.verify(check.node, *check.what.file, [this, &check](const auto& error, const SimVerified& seen) {
      verify_ended(check, error, seen);
    });
  }
  std::optional<Range> part;
  const std::uint64_t bytes = check.what.file->bytes.size();
  if (bytes > kWholeBytesMax && check.tries == 1) {
    const std::uint64_t first = nodes_.chance("files.close").below(bytes);
    part = Range{first, std::min(bytes - 1, first + kSimPieceBytes)};
  }
  clients_.get(check.node, *check.what.file, part, [this, &check](const auto& error) { read_ended(check, error); });
}

void FilesWorkload::read_ended(Check& check, const SimClients::Error& error) {
  const bool over = error && (error->code == base::Code::not_found || check.tries >= sim::kTriesEnough);
  closing_.ended(check, !error || (over && !due(*check.what.file)), sim::why_of(error));
}

void FilesWorkload::verify_ended(Check& check, const SimClients::Error& error, const SimVerified& seen) {
  const bool any_lost = clients_.any_lost_data();
  const bool sound =
      !error && seen.copies > 0 && seen.lacking == 0 && seen.damaged == 0 && (seen.unknown == 0 || any_lost);
  std::string why = error ? sim::why_of(error)
                          : std::to_string(seen.sound) + " of " + std::to_string(seen.copies) + " copies are intact, " +
                                std::to_string(seen.lacking) + " lacking, " + std::to_string(seen.damaged) + " damaged";
  const bool excused = any_lost && !due(*check.what.file, check.node) && check.tries >= sim::kTriesEnough;
  closing_.ended(check, sound || excused, std::move(why));
}

}  // namespace troupe::files
