#include "actors/chain/logic/presence.hpp"

#include <algorithm>
#include <tuple>

#include "actors/chain/logic/canonical.hpp"
#include "actors/chain/logic/header.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::chain {
namespace {

constexpr unsigned kAttendanceWords = 1 + 4 + 4 + Attendance::kWords, kAbsenceWords = 5;

template <std::size_t N>
void append_words(CanonStruct& out, const std::array<std::uint64_t, N>& words) {
  out.words.insert(out.words.end(), words.begin(), words.end());
}

CanonStruct attendance_form(const Attendance& one) {
  CanonStruct out;
  out.words = {one.height.value};
  append_words(out, base::words_of(one.block.bytes));
  append_words(out, base::words_of(one.validators.bytes));
  append_words(out, one.seats);
  return out;
}

Attendance read_attendance(const CanonReader& in, const CanonReader::Object& from) {
  const auto word = [&](unsigned at) { return in.word(from, at); };
  Attendance out;
  out.height = {word(0)};
  out.block.bytes = base::from_words(word(1), word(2), word(3), word(4));
  out.validators.bytes = base::from_words(word(5), word(6), word(7), word(8));
  for (unsigned i = 0; i < Attendance::kWords; ++i) out.seats[i] = word(9 + i);
  return out;
}

CanonStruct absence_form(const Absence& one) {
  std::array<std::uint8_t, 24> id{};
  std::ranges::copy(one.validator.bytes, id.begin());
  CanonStruct out;
  append_words(out, base::words_of(id));
  out.words.push_back(one.since.value);
  out.words.push_back(one.missed);
  return out;
}

Absence read_absence(CanonReader& in, const CanonReader::Object& from) {
  const auto id = base::from_words(in.word(from, 0), in.word(from, 1), in.word(from, 2));
  Absence out;
  std::copy_n(id.begin(), out.validator.bytes.size(), out.validator.bytes.begin());
  out.since = {in.word(from, 3)};
  out.missed = in.word(from, 4);
  if (in.word(from, 2) >> 32 != 0) in.fail();
  return out;
}

/// Heights are consecutive, so the index follows from the height.
template <class PresenceType>
auto* height_in(PresenceType& presence, Height height) {
  auto& all = presence.heights;
  const bool there = !all.empty() && height >= all.front().height && height <= all.back().height;
  return there ? &all[height.value - all.front().height.value] : nullptr;
}

/// Returns the validator of a late precommit. Does not check the signature.
base::Result<const Validator*, LateError> voter_of(const SignedVote& vote, const Presence& presence, Fork fork) {
  const Place& place = vote.content.place;
  const Attendance* at = height_in(presence, place.height);
  if (at == nullptr || at == &presence.heights.back()) return LateError::elsewhere;
  if (place.fork != fork || vote.content.step != Step::precommit || vote.content.choice != at->block)
    return LateError::elsewhere;
  const ValidatorSet& set = presence.set_of(*at);
  const auto index = set.index_of(vote.validator);
  if (!index) return LateError::stranger;
  if (at->has(*index)) return LateError::recorded;
  return &set.at(*index);
}

bool goes_before(const SignedVote& a, const SignedVote& b) {
  return std::tie(a.content.place.height, a.validator) < std::tie(b.content.place.height, b.validator);
}

void take_seat(Presence& presence, Height height, const BlockId& block, const base::NodeId& validator) {
  Attendance* at = height_in(presence, height);
  if (at == nullptr || at->block != block) return;
  if (const auto index = presence.set_of(*at).index_of(validator)) at->add(*index);
}

std::vector<Absence> settled(const Presence& presence, const Attendance& height) {
  std::vector<Absence> out;
  const ValidatorSet& set = presence.set_of(height);
  for (std::size_t i = 0; i < set.size(); ++i) {
    const Absence* before = presence.absence_of(set.at(i).id);
    out.push_back(before != nullptr ? *before : Absence{set.at(i).id, height.height, 0});
    if (!height.has(i)) ++out.back().missed;
  }
  return out;
}

}  // namespace

const ValidatorSet& Presence::set_of(const Attendance& one) const {
  const auto at = sets.find(one.validators);
  base::ensure(at != sets.end(), "the validators of each unsettled height are known");
  return at->second;
}

const Absence* Presence::absence_of(const base::NodeId& validator) const {
  const auto at = std::ranges::lower_bound(absences, validator, {}, &Absence::validator);
  return at == absences.end() || at->validator != validator ? nullptr : &*at;
}

std::uint64_t Presence::counted(const Absence& absence) const {
  if (heights.empty() || heights.front().height <= absence.since) return 0;
  return heights.front().height.value - absence.since.value;
}

Presence presence_of(const ValidatorSet& founders) {
  Presence out;
  for (const Validator& one : founders.all()) out.absences.push_back({one.id, Height{1}, 0});
  return out;
}

