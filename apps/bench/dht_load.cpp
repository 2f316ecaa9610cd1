#include "apps/bench/dht_load.hpp"

#include <algorithm>
#include <cstring>

#include "actors/dht/logic/record.hpp"
#include "actors/dht/wire.hpp"
#include "messages/contact.hpp"

namespace troupe::bench {

DhtShelf::DhtShelf(const std::vector<DhtMember>& members) : members_(members) {
  for (std::size_t i = 0; i < members_.size(); ++i) numbers_.emplace(members_[i].contact.key, i);
}

std::array<std::uint8_t, kDhtValueBytes> DhtShelf::next_value() {
  std::array<std::uint8_t, kDhtValueBytes> out{};
  ++values_;
  std::memcpy(out.data(), &values_, sizeof values_);
  return out;
}

void DhtShelf::note(const base::Digest& digest, std::size_t putter, dht::wire::SearchResult::Reader search,
                    base::Random& random) {
  Kept kept{.digest = digest, .holders = {putter}, .first = random.below(members_.size())};
  for (const auto one : search.getNearest()) {
    const auto number = numbers_.find(messages::read_contact(one).key);
    if (number != numbers_.end()) kept.holders.push_back(number->second);
  }
  std::ranges::sort(kept.holders);
  kept_.push_back(std::move(kept));
}

std::optional<DhtShelf::Errand> DhtShelf::next(base::Random& random) {
  while (!kept_.empty()) {
    Kept& kept = kept_[random.below(kept_.size())];
    while (kept.passed < members_.size()) {
      const std::size_t member = (kept.first + kept.passed++) % members_.size();
      if (!std::ranges::binary_search(kept.holders, member)) return Errand{kept.digest, member};
    }
    std::swap(kept, kept_.back());
    kept_.pop_back();
  }
  return std::nullopt;
}

void DhtLoad::start() {
  shelf_->operations = 0;
  progress_.emplace(now(), plan_.span);
  under_way_ = plan_.in_flight;
  for (std::size_t i = 0; i < plan_.in_flight; ++i) next();
}

void DhtLoad::next() {
  if (!over_) {
    if (plan_.what != What::get) return put(random().below(shelf_->members().size()));
    if (const auto errand = shelf_->next(random())) return get(*errand);
    over_ = true;
  }
  if (--under_way_ == 0) end();
}

void DhtLoad::put(std::size_t member) {
  const bool is_signed = plan_.what == What::put_signed;
  ask<dht::wire::Put, dht::wire::PutDone>(
      shelf_->members()[member].dht, now() + kDue,
      [&](dht::wire::Put::Builder out) {
        const auto value = shelf_->next_value();
        out.setSpace(static_cast<std::uint8_t>(is_signed ? dht::Space::kv : dht::Space::cid));
        if (is_signed) out.setName(data_of(base::ByteView(value).first(sizeof(std::uint64_t))));
        out.setValue(data_of(value));
      },
      [this, member, is_signed, from = now()](runtime::Answer<dht::wire::PutDone> answer) {
        if (answer.ok() && !is_signed)
          if (const auto digest = base::Digest::from(bytes_of(answer.value().getDigest())))
            shelf_->note(*digest, member, answer.value().getSearch(), random());
        done(from, answer.ok() ? "" : answer.error().message);
      });
}

void DhtLoad::get(const DhtShelf::Errand& errand) {
  ask<dht::wire::GetValue, dht::wire::GotValue>(
      shelf_->members()[errand.member].dht, now() + kDue,
      [&](dht::wire::GetValue::Builder out) {
        out.setSpace(static_cast<std::uint8_t>(dht::Space::cid));
        out.setDigest(data_of(errand.digest.view()));
      },
      [this, from = now()](runtime::Answer<dht::wire::GotValue> answer) {
        if (!answer.ok()) return done(from, answer.error().message);
        if (answer.value().getSearch().getAsked() == 0) return next();
        // The node has checked that the value matches its digest.
        done(from,
             answer.value().getValue().size() == kDhtValueBytes ? "" : "a value of a different size was returned");
      });
}

void DhtLoad::done(base::Instant from, const std::string& why) {
  const base::Instant at = now();
  ++shelf_->operations;
  if (why.empty()) note_delay(from, at);
  else if (figure_.errors++ == 0) figure_.error = why;
  if (!progress_->done(1, at)) over_ = true;
  next();
}

}  // namespace troupe::bench
