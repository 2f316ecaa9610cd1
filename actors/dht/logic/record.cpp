#include "actors/dht/logic/record.hpp"

#include <optional>
#include <utility>

#include "runtime/base/ensure.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::dht {
namespace {

using base::append;
using base::append_date;
using base::append_number;
using base::FieldReader;

constexpr std::string_view kSignedPrefix = "troupe-dht-record-1";
constexpr std::string_view kNamePrefix = "troupe-dht-kv";
using Checked = base::Result<void, RecordError>;
using Parsed = base::Result<Record, RecordError>;

template <class... Cases>
struct Match : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Match(Cases...) -> Match<Cases...>;  // clang 15, used for the fuzzers, does not deduce it

Key first_of(const base::Digest& digest) { return *Key::from(digest.view().first(Key::kBytes)); }

/// Returns all bytes before the signature.
base::Bytes head_of(const KvRecord& record) {
  base::ensure(record.name.size() <= kNameBytesMax && record.value.size() <= kValueBytesMax,
               "a record is made within its limits");
  base::Bytes out;
  out.reserve(kSignedHeadBytes + record.name.size() + record.value.size() + crypto::Signature::kBytes);
  append_number(out, static_cast<std::uint8_t>(Space::kv));
  append(out, record.owner.view());
  append_number(out, record.sequence);
  append_date(out, record.created);
  append_date(out, record.expires);
  append_number(out, static_cast<std::uint8_t>(record.sealing));
  append_number(out, static_cast<std::uint8_t>(record.name.size()));
  append(out, record.name);
  append(out, record.value);
  return out;
}

base::Bytes signed_bytes(const KvRecord& record) {
  const base::Bytes head = head_of(record);
  base::Bytes out;
  out.reserve(kSignedPrefix.size() + head.size());
  append(out, base::as_bytes(kSignedPrefix));
  append(out, head);
  return out;
}

base::Bytes copy(base::ByteView bytes) { return {bytes.begin(), bytes.end()}; }

Parsed parse_pk(FieldReader in) {
  PkRecord out;
  out.key = in.fixed<base::PublicKey>();
  out.nonce = in.number<std::uint32_t>();
  if (!in.ended()) return RecordError::malformed;
  return Record(out);
}

Parsed parse_kv(FieldReader in) {
  KvRecord out;
  out.owner = in.fixed<base::PublicKey>();
  out.sequence = in.number<std::uint64_t>();
  out.created = in.date();
  out.expires = in.date();
  const auto flags = in.number<std::uint8_t>();
  const auto name_bytes = in.number<std::uint8_t>();
  const base::ByteView name = in.take(name_bytes);
  const base::ByteView value = in.all_but(crypto::Signature::kBytes);
  out.signature = in.fixed<crypto::Signature>();
  if (!in.ended() || flags > 1 || out.expires <= out.created) return RecordError::malformed;
  if (name.size() > kNameBytesMax || value.size() > kValueBytesMax) return RecordError::oversize;
  out.sealing = static_cast<Sealing>(flags);
  out.name = copy(name);
  out.value = copy(value);
  return Record(std::move(out));
}

Parsed parse_cid(FieldReader in) {
  const base::ByteView value = in.all_but(0);
  if (value.size() > kValueBytesMax) return RecordError::oversize;
  return Record(CidRecord{copy(value)});
}

Checked check_pk(const PkRecord& record, const Key& key, unsigned work_bits) {
  if (crypto::node_id(record.key, record.nonce) != key) return RecordError::foreign_key;
  if (!crypto::check(record.key, record.nonce, work_bits)) return RecordError::lacks_work;
  return {};
}

Checked check_kv(const KvRecord& record, const Key& key, base::WallTime wall) {
  if (key_of_name(record.owner, record.name) != key) return RecordError::foreign_key;
  if (record.expires - record.created > kLifetimeMax) return RecordError::too_long_lived;
  if (record.created > wall + kClockSkewMax) return RecordError::from_the_future;
  if (record.expires <= wall) return RecordError::expired;
  if (!crypto::verify(record.owner, signed_bytes(record), record.signature)) return RecordError::bad_signature;
  return {};
}

Checked check_cid(const CidRecord& record, const Key& key) {
  if (key_of_value(record.value) != key) return RecordError::foreign_key;
  return {};
}

}  // namespace

