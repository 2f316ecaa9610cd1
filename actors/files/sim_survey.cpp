#include "actors/files/sim_survey.hpp"

#include <algorithm>

#include "actors/files/holder_actor.hpp"
#include "messages/runtime.capnp.h"

namespace troupe::files {
namespace {

std::string number(std::uint64_t count, const char* what) { return std::to_string(count) + " " + what; }

}  // namespace

void SimSurvey::ask_all(std::size_t node) {
  ask_states(node);
  std::vector<ContentKey> keys;
  for (const auto& [key, files] : files_.contents()) {
    keys.push_back(key);
    if (keys.size() == kContentsAskedMax) ask_contents(node, std::exchange(keys, {}));
  }
  if (!keys.empty()) ask_contents(node, std::move(keys));
}

void SimSurvey::ask_states(std::size_t node) {
  ask<runtime::wire::Describe, wire::FilesState>(
      node, kPath, kSimAnswer, [](auto) {},
      [](SimReport& report, wire::FilesState::Reader state) {
        report.catalogue_loading = state.getLoading();
        report.puts = state.getPutsUnderWay();
        report.streams = state.getStreamsUnderWay();
        report.releases = state.getReleases();
        report.copies = state.getCopiesUnderWay();
      });
  ask<runtime::wire::Describe, wire::HolderState>(
      node, kHolderPath, kSimAnswer, [](auto) {},
      [](SimReport& report, wire::HolderState::Reader state) {
        report.holder_loading = state.getLoading();
        report.contents = state.getContents();
        report.claims = state.getClaims();
        report.puts_claimed = state.getPutsClaimed();
      });
  clients_.list(node, [answered = expect(node)](const SimClients::Error& error, const std::vector<SimRow>& rows) {
    answered([&](SimReport& report) {
      report.rows = rows;
      if (error) report.error = error->message;
    });
  });
}

void SimSurvey::ask_contents(std::size_t node, std::vector<ContentKey> keys) {
  const auto asked = std::make_shared<const std::vector<ContentKey>>(std::move(keys));
  ask<wire::HasContents, wire::Has>(
      node, kHolderPath, kSimAnswer,
      [asked](wire::HasContents::Builder out) {
        auto list = out.initContents(size32(*asked));
        for (unsigned i = 0; i < list.size(); ++i) files::write(list[i], (*asked)[i]);
      },
      [asked](SimReport& report, wire::Has::Reader has) {
        const auto present = has.getPresent();
        for (unsigned i = 0; i < std::min(present.size(), size32(*asked)); ++i)
          if (present[i]) report.has.insert((*asked)[i]);
      });
}

std::vector<std::size_t> SimSurvey::owners(const Cid& cid) const {
  std::vector<std::size_t> out;
  for (const auto& [node, report] : reports())
    if (std::ranges::any_of(report.rows, [&](const SimRow& row) { return row.cid == cid; })) out.push_back(node);
  return out;
}

std::size_t SimSurvey::copies(const ContentKey& key) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(reports(), [&](const auto& one) { return one.second.has.contains(key); }));
}

std::size_t SimSurvey::copies(const SimFile& file) const {
  std::size_t fewest = reports().size();
  for (const ContentKey& key : file.contents) fewest = std::min(fewest, copies(key));
  return fewest;
}

std::vector<std::string> SimSurvey::at_work() const {
  std::vector<std::string> out;
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    const std::string name = sim::node_name(node);
    const auto at = reports().find(node);
    if (at != reports().end() && nodes_.lost_data(node) && at->second.loading()) continue;  // corrupted for good
    if (std::string what = gap(node); !what.empty()) out.push_back(std::move(what));
    if (at == reports().end()) continue;
    const SimReport& report = at->second;
    if (report.loading()) out.push_back(name + " still reads its rows");
    if (report.puts > 0) out.push_back(name + " has " + number(report.puts, "puts in progress"));
    if (report.copies) out.push_back(name + " restores copies");
    if (report.releases > 0 && !nodes_.any_gone())
      out.push_back(name + " waits for other nodes to end " + number(report.releases, "claims"));
  }
  return out;
}

/// A claim belongs to a file that its owner lists, or to a put in progress. If an owner's rows are lost, the names of
/// its claims are lost, too.
std::vector<std::string> SimSurvey::orphans() const {
  std::vector<std::string> out;
  if (clients_.rows_may_be_gone()) return out;
  std::map<Cid, std::uint64_t> of_the_gone;  // number of its owners that have lost their disks or went back
  for (const auto& place : ledger_.places()) {
    const auto owner = nodes_.find(place.owner);
    of_the_gone[place.cid] += owner && !nodes_.went_back(*owner) ? 0 : 1;
  }
  for (const auto& [node, report] : reports()) {
    const std::string name = sim::node_name(node);
    if (late_ && report.puts_claimed > 0) continue;
    std::uint64_t claims_max = 0;
    for (const ContentKey& key : report.has) {
      std::uint64_t owners_of = 0;
      for (const SimFile* file : files_.contents().at(key)) {
        owners_of += owners(file->cid).size();
        if (const auto gone = of_the_gone.find(file->cid); gone != of_the_gone.end()) owners_of += gone->second;
      }
      claims_max += owners_of;
      if (owners_of > 0 || nodes_.went_back(node)) continue;  // an older copy has objects that were released since
      const SimFile& file = *files_.contents().at(key).front();
      out.push_back(name + " stores a part of " + file.name + ", which no node lists" +
                    (report.puts_claimed > 0 ? ", for a put" : ""));
    }
    if (clients_.excused(node)) continue;  // it counts all objects, and reports the intact objects
    if (report.contents > report.has.size())
      out.push_back(name + " holds " + number(report.contents - report.has.size(), "objects of no file"));
    if (report.puts_claimed == 0 && report.claims > claims_max)
      out.push_back(name + " has " +
                    number(report.claims - claims_max, "claims for files that their owner does not list"));
    if (report.puts_claimed > 0) out.push_back(name + " has claims of " + number(report.puts_claimed, "puts"));
  }
  return out;
}

}  // namespace troupe::files
