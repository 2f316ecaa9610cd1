#include "actors/task/checks_actor.hpp"

#include <algorithm>

#include "actors/registry/codec.hpp"
#include "actors/reputation/api.hpp"
#include "actors/task/codec.hpp"
#include "actors/task/logic/lease.hpp"
#include "messages/codec.hpp"
#include "messages/reputation.capnp.h"
#include "runtime/base/whole_units.hpp"

namespace troupe::task {
namespace {

constexpr std::size_t kPieceMax = 262'144;  // in messages/files.capnp
static_assert(kSpotProgramMax <= kPieceMax, "the program is one piece");
constexpr std::size_t kPrintedMax = 256;  // a right result has 65

}  // namespace

ChecksActor::ChecksActor(TaskSettings settings)
    : settings_(std::move(settings)), checks_({.per_hour = settings_.checks_per_hour}) {}

void ChecksActor::receive(runtime::Handlers& on) {
  on.timer<Look>([this] { look(); });
  on.describe<wire::ChecksState>([this](wire::ChecksState::Builder state) {
    state.setNodes(static_cast<std::uint32_t>(checks_.size()));
    state.setUnderWay(static_cast<std::uint32_t>(checks_.under_way()));
  });
}

void ChecksActor::start() {
  chance_ = base::Random(world().chance.seed());
  arch_ = world().hardware.has().arch;
  after<Look>(kLookPeriod);
}

void ChecksActor::check() const {
  base::ensure(checks_.under_way() == running_.size(), "each check in progress has a stream");
}

// -- nodes

void ChecksActor::look() {
  after<Look>(kLookPeriod);
  ask<registry::wire::ListWatched, registry::wire::WatchedPage>(
      node().find(registry::kPath), now() + kRegistryDue,
      [this](registry::wire::ListWatched::Builder out) {
        out.setPrefix(data_of(base::NodeId{}.view()));
        if (behind_) out.setBehind(data_of(behind_->view()));
      },
      [this](runtime::Answer<registry::wire::WatchedPage> answer) {
        if (answer.ok()) take(answer.value());
        end_late();
        checks_.forget(now());
        std::erase_if(to_hand_, [this](const auto& one) { return !checks_.knows(one.first); });
        std::vector<base::NodeId> untaken;
        for (const auto& [id, vouch] : to_hand_) untaken.push_back(id);
        for (const base::NodeId& id : untaken) hand(id);
        std::erase_if(contacts_, [this](const auto& one) { return !checks_.knows(one.first); });
        begin_next();
      });
}

void ChecksActor::take(registry::wire::WatchedPage::Reader page) {
  std::optional<base::NodeId> last;
  for (const auto row : page.getRows()) {
    const auto told = registry::parse_registration(bytes_of(row.getRegistration()));
    if (!told) continue;
    const base::NodeId id = told->id();
    last = id;
    const auto* const arch = registry::find(told->capabilities, "arch");
    const bool same = arch != nullptr && arch->value == decltype(arch->value)(arch_);
    const bool works = registry::find(told->capabilities, kTasksCapability) != nullptr;
    const bool there = told->registered && told->at.dialable() && row.getStatus() != registry::wire::Status::OFFLINE;
    if (id == settings_.self() || !same || !works || !there) continue;
    const base::AddressGroup group =
        settings_.each_node_alone ? registry::group_alone(id) : registry::site_of(bytes_of(row.getSite()), *told);
    checks_.see(id, group, checks_.knows(id) ? std::nullopt : judged(row, id), now(), chance_);
    if (checks_.knows(id)) contacts_.insert_or_assign(id, base::Contact{told->key, told->nonce, told->at});
  }
  behind_ = page.getMore() ? last : std::nullopt;
  if (!behind_) checks_.walked();
}

std::optional<base::Duration> ChecksActor::judged(registry::wire::WatchedRow::Reader row,
                                                  const base::NodeId& id) const {
  for (const auto bytes : row.getVouches()) {
    const auto vouch = registry::parse_vouch(bytes_of(bytes));
    if (!vouch || vouch->node != id || vouch->judge() != settings_.self()) continue;
    if (!registry::read_vouch(bytes_of(bytes), settings_.work_bits).ok()) continue;
    const std::uint64_t today = base::unix_milliseconds(wall());
    if (vouch->unix_ms <= today) return std::chrono::milliseconds(today - vouch->unix_ms);
  }
  return std::nullopt;
}

runtime::Handle ChecksActor::at(const base::NodeId& id, const char* path) const {
  const auto known = contacts_.find(id);
  return known == contacts_.end() ? runtime::Handle{} : node().remote(known->second, path);
}

// -- checks

void ChecksActor::begin_next() {
  while (const auto id = checks_.next(now())) begin(*id);
}

void ChecksActor::begin(const base::NodeId& id) {
  Running& one = running_[id];
  one.due = now() + kAnswerDue;
  one.begin_due = now() + kBeginDue;
  one.spot.rounds = settings_.check_rounds;
  world().chance.fill(one.spot.seed.bytes);
  Order order = order_of(one.spot);
  order.submitter = settings_.identity->public_key();
  order.submitter_nonce = settings_.identity->nonce();
  world().chance.fill(order.nonce.bytes);
  const base::Bytes bytes = sign(order, settings_.identity->key());
  one.stream = subscribe<wire::RunAttempt, wire::AttemptItem>(
      at(id, kPath), settings_.lease,
      [&](wire::RunAttempt::Builder out) {
        out.setOrder(data_of(bytes));
        out.setToken(1);
        out.setLeaseMs(static_cast<std::uint32_t>(base::milliseconds(lease_within(settings_.lease))));
      },
      [this, id](wire::AttemptItem::Reader item) { hear(id, item); },
      [this, id](const base::Outcome<void>& end) { over(id, end); });
}

/// Ends late checks. A busy node may let a check wait, but not while other checks are kept waiting.
void ChecksActor::end_late() {
  const bool others_wait = checks_.kept_waiting(now());
  std::vector<base::NodeId> late;
  for (const auto& [id, one] : running_)
    if (one.due <= now() || (others_wait && !one.began && one.begin_due <= now())) late.push_back(id);
  for (const base::NodeId& id : late) close(id, Checks::Ending::nothing);
}

void ChecksActor::hear(const base::NodeId& id, wire::AttemptItem::Reader item) {
  const auto at = running_.find(id);
  if (at == running_.end()) return;
  Running& one = at->second;
  if (item.isBegan() && !std::exchange(one.began, true)) one.due = std::min<base::Instant>(one.due, now() + kRunDue);
  if (item.isEnded()) one.ended = task::read(item.getEnded());
  if (!item.isPrinted() || item.getPrinted().getStream() != wire::TaskStream::STANDARD) return;
  one.printed += base::as_text(bytes_of(item.getPrinted().getBytes()));
  if (one.printed.size() > kPrintedMax) one.printed.resize(kPrintedMax);
}

void ChecksActor::over(const base::NodeId& id, const base::Outcome<void>& end) {
  const auto at = running_.find(id);
  if (at == running_.end()) return;
  const Running& one = at->second;
  if (!end.ok() && end.error().code == base::Code::not_found) store_program();
  // A failed check was too slow or lacked resources, which is not a lie.
  if (!end.ok() || !one.ended || one.ended->exit_status != 0) {
    settings_.log.debug("a node did not complete a check",
                        {{"node", id.hex()}, {"why", end.ok() ? "its program failed" : end.error().message}});
    return close(id, Checks::Ending::nothing);
  }
  const std::string answer = answer_of(one.spot);
  const auto ending = one.printed == answer ? Checks::Ending::right : Checks::Ending::wrong;
  tell(id, one.spot, answer, ending);
  close(id, ending);
}

void ChecksActor::store_program() {
  if (std::exchange(stored_, true)) return;
  storing_ = feed<files::wire::PutFile, files::wire::PutPiece, files::wire::PutDone>(
      node().find(settings_.files), kFetchIdle,
      [](files::wire::PutFile::Builder out) { out.setName("program of checks"); },
      [this](const runtime::Answer<files::wire::PutDone>& answer) {
        if (!answer.ok()) stored_ = false;
      });
  const auto put = [this] {
    if (!storing_.ready()) return;
    storing_.push([](files::wire::PutPiece::Builder out) { out.setBytes(data_of(spot_program())); });
    storing_.end();
  };
  storing_.on_ready(put);
  put();
}

void ChecksActor::close(const base::NodeId& id, Checks::Ending ending) {
  auto& counters = *settings_.counters;
  auto& count = ending == Checks::Ending::right   ? counters.checks_right
                : ending == Checks::Ending::wrong ? counters.checks_wrong
                                                  : counters.checks_unanswered;
  count.fetch_add(1, std::memory_order_relaxed);
  running_.erase(id);
  checks_.ended(id, ending, now(), chance_);
  begin_next();
}

void ChecksActor::tell(const base::NodeId& id, const Spot& spot, const std::string& answer, Checks::Ending ending) {
  const auto digest = base::Digest::from_hex(answer.substr(0, 2 * base::Digest::kBytes));
  ask<registry::wire::NoteFinding, registry::wire::FindingNoted>(
      node().find(settings_.registry), now() + kRegistryDue,
      [&](registry::wire::NoteFinding::Builder out) {
        out.setNode(data_of(id.view()));
        out.setRight(ending == Checks::Ending::right);
        out.setSeed(data_of(spot.seed.view()));
        out.setRounds(spot.rounds);
        out.setAnswer(data_of(digest->view()));
      },
      [this, id](runtime::Answer<registry::wire::FindingNoted> noted) {
        if (!noted.ok()) return checks_.again(id, now());
        const auto vouch = bytes_of(noted.value().getVouch());
        if (vouch.empty()) return;
        ToHand& one = to_hand_[id];
        one.vouch.assign(vouch.begin(), vouch.end());
        one.tries = 0, one.again = {};
        hand(id);
      });
  if (ending == Checks::Ending::right) return world().mutations.sometimes("task: a node has answered a check right");
  settings_.log.warn("a node gave a wrong result for a check", {{"node", id.hex()}});
  ask<reputation::wire::Observe, reputation::wire::Reported>(
      node().find(settings_.reputation), now() + kRegistryDue,
      [&](reputation::wire::Observe::Builder out) {
        out.setNode(data_of(id.view()));
        out.setEvent("malicious_behavior");
        out.setRequest("check " + id.hex() + ' ' + spot.seed.hex());
      },
      [](const runtime::Answer<reputation::wire::Reported>&) {});
}

/// The vouch counts here already, but other nodes see it only once the node shows it. So it is offered until the node
/// accepts it, with back-off.
void ChecksActor::hand(const base::NodeId& id) {
  ToHand& one = to_hand_.at(id);
  if (one.asking || now() < one.again) return;
  one.asking = true;
  ask<registry::wire::HandVouch, registry::wire::VouchTaken>(
      at(id, registry::kPath), now() + kRegistryDue,
      [&](registry::wire::HandVouch::Builder out) { out.setVouch(data_of(one.vouch)); },
      [this, id, vouch = one.vouch](const runtime::Answer<registry::wire::VouchTaken>& taken) {
        const auto known = to_hand_.find(id);
        if (known == to_hand_.end()) return;
        ToHand& handed = known->second;
        handed.asking = false;
        if (handed.vouch != vouch) return hand(id);  // there is a newer vouch
        const auto code = taken.ok() ? base::Code::refused : taken.error().code;
        if (!taken.ok())
          settings_.log.debug("a node did not accept a vouch", {{"node", id.hex()}, {"why", taken.error().message}});
        if (code == base::Code::refused || code == base::Code::malformed)
          return static_cast<void>(to_hand_.erase(known));
        constexpr unsigned kDoublings = 10;  // more than there are between the two limits
        handed.again =
            now() + std::min<base::Duration>(
                        base::Duration(kHandAgainMin) * (1 << std::min(handed.tries++, kDoublings)), kHandAgainMax);
      });
}

}  // namespace troupe::task