Space space_of(const Record& record) {
  return std::visit(Match{[](const PkRecord&) { return Space::pk; }, [](const KvRecord&) { return Space::kv; },
                          [](const CidRecord&) { return Space::cid; }},
                    record);
}

std::optional<Space> space_of(std::uint8_t number) {
  for (const Space space : kSpaces)
    if (number == static_cast<std::uint8_t>(space)) return space;
  return std::nullopt;
}

base::Bytes encode(const Record& record) {
  return std::visit(Match{[](const PkRecord& pk) {
                            base::Bytes out{static_cast<std::uint8_t>(Space::pk)};
                            append(out, pk.key.view());
                            append_number(out, pk.nonce);
                            return out;
                          },
                          [](const KvRecord& kv) {
                            base::Bytes out = head_of(kv);
                            append(out, kv.signature.view());
                            return out;
                          },
                          [](const CidRecord& cid) {
                            base::ensure(cid.value.size() <= kValueBytesMax, "a record is made within its limits");
                            base::Bytes out{static_cast<std::uint8_t>(Space::cid)};
                            append(out, cid.value);
                            return out;
                          }},
                    record);
}

base::Result<Record, RecordError> parse(base::ByteView bytes) {
  if (bytes.size() > kRecordBytesMax) return RecordError::oversize;
  FieldReader in(bytes);
  const auto space = space_of(in.number<std::uint8_t>());
  if (!space) return RecordError::malformed;
  switch (*space) {
    case Space::pk: return parse_pk(in);
    case Space::kv: return parse_kv(in);
    case Space::cid: return parse_cid(in);
  }
  return RecordError::malformed;
}

Key key_of_name(const base::PublicKey& owner, base::ByteView name) {
  return first_of(crypto::sha256(base::as_bytes(kNamePrefix), owner.view(), name));
}

Key key_of_value(base::ByteView value) { return first_of(crypto::sha256(value)); }

Key key_of(const Record& record) {
  return std::visit(Match{[](const PkRecord& pk) { return crypto::node_id(pk.key, pk.nonce); },
                          [](const KvRecord& kv) { return key_of_name(kv.owner, kv.name); },
                          [](const CidRecord& cid) { return key_of_value(cid.value); }},
                    record);
}

base::Result<void, RecordError> validate(const Record& record, const Key& key, base::WallTime wall,
                                         unsigned work_bits) {
  return std::visit(Match{[&](const PkRecord& pk) { return check_pk(pk, key, work_bits); },
                          [&](const KvRecord& kv) { return check_kv(kv, key, wall); },
                          [&](const CidRecord& cid) { return check_cid(cid, key); }},
                    record);
}

bool no_good_ever(base::ByteView encoded, RecordError why) {
  switch (why) {
    case RecordError::malformed: return !encoded.empty() && space_of(encoded.front()).has_value();
    case RecordError::oversize:
    case RecordError::foreign_key:
    case RecordError::bad_signature:
    case RecordError::lacks_work: return true;
    case RecordError::expired:
    case RecordError::from_the_future:
    case RecordError::too_long_lived: return false;
  }
  return false;
}

KvRecord sign(const crypto::SecretKey& owner, KvRecord unsigned_record) {
  KvRecord out = std::move(unsigned_record);
  out.owner = owner.public_key();
  out.created = base::WallTime(std::chrono::seconds(base::unix_seconds(out.created)));
  out.expires = base::WallTime(std::chrono::seconds(base::unix_seconds(out.expires)));
  out.signature = owner.sign(signed_bytes(out));
  return out;
}

Tag tag_of(base::ByteView encoded) { return *Tag::from(crypto::sha256(encoded).view().first(Tag::kBytes)); }

std::uint64_t sequence_of(const Record& record) {
  const auto* const kv = std::get_if<KvRecord>(&record);
  return kv != nullptr ? kv->sequence : 0;
}

}  // namespace troupe::dht
