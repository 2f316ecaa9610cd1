#include "actors/dht/logic/audit.hpp"

#include <algorithm>

#include "runtime/base/fields.hpp"
#include "runtime/crypto/identity.hpp"

namespace troupe::dht {
namespace {

using base::FieldReader;

RowState state_of(RecordError why) {
  switch (why) {
    case RecordError::expired: return RowState::expired;
    case RecordError::foreign_key: return RowState::misplaced;
    case RecordError::bad_signature:
    case RecordError::lacks_work: return RowState::forged;
    case RecordError::malformed:
    case RecordError::oversize:
    case RecordError::from_the_future:
    case RecordError::too_long_lived: return RowState::unreadable;
  }
  return RowState::unreadable;
}

JudgedRow in_state(JudgedRow row, RowState state) {
  row.state = state;
  return row;
}

JudgedRow judge_record(base::ByteView key, base::ByteView row, base::WallTime wall, const AuditTerms& terms) {
  JudgedRow out;
  const auto place = read_row_key(key);
  const auto read = read_row(row);
  if (place) out.space = space_of_record(place->space);
  if (!place || !read) return in_state(out, RowState::unreadable);
  const auto offer = admit(read->encoded, place->key, read->from, std::max(wall, read->stored_at), terms.work_bits);
  if (!offer.ok()) return in_state(out, state_of(offer.error()));
  if (offer.value().place != *place) out.state = RowState::misplaced;
  else if (std::min(offer.value().expires, std::min(wall, read->stored_at) + terms.held.hold) <= wall)
    out.state = RowState::expired;
  out.tag = offer.value().tag;
  out.owner = offer.value().owner;
  out.counted = offer.value().encoded.size();
  return out;
}

JudgedRow judge_announcement(base::ByteView key, base::ByteView row, base::WallTime wall, const AuditTerms& terms) {
  JudgedRow out{.space = AuditSpace::providers};
  const auto read = Providers::read_row(key, row);
  if (!read) return in_state(out, RowState::unreadable);
  const auto id = crypto::check(read->provider.where.key, read->provider.where.nonce, terms.work_bits);
  if (!id) out.state = RowState::forged;
  else if (*id != read->provider.id) out.state = RowState::misplaced;
  else if (read->expires <= wall) out.state = RowState::expired;
  out.owner = Owner::from(read->provider.id.view());
  return out;
}

JudgedRow judge_published(base::ByteView key, base::ByteView row, base::WallTime wall, const AuditTerms& terms) {
  JudgedRow out{.space = AuditSpace::published};
  const auto item = Republish::read_row_key(key);
  if (!item) {
    out.is_item = !Republish::is_note(key, row);
    return in_state(out, out.is_item ? RowState::unreadable : RowState::sound);
  }
  if (item->what == Published::provider) return in_state(out, row.empty() ? RowState::sound : RowState::unreadable);
  const auto offer = admit(row, item->key, {}, wall, terms.work_bits);
  // A record from the future is this node's own, written before the clock was set back.
  if (!offer.ok())
    out.state = offer.error() == RecordError::from_the_future ? RowState::sound : state_of(offer.error());
  else if (static_cast<std::uint8_t>(offer.value().place.space) != static_cast<std::uint8_t>(item->what))
    out.state = RowState::misplaced;
  return out;
}

}  // namespace

AuditSpace space_of_record(Space space) {
  return space == Space::pk ? AuditSpace::pk : space == Space::kv ? AuditSpace::kv : AuditSpace::cid;
}

std::string_view name(AuditSpace space) {
  constexpr std::string_view kNames[] = {"pk", "kv", "cid", "providers", "published"};
  return kNames[static_cast<std::size_t>(space)];
}

std::string_view text_of(RowState state) {
  switch (state) {
    case RowState::sound: return "is sound";
    case RowState::expired: return "has expired";
    case RowState::unreadable: return "cannot be read";
    case RowState::misplaced: return "belongs under another key";
    case RowState::forged: return "is not signed by its owner, or its id lacks the work";
    case RowState::unindexed: return "is on disk, but not in the index";
    case RowState::differs: return "differs between disk and index";
    case RowState::missing: return "is in the index, but not on disk";
    case RowState::over_limit: return "exceeds its limit";
  }
  return "is in an unknown state";
}

JudgedRow judge(std::string_view keyspace, base::ByteView key, base::ByteView row, base::WallTime wall,
                const AuditTerms& terms) {
  if (keyspace == kRecordRows) return judge_record(key, row, wall, terms);
  if (keyspace == kProviderRows) return judge_announcement(key, row, wall, terms);
  return judge_published(key, row, wall, terms);
}

void Audit::read(const JudgedRow& row, base::ByteView key, std::size_t row_bytes) {
  if (!row.is_item) return;
  listed(row.space, row_bytes);
  if (row.state == RowState::expired) ++of(row.space).expired;
  if (row.state != RowState::sound || !row.owner) return;
  if (row.space == AuditSpace::providers) {
    ++providers_[*row.owner];
    FieldReader in(key);
    ++announced_[in.fixed<Key>()];
    return;
  }
  for (Use* const use : {&spaces_[static_cast<std::size_t>(row.space)], &owners_[*row.owner]}) {
    use->bytes += row.counted;
    ++use->records;
  }
}

void Audit::listed(AuditSpace space, std::size_t row_bytes) {
  ++rows_;
  ++of(space).rows;
  of(space).bytes += row_bytes;
}

void Audit::removed(AuditSpace space, std::size_t row_bytes) {
  ++of(space).removed;
  of(space).removed_bytes += row_bytes;
}

std::vector<Audit::Excess> Audit::over_limits() const {
  std::vector<Excess> out;
  const auto whose = [](const auto& id) { return base::Bytes(id.view().begin(), id.view().end()); };
  Use all;
  for (std::size_t i = 0; i < spaces_.size(); ++i) {
    all.bytes += spaces_[i].bytes;
    all.records += spaces_[i].records;
    if (spaces_[i].bytes > terms_.held.space_bytes_max[i]) out.push_back({static_cast<AuditSpace>(i), {}});
  }
  if (all.bytes > terms_.held.bytes_max || all.records > terms_.held.records_max) out.push_back({AuditSpace::kv, {}});
  for (const auto& [owner, use] : owners_)
    if (use.bytes > terms_.held.owner_bytes_max || use.records > terms_.held.owner_records_max)
      out.push_back({AuditSpace::kv, whose(owner)});
  std::uint64_t announcements = 0;
  for (const auto& [provider, keys] : providers_) {
    announcements += keys;
    if (keys > terms_.providers.per_provider_max) out.push_back({AuditSpace::providers, whose(provider)});
  }
  for (const auto& [key, number] : announced_)
    if (number > terms_.providers.per_key_max) out.push_back({AuditSpace::providers, whose(key)});
  if (announcements > terms_.providers.announcements_max) out.push_back({AuditSpace::providers, {}});
  return out;
}

}  // namespace troupe::dht
