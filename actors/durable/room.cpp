#include <algorithm>

#include "actors/durable/api.hpp"
#include "actors/raft/api.hpp"
#include "messages/codec.hpp"
#include "messages/raft.capnp.h"
#include "messages/store.capnp.h"
#include "runtime/store/error.hpp"

namespace troupe::durable {
namespace {

constexpr std::string_view kStore = "/store";
constexpr std::chrono::seconds kUsageDue{10};  // our choice: as for other reads
constexpr std::chrono::seconds kRowsAgain{1};  // our choice: a longer wait means that the quota is used up
constexpr std::uint64_t kDaySeconds = 86'400;
constexpr std::uint64_t kAtOnceMax = std::uint64_t{1} << 31;  // limit of a RateBudget

/// Returns the rate at which a group's rows may grow, from `part` bytes per day. A share is at least 1 byte/s.
base::Rate growth(std::uint64_t part) {
  return {static_cast<std::uint32_t>(std::clamp<std::uint64_t>(part / kDaySeconds, Room::kRowsShare, kAtOnceMax)),
          static_cast<std::uint32_t>(std::clamp<std::uint64_t>(part, Room::kRowsShare, kAtOnceMax)), Room::kRowsShare,
          Room::kRowsShare};
}

std::uint32_t guess_of(std::size_t question_bytes) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(Room::kRowsOfOrder * question_bytes, kAtOnceMax));
}

}  // namespace

std::optional<base::Error> Room::refusal(const runtime::Envelope& question, const User& user, For what) {
  if (!changes(question)) return std::nullopt;
  look();
  const std::uint64_t left = what == For::begun ? kLeftByBegun : kLeft;
  if (free_ && *free_ < left)
    return base::Error{base::Code::no_space, "not enough free space on the account ledger's device for other nodes: " +
                                                 store::mebibytes(*free_) + " free, " + store::mebibytes(left) +
                                                 " reserved for its own node"};
  return refusal_of_rows(question, user, what);
}

std::optional<base::Error> Room::refusal_of_rows(const runtime::Envelope& question, const User& user, For what) {
  if (rows_max_ == 0) return std::nullopt;
  const std::uint64_t most = rows_max_ + (what == For::begun ? rows_max_ / kRowsPart : 0);
  if (rows_ >= most)
    return base::Error{base::Code::no_space,
                       "not enough memory in the account ledger's group for other nodes: its rows use " +
                           store::mebibytes(rows_) + " of the " + store::mebibytes(most) +
                           " that its members allow (kv.rows_max)"};
  if (!written_) written_.emplace(growth(rows_max_ / kRowsPart), now());
  const auto wait = written_->wait(user, now(), guess_of(question.bytes().size()));
  if (!wait) return std::nullopt;
  full_.refused(node(), user.group, now());
  return base::Error{base::Code::overloaded,
                     "other nodes have used up the write rate of the account ledger's group, a part of kv.rows_max per "
                     "day: retry later",
                     std::chrono::ceil<std::chrono::milliseconds>(std::min<base::Duration>(*wait, kRowsAgain))};
}

Room::Order Room::begin(std::size_t question_bytes, const User& user) {
  Order out{user, group_.empty() ? 0 : guess_of(question_bytes)};
  if (written_ && !user.reserved) out.spent = written_->spend(user, now(), out.guess);
  return out;
}

void Room::end(const Order& order) {
  if (written_ && order.guess > 0 && done_.size() < kDoneMax) done_.push_back(order);
}

/// Charges the growth of the rows since the last check to the orders done since then, of other nodes and of this node.
void Room::charge(std::uint64_t rows) {
  const auto before = std::exchange(own_rows_, rows);
  const auto done = std::exchange(done_, {});
  if (!written_ || !before) return;  // the estimates stay
  const std::uint64_t grown = rows - std::min(rows, *before);
  std::uint64_t guessed = 0;
  for (const Order& one : done) guessed += one.guess;
  for (const Order& one : done) {
    if (one.user.reserved) continue;
    const double share = static_cast<double>(grown) * one.guess / static_cast<double>(guessed);
    const auto wrote = static_cast<std::uint32_t>(std::min(share, 2.0 * one.guess));
    if (wrote < one.guess) written_->give_back(one.user, now(), one.spent, wrote);
    else written_->spend(one.user, now(), wrote - one.guess);
  }
}

void Room::look() {
  if (now() < look_at_) return;
  look_at_ = now() + kLookEvery;
  ask<store::wire::Usage, store::wire::Used>(
      node().find(kStore), now() + kUsageDue, [](store::wire::Usage::Builder) {},
      [this](runtime::Answer<store::wire::Used> used) {
        if (used.ok()) free_ = used.value().getFreeBytes();
      });
  if (!group_.empty()) look_at_rows();
}

void Room::look_at_rows() {
  ask<raft::wire::GetGroup, raft::wire::GroupStatus>(
      node().find(raft::path_of(group_)), now() + kUsageDue,
      [](raft::wire::GetGroup::Builder out) { out.setLetSleep(true); },
      [this](runtime::Answer<raft::wire::GroupStatus> status) {
        if (!status.ok()) return;
        rows_ = status.value().getRowBytes();
        rows_max_ = status.value().getRowsMax();
        std::uint64_t own = 0;
        for (const auto one : status.value().getKinds())
          if (std::ranges::find(kinds_, text_of(one.getKind())) != kinds_.end()) own += one.getBytes();
        charge(own);
      });
}

}  // namespace troupe::durable
