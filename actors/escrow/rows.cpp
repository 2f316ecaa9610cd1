#include "actors/escrow/rows.hpp"

#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::escrow::rows {
namespace {

using base::append;
using base::append_number;
using durable::append_ordered;

constexpr std::size_t kNotesMax = 8, kNoteBytesMax = 64;
constexpr std::uint8_t kBondsMark = 254, kSecretMark = 255;  // in place of the size of a note

void append_sized(Bytes& out, ByteView bytes) {
  append_number(out, static_cast<std::uint32_t>(bytes.size()));
  append(out, bytes);
}
ByteView read_sized(base::FieldReader& in) { return in.take(in.number<std::uint32_t>()); }

/// Returns key and value of an escrow's timer, or nullopt if the escrow is final.
std::optional<std::pair<Bytes, Bytes>> timer_of(const Escrow& escrow) {
  if (is_final(escrow.stage)) return std::nullopt;
  Bytes value;
  append_number(value, escrow.window().count());
  value.push_back(escrow.stage == Stage::disputed ? 1 : 0);
  return std::pair(timer_key(escrow.deadline, escrow.id), std::move(value));
}

}  // namespace

Bytes key(char of, const EscrowId& id) {
  Bytes out = prefix(of);
  append(out, id.view());
  return out;
}
Bytes numbered_key(char of, const EscrowId& id, std::uint64_t number) {
  Bytes out = key(of, id);
  append_ordered(out, number);
  return out;
}
Bytes arbiter_key(const EscrowId& id, std::uint64_t round, std::uint8_t how) {
  Bytes out = numbered_key('w', id, round);
  out.push_back(how);
  return out;
}
Bytes request_key(const EscrowId& id, ByteView request) {
  Bytes out = key('r', id);
  append(out, request);
  return out;
}
Bytes timer_key(UnixMs deadline, const EscrowId& id) {
  Bytes out = prefix('t');
  append_ordered(out, deadline.count());
  append(out, id.view());
  return out;
}
Bytes held_prefix(const Address& party) {
  Bytes out = prefix('b');
  append(out, party.view());
  return out;
}
Bytes held_key(const Address& party, const EscrowId& id) {
  Bytes out = held_prefix(party);
  append(out, id.view());
  return out;
}

Bytes encode(const Head& head) {
  Bytes out;
  append_number(out, head.sequence);
  append_number(out, head.commits);
  append(out, head.hash.view());
  return out;
}
std::optional<Head> decode_head(ByteView bytes) {
  base::FieldReader in(bytes);
  Head out;
  out.sequence = in.number<std::uint64_t>();
  out.commits = in.number<std::uint64_t>();
  out.hash = in.fixed<base::Digest>();
  if (!in.ended()) in.number<std::uint64_t>();  // earlier versions counted unrequested payments here
  if (!in.ended()) return std::nullopt;
  return out;
}

Bytes encode(const Founding& founding) {
  Bytes out;
  append_sized(out, escrow::encode(founding.agreement));
  append(out, founding.buyer.view());
  for (const auto& owner : founding.owners) {
    out.push_back(owner ? 1 : 0);
    if (owner) append(out, owner->view());
  }
  for (const std::string& note : founding.notes) {
    out.push_back(static_cast<std::uint8_t>(note.size()));
    append(out, base::as_bytes(note));
  }
  if (founding.bonds > Amount()) {
    out.push_back(kBondsMark);
    append_number(out, founding.bonds.units());
  }
  if (founding.secret) {
    out.push_back(kSecretMark);
    append(out, founding.secret->view());
  }
  return out;
}
std::optional<Founding> decode_founding(ByteView bytes) {
  base::FieldReader in(bytes);
  auto agreement = decode_agreement(read_sized(in));
  if (!agreement) return std::nullopt;
  Founding out{std::move(*agreement), in.fixed<Commitment>()};
  for (auto& owner : out.owners)
    if (in.number<std::uint8_t>() != 0) owner = in.fixed<base::NodeId>();
  while (in.ok() && !in.ended()) {
    const std::size_t size = in.number<std::uint8_t>();
    if (size == kBondsMark && out.bonds == Amount()) {
      const auto bonds = Amount::from(in.number<std::uint64_t>());
      if (!bonds || *bonds == Amount()) return std::nullopt;
      out.bonds = *bonds;
      continue;
    }
    if (size == kSecretMark) {
      out.secret = in.fixed<Reveal>();
      break;
    }
    if (size > kNoteBytesMax || out.notes.size() == kNotesMax) return std::nullopt;
    out.notes.emplace_back(base::as_text(in.take(size)));
  }
  if (!in.ended()) return std::nullopt;
  return out;
}

