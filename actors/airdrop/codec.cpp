#include "actors/airdrop/codec.hpp"

#include "actors/wallet/codec.hpp"
#include "messages/codec.hpp"

namespace troupe::airdrop {
namespace {

/// Before its deposit an airdrop is shown as "created", too.
std::optional<State> state_named(std::string_view text) {
  for (const State state :
       {State::filling, State::published, State::paying, State::paid, State::returning, State::returned})
    if (name(state) == text) return state;
  return std::nullopt;
}

}  // namespace

std::optional<Seen> read(wire::AirdropIs::Reader from) {
  auto terms = decode_terms(bytes_of(from.getTerms()));
  const auto by = wallet::read(from.getBy());
  const auto state = state_named(text_of(from.getStep().getState()));
  const auto paid = Amount::from(from.getPaid());
  if (!terms || !by || !state || !paid || *paid > terms->pool || from.getReached() > terms->recipients ||
      from.getStep().getPages() > terms->pages.size() || from.getStruckWeights() > terms->weights ||
      from.getStruck() > terms->recipients)
    return std::nullopt;
  Seen out{std::move(*terms), *by, {}};
  out.airdrop.state = *state;
  out.airdrop.owner = out.terms.owner;
  out.airdrop.pool = out.terms.pool;
  out.airdrop.recipients = out.terms.recipients;
  out.airdrop.created = UnixMs(from.getCreated());
  out.airdrop.ends = UnixMs(from.getStep().getEnds());
  out.airdrop.ended = UnixMs(from.getEnded());
  out.airdrop.pages = from.getStep().getPages();
  out.airdrop.struck = from.getStruck();
  out.airdrop.struck_weights = from.getStruckWeights();
  out.airdrop.cursor.index = from.getReached();
  out.airdrop.cursor.paid = *paid;
  out.airdrop.why = text_of(from.getWhy());
  return out;
}

void write(wire::AirdropIs::Builder to, const Seen& seen) {
  to.setTerms(data_of(encode(seen.terms)));
  wallet::write(to.initBy(), seen.by);
  write(to.initStep(), seen.airdrop);
  to.setCreated(seen.airdrop.created.count());
  to.setEnded(seen.airdrop.ended.count());
  to.setReached(seen.airdrop.cursor.index);
  to.setPaid(seen.airdrop.cursor.paid.units());
  to.setStruck(seen.airdrop.struck);
  to.setStruckWeights(seen.airdrop.struck_weights);
  to.setWhy(seen.airdrop.why);
}

void write(wire::AirdropStep::Builder to, const Airdrop& airdrop) {
  to.setState(std::string(name(airdrop.state)));
  to.setPages(airdrop.pages);
  to.setEnds(airdrop.ends.count());
}

base::Error error_of(AirdropError why) {
  const bool other = why == AirdropError::said || why == AirdropError::decided;
  return {other ? base::Code::conflict : base::Code::refused, std::string(name(why))};
}

}  // namespace troupe::airdrop
