#include "actors/wallet/book_rows.hpp"

#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::wallet::rows {
namespace {

using base::append_number;
using durable::append_ordered;

constexpr std::size_t kKindBytesMax = 16, kPathBytesMax = 64;

Bytes key_of(char of, ByteView fixed = {}) {
  Bytes out = prefix(of);
  base::append(out, fixed);
  return out;
}

Amount read_amount(base::FieldReader& in) {
  const auto amount = Amount::from(in.number<std::uint64_t>());
  if (!amount) in.fail();
  return amount.value_or(Amount());
}

void append_text(Bytes& out, std::string_view text) {
  out.push_back(static_cast<std::uint8_t>(text.size()));
  base::append(out, base::as_bytes(text));
}
std::string read_text(base::FieldReader& in, std::size_t bytes_max) {
  const std::size_t bytes = in.number<std::uint8_t>();
  if (bytes > bytes_max) in.fail();
  return std::string(base::as_text(in.take(bytes)));
}

void append_keeper(Bytes& out, const Keeper& keeper) {
  append_text(out, keeper.kind);
  base::append(out, keeper.id.view());
  append_text(out, keeper.path);
}
Keeper read_keeper(base::FieldReader& in) {
  Keeper out;
  out.kind = read_text(in, kKindBytesMax);
  out.id = in.fixed<base::Digest>();
  out.path = read_text(in, kPathBytesMax);
  return out;
}

void append_sized(Bytes& out, ByteView bytes) {
  append_number(out, static_cast<std::uint32_t>(bytes.size()));
  base::append(out, bytes);
}
ByteView read_sized(base::FieldReader& in) { return in.take(in.number<std::uint32_t>()); }

}  // namespace

Bytes genesis_key() { return key_of('g'); }
Bytes head_key() { return key_of('h'); }
Bytes account_key(const Address& address) { return key_of('a', address.view()); }
Bytes posting_key(std::uint64_t sequence) {
  Bytes out = key_of('p');
  append_ordered(out, sequence);
  return out;
}
Bytes number_key(const Address& from, TransferNumber number) {
  Bytes out = key_of('n', from.view());
  append_ordered(out, number.value);
  return out;
}
Bytes history_prefix(const Address& address) { return key_of('x', address.view()); }
Bytes history_key(const Address& address, std::uint64_t sequence) {
  Bytes out = history_prefix(address);
  append_ordered(out, ~sequence);
  return out;
}
Bytes request_key(const Mark& mark) { return key_of('r', mark.view()); }
Bytes proposal_key(const TransferId& id) { return key_of('q', id.view()); }
Bytes credit_key(std::uint64_t sequence, std::uint32_t credit) {
  Bytes out = key_of('o');
  append_ordered(out, sequence);
  append_ordered(out, credit);
  return out;
}

Mark mark_of(const Address& from, std::string_view request) {
  Bytes in;
  base::append(in, base::as_bytes("troupe request v1"));
  base::append(in, from.view());
  base::append(in, base::as_bytes(request));
  return {crypto::sha256(in).bytes};
}

base::Digest content_of(const Transfer& transfer) {
  Transfer plain = transfer;
  plain.number = {1};
  return {id_of(plain).bytes};
}

Bytes encode(const Genesis& genesis) {
  Bytes out;
  base::append(out, genesis.owner.view());
  base::append(out, genesis.nonce);
  return out;
}
std::optional<Genesis> decode_genesis(ByteView bytes) {
  base::FieldReader in(bytes);
  Genesis out;
  out.owner = in.fixed<Address>();
  out.nonce = in.array<16>();
  if (!in.ended()) return std::nullopt;
  return out;
}

Bytes encode(const Head& head) {
  Bytes out;
  append_number(out, head.sequence);
  append_number(out, head.time.count());
  base::append(out, head.hash.view());
  return out;
}
std::optional<Head> decode_head(ByteView bytes) {
  base::FieldReader in(bytes);
  Head out;
  out.sequence = in.number<std::uint64_t>();
  out.time = UnixMs(in.number<std::uint64_t>());
  out.hash = in.fixed<base::Digest>();
  if (!in.ended()) return std::nullopt;
  return out;
}

Bytes encode(const Account& account) {
  Bytes out;
  append_number(out, account.row.balance.units());
  append_number(out, account.row.done.value);
  append_number(out, account.since.count());
  if (account.keeper) append_keeper(out, *account.keeper);
  return out;
}
std::optional<Account> decode_account(ByteView bytes) {
  base::FieldReader in(bytes);
  Account out;
  out.row.balance = read_amount(in);
  out.row.done = {in.number<std::uint64_t>()};
  out.since = UnixMs(in.number<std::uint64_t>());
  if (!in.ended()) out.keeper = read_keeper(in);
  if (!in.ended()) return std::nullopt;
  return out;
}

Bytes encode(const PostedAt& at) {
  Bytes out;
  base::append(out, at.id.view());
  append_number(out, at.sequence);
  append_number(out, at.time.count());
  base::append(out, at.content.view());
  return out;
}
std::optional<PostedAt> decode_posted(ByteView bytes) {
  base::FieldReader in(bytes);
  PostedAt out;
  out.id = in.fixed<TransferId>();
  out.sequence = in.number<std::uint64_t>();
  out.time = UnixMs(in.number<std::uint64_t>());
  out.content = in.fixed<base::Digest>();
  if (!in.ended()) return std::nullopt;
  return out;
}

Bytes encode(const Untold& untold) {
  Bytes out;
  append_keeper(out, untold.keeper);
  append_number(out, untold.sequence);
  base::append(out, untold.transfer.view());
  base::append(out, untold.from.view());
  append_number(out, untold.amount.units());
  return out;
}
std::optional<Untold> decode_untold(ByteView bytes) {
  base::FieldReader in(bytes);
  Untold out;
  out.keeper = read_keeper(in);
  out.sequence = in.number<std::uint64_t>();
  out.transfer = in.fixed<TransferId>();
  out.from = in.fixed<Address>();
  out.amount = read_amount(in);
  if (!in.ended()) return std::nullopt;
  return out;
}

Bytes encode(const Proposal& proposal) {
  Bytes out;
  append_sized(out, encode(proposal.transfer));
  append_sized(out, proposal.policy.encode());
  append_number(out, proposal.expires.count());
  out.push_back(proposal.ordered ? 1 : 0);
  for (const Approval& approval : proposal.approvals) {
    base::append(out, approval.key.view());
    base::append(out, approval.signature.view());
  }
  return out;
}
std::optional<Proposal> decode_proposal(ByteView bytes) {
  base::FieldReader in(bytes);
  auto transfer = decode_transfer(read_sized(in));
  auto policy = Policy::decode(read_sized(in));
  if (!transfer || !policy) return std::nullopt;
  Proposal out{std::move(*transfer), std::move(*policy)};
  out.expires = UnixMs(in.number<std::uint64_t>());
  out.ordered = in.number<std::uint8_t>() == 1;
  while (in.ok() && !in.ended() && out.approvals.size() < kSignersMax) {
    const auto key = in.fixed<base::PublicKey>();
    out.approvals.push_back({key, in.fixed<crypto::Signature>()});
  }
  if (!in.ended()) return std::nullopt;
  return out;
}

}  // namespace troupe::wallet::rows
