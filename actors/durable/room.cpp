#include "actors/durable/api.hpp"
#include "actors/raft/api.hpp"
#include "messages/raft.capnp.h"
#include "messages/store.capnp.h"
#include "runtime/store/error.hpp"

namespace troupe::durable {
namespace {

constexpr std::string_view kStore = "/store";
constexpr std::chrono::seconds kUsageDue{10};  // our choice: as other reads
constexpr std::chrono::seconds kAgain{1};      // our choice: a longer wait is a share that is used up now
constexpr std::uint64_t kDaySeconds = 86'400;
constexpr std::uint64_t kAtOnceMax = std::uint64_t{1} << 31;  // of a RateBudget

/// What a group's rows may grow by, of `part` bytes a day. A share of it is at least a byte a second.
base::Rate growth(std::uint64_t part) {
  return {static_cast<std::uint32_t>(std::clamp<std::uint64_t>(part / kDaySeconds, Room::kRowsShare, kAtOnceMax)),
          static_cast<std::uint32_t>(std::clamp<std::uint64_t>(part, Room::kRowsShare, kAtOnceMax)), Room::kRowsShare,
          Room::kRowsShare};
}

std::uint32_t rows_of(std::size_t question_bytes) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(Room::kRowsOfOrder * question_bytes, kAtOnceMax));
}

}  // namespace

std::optional<base::Error> Room::refusal(const runtime::Envelope& question, const User& user, For what) {
  if (!changes(question)) return std::nullopt;
  look();
  const std::uint64_t left = what == For::begun ? kLeftByBegun : kLeft;
  if (free_ && *free_ < left)
    return base::Error{base::Code::no_space,
                       "no space left on the device of the book for other nodes: " + store::mebibytes(*free_) +
                           " free, " + store::mebibytes(left) + " kept for the book's own node"};
  return refusal_of_rows(question, user, what);
}

std::optional<base::Error> Room::refusal_of_rows(const runtime::Envelope& question, const User& user, For what) {
  if (rows_max_ == 0) return std::nullopt;
  const std::uint64_t most = rows_max_ + (what == For::begun ? rows_max_ / kRowsPart : 0);
  if (rows_ >= most)
    return base::Error{base::Code::no_space, "no memory left in the book's group for other nodes: its rows have " +
                                                 store::mebibytes(rows_) + " of the " + store::mebibytes(most) +
                                                 " that its members give (kv.rows_max)"};
  auto& written = written_[static_cast<std::size_t>(what)];
  if (!written) written.emplace(growth(rows_max_ / kRowsPart), now());
  const auto wait = written->wait(user, now(), rows_of(question.bytes().size()));
  if (!wait) return std::nullopt;
  full_.refused(node(), user.group, now());
  return base::Error{base::Code::overloaded,
                     "other nodes have written as much into the rows of the book's group as they may for now, a part "
                     "of kv.rows_max a day: try again later",
                     std::chrono::ceil<std::chrono::milliseconds>(std::min<base::Duration>(*wait, kAgain))};
}

void Room::done(std::size_t question_bytes, const User& user, For what) {
  auto& written = written_[static_cast<std::size_t>(what)];
  if (written && !user.reserved) written->spend(user, now(), rows_of(question_bytes));
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
      });
}

}  // namespace troupe::durable