base::Result<std::vector<SignedVote>, LateError> judge_late(std::span<const base::Bytes> entries,
                                                            const Presence& presence, const ChainId& chain, Fork fork,
                                                            const VerifySignature& verify) {
  std::vector<SignedVote> votes;
  std::vector<const base::PublicKey*> keys;
  for (const base::Bytes& entry : entries) {
    auto vote = parse_signed_vote(entry);
    if (!vote) return LateError::malformed;
    if (!votes.empty() && !goes_before(votes.back(), *vote)) return LateError::unordered;
    const auto voter = voter_of(*vote, presence, fork);
    if (!voter.ok()) return voter.error();
    keys.push_back(&voter.value()->key);
    votes.push_back(std::move(*vote));
  }
  for (std::size_t i = 0; i < votes.size(); ++i)
    if (!verify(*keys[i], signed_bytes(chain, votes[i].content), votes[i].signature)) return LateError::bad_signature;
  return votes;
}

std::vector<base::Bytes> late_for(const std::vector<SignedVote>& held, const Presence& presence, Fork fork,
                                  std::size_t block_bytes) {
  std::vector<const SignedVote*> votes;
  for (const SignedVote& one : held)
    if (voter_of(one, presence, fork).ok()) votes.push_back(&one);
  std::ranges::stable_sort(votes, [](const auto* a, const auto* b) { return goes_before(*a, *b); });
  std::vector<base::Bytes> out;
  std::size_t left = block_bytes / kListShare;
  const SignedVote* last = nullptr;
  for (const SignedVote* one : votes) {
    if (last != nullptr && !goes_before(*last, *one)) continue;  // a vote of the same validator in another round
    base::Bytes entry = encode(*one);
    if (entry_bytes(entry.size()) > left) break;
    left -= entry_bytes(entry.size());
    out.push_back(std::move(entry));
    last = one;
  }
  return out;
}

Presence after(Presence before, const Attended& block) {
  Presence out = std::move(before);
  base::ensure(out.heights.empty() || out.heights.back().height.next() == block.height,
               "each block has the next height");
  if (block.commit)
    for (const CommitVote& vote : block.commit->votes)
      take_seat(out, block.commit->place.height, block.commit->block, vote.validator);
  for (const SignedVote& vote : block.late)
    if (vote.content.choice) take_seat(out, vote.content.place.height, *vote.content.choice, vote.validator);
  if (out.heights.size() == kPresenceHeights) {
    out.absences = settled(out, out.heights.front());
    out.heights.erase(out.heights.begin());
  }
  const base::Digest hash = hash_of(block.validators);
  out.heights.push_back({block.height, block.block, hash, {}});
  out.sets.try_emplace(hash, block.validators);
  std::erase_if(out.sets, [&](const auto& one) {
    return std::ranges::find(out.heights, one.first, &Attendance::validators) == out.heights.end();
  });
  return out;
}

base::Bytes encode(const std::vector<Attendance>& heights) {
  std::vector<CanonStruct> list;
  for (const Attendance& one : heights) list.push_back(attendance_form(one));
  return CanonStruct().object_list(std::move(list)).encode();
}

base::Bytes encode(const std::vector<Absence>& absences) {
  std::vector<CanonStruct> list;
  for (const Absence& one : absences) list.push_back(absence_form(one));
  return CanonStruct().object_list(std::move(list)).encode();
}

std::optional<std::vector<Attendance>> parse_attendances(base::ByteView bytes) {
  CanonReader in(bytes);
  const auto list = in.list(in.root(0, 1), 0, kPresenceHeights, kAttendanceWords, 0);
  std::vector<Attendance> out;
  for (unsigned i = 0; i < list.count && in.ok(); ++i) out.push_back(read_attendance(in, list[i]));
  const auto gap = [](const Attendance& a, const Attendance& b) { return a.height.next() != b.height; };
  if (!in.ended() || std::ranges::adjacent_find(out, gap) != out.end()) return std::nullopt;
  if (!out.empty() && (out.front().height.value == 0 || out.back().height < out.front().height)) return std::nullopt;
  return out;
}

std::optional<std::vector<Absence>> parse_absences(base::ByteView bytes) {
  CanonReader in(bytes);
  const auto list = in.list(in.root(0, 1), 0, kValidatorsMax, kAbsenceWords, 0);
  std::vector<Absence> out;
  for (unsigned i = 0; i < list.count && in.ok(); ++i) out.push_back(read_absence(in, list[i]));
  const auto not_rising = [](const Absence& a, const Absence& b) { return !(a.validator < b.validator); };
  if (!in.ended() || std::ranges::adjacent_find(out, not_rising) != out.end()) return std::nullopt;
  return out;
}

}  // namespace troupe::chain
