#include "actors/chain/logic/tally.hpp"

namespace troupe::chain {

Tally::Added::What Tally::would_be(const ValidatorSet& set, std::size_t index, const Choice& choice) const {
  using What = Added::What;
  const auto mine = votes_.find(index);
  if (mine == votes_.end()) return What::counted;
  for (const SignedVote& other : mine->second)
    if (other.content.choice == choice) return What::known;
  return set.one_correct(power_of(choice)) ? What::counted : What::dropped;
}

std::optional<SignedVote> Tally::contradicted(std::size_t index, const Choice& choice) const {
  const auto mine = votes_.find(index);
  if (mine == votes_.end()) return std::nullopt;
  for (const SignedVote& other : mine->second)
    if (other.content.choice == choice) return std::nullopt;
  return mine->second.front();
}

Tally::Added Tally::add(const ValidatorSet& set, std::size_t index, const SignedVote& vote,
                        const base::Mutations& mutations) {
  const Choice& choice = vote.content.choice;
  const std::uint64_t power = set.at(index).power;
  const Added out{would_be(set, index, choice), contradicted(index, choice)};
  if (out.what == Added::What::known && mutations.on("chain.votes_counted_twice")) count(set, choice, power, mutations);
  if (out.what != Added::What::counted) return out;
  if (!has_voted(index)) power_ += power;
  votes_[index].push_back(vote);
  count(set, choice, power, mutations);
  return out;
}

void Tally::count(const ValidatorSet& set, const Choice& choice, std::uint64_t power,
                  const base::Mutations& mutations) {
  std::uint64_t& sum = powers_[choice];
  sum += power;
  const bool exactly = mutations.on("chain.quorum_at_two_thirds") && Int128{sum} * 3 == Int128{set.power()} * 2;
  if (!quorum_ && (set.quorum(sum) || exactly)) quorum_.emplace(choice);
}

void Tally::remove(const ValidatorSet& set, std::size_t index) {
  const auto at = votes_.find(index);
  if (at == votes_.end()) return;
  power_ -= set.at(index).power;
  for (const SignedVote& vote : at->second) powers_[vote.content.choice] -= set.at(index).power;
  votes_.erase(at);
  std::erase_if(powers_, [](const auto& entry) { return entry.second == 0; });
  if (quorum_ && !set.quorum(power_of(*quorum_))) quorum_.reset();
}

std::uint64_t Tally::power_of(const Choice& choice) const {
  const auto at = powers_.find(choice);
  return at == powers_.end() ? 0 : at->second;
}

std::vector<SignedVote> Tally::votes_for(const Choice& choice) const {
  std::vector<SignedVote> out;
  for (const auto& [index, mine] : votes_)
    for (const SignedVote& vote : mine)
      if (vote.content.choice == choice) out.push_back(vote);
  return out;
}

std::vector<SignedVote> Tally::votes() const {
  std::vector<SignedVote> out;
  for (const auto& [index, mine] : votes_) out.insert(out.end(), mine.begin(), mine.end());
  return out;
}

}  // namespace troupe::chain