Bytes encode(const Summary& summary) {
  Bytes out;
  out.push_back(static_cast<std::uint8_t>(summary.stage));
  append_number(out, summary.price.units());
  append_number(out, summary.deadline.count());
  append(out, summary.buyer.view());
  append(out, summary.provider.view());
  return out;
}
std::optional<Summary> decode_summary(ByteView bytes) {
  base::FieldReader in(bytes);
  Summary out;
  const auto stage = in.number<std::uint8_t>();
  const auto price = Amount::from(in.number<std::uint64_t>());
  if (stage > static_cast<std::uint8_t>(Stage::expired) || !price) return std::nullopt;
  out.stage = static_cast<Stage>(stage);
  out.price = *price;
  out.deadline = UnixMs(in.number<std::uint64_t>());
  out.buyer = in.fixed<Address>();
  out.provider = in.fixed<Address>();
  if (!in.ended()) return std::nullopt;
  return out;
}

std::optional<Timer> decode_timer(ByteView key, ByteView value) {
  if (key.size() != 1 + 8 + 32) return std::nullopt;
  Timer out{UnixMs(durable::ordered_at(key, 1)), *EscrowId::from(key.subspan(9))};
  if (value.empty()) return out;
  base::FieldReader in(value);
  out.window = UnixMs(in.number<std::uint64_t>());
  out.draws = in.number<std::uint8_t>() != 0;
  if (!in.ended()) return std::nullopt;
  return out;
}

Bytes encode(const Alive& alive) {
  Bytes out;
  append_number(out, alive.since.count());
  append_number(out, alive.at.count());
  return out;
}
std::optional<Alive> decode_alive(ByteView bytes) {
  base::FieldReader in(bytes);
  const UnixMs since(in.number<std::uint64_t>());
  const UnixMs at(in.number<std::uint64_t>());
  if (!in.ended()) return std::nullopt;
  return Alive{since, at};
}

Changes of_entries(const Replay* before, const Replay& after, std::span<const Entry> entries, std::uint64_t commits,
                   const std::map<Bytes, Address>& fresh, bool says) {
  const Escrow& it = after.escrow();
  const EscrowId id = id_of(it.agreement);
  Changes out;
  out[key('h', id)] = encode(Head{after.sequence(), commits, after.hash()});
  for (const Entry& entry : entries) out[numbered_key('e', id, entry.sequence)] = escrow::encode(entry);
  const bool waits = !is_final(it.stage);
  out[key('s', id)] = encode(Summary{it.stage, it.agreement.price, waits ? it.deadline : UnixMs(0), it.agreement.buyer,
                                     it.agreement.provider});
  const auto had = before != nullptr ? timer_of(before->escrow()) : std::nullopt;
  const auto has = timer_of(it);
  if (had && (!has || had->first != has->first)) out[had->first] = std::nullopt;
  if (has && has != had) out[has->first] = has->second;
  for (const auto& [saying, arbiter] : fresh) out[saying] = Bytes(arbiter.bytes.begin(), arbiter.bytes.end());
  const bool went_on = says || (before != nullptr && !unfinished(before->escrow()).empty());
  const bool goes_on = says || !fresh.empty() || !unfinished(it).empty();
  if (goes_on != went_on) out[key('o', id)] = goes_on ? std::optional(Bytes()) : std::nullopt;
  if (before == nullptr) return out;  // nothing was deposited
  for (const Party party : {Party::buyer, Party::provider}) {
    if (of(before->escrow().depositing, party) && !of(it.depositing, party))
      out[numbered_key('d', id, static_cast<std::uint64_t>(party))] = std::nullopt;
    const auto held = [&](const Escrow& one) { return is_final(one.stage) ? Amount() : of(one.deposited, party); };
    if (held(before->escrow()) == held(it)) continue;
    Bytes amount;
    append_number(amount, held(it).units());
    out[held_key(it.address(party), id)] = held(it) > Amount() ? std::optional(std::move(amount)) : std::nullopt;
  }
  return out;
}

Proposed of_proposal(const Agreement& agreement, const Commitment& buyer, const std::optional<base::NodeId>& owner,
                     const SignedBytes& act, UnixMs now, Amount bonds) {
  Founding founding{.agreement = agreement, .buyer = buyer, .bonds = bonds};
  of(founding.owners, Party::buyer) = owner;
  Replay replay(agreement, buyer);
  const Decision decision = escrow::open(replay.escrow(), now);
  auto entries = replay.entries(decision.events, now, agreement.buyer, crypto::sha256(act.bytes));
  for (const Entry& entry : entries) base::ensure(replay.take(entry).ok(), "an escrow begins as it is decided");
  Changes out = of_entries(nullptr, replay, entries, 1, {}, false);
  const EscrowId id = id_of(agreement);
  out[key('g', id)] = encode(founding);
  out[numbered_key('a', id, 1)] = encode(act);
  return {std::move(founding), std::move(entries), std::move(replay), std::move(out)};
}

}  // namespace troupe::escrow::rows
