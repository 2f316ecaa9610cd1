#include "apps/escrow/log.hpp"

#include <map>

#include "apps/cli/json.hpp"
#include "apps/cli/json_read.hpp"
#include "messages/codec.hpp"
#include "messages/output/escrow.capnp.h"
#include "runtime/config/forms.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::apps::escrows {
namespace {

using base::Code;
using escrow::Party;

constexpr std::uint64_t kLogBytesMax = 64u << 20;  // our choice: some 100,000 entries

base::Bytes copied(base::ByteView bytes) { return {bytes.begin(), bytes.end()}; }

Failure bad_log(const escrow::EscrowId& id, const Flaw& flaw) {
  return {{Code::corrupt, "the log of escrow " + id.hex() + " is invalid at entry " + std::to_string(flaw.sequence) +
                              ": " + flaw.what},
          "nothing was done",
          "troupe escrow verify " + id.hex()};
}

/// Returns the escrow before its first entry, or nullopt if the agreement does not match the id.
std::optional<escrow::Replay> begun(const Log& log, const std::optional<escrow::EscrowId>& id) {
  auto made = escrow::decode_agreement(log.agreement);
  const auto commitment = escrow::Commitment::from(log.commitment);
  if (!made || !commitment || (id && escrow::id_of(*made) != *id)) return std::nullopt;
  return escrow::Replay(std::move(*made), *commitment);
}

const char* words_of(escrow::LogFlaw flaw) {
  return flaw == escrow::LogFlaw::chain ? "its number, its time or its hash does not follow from the previous entry"
                                        : "it is impossible in the state at that entry";
}

/// Whether an event of this type only follows from a party's act.
bool needs_act(const escrow::Event& event) {
  return std::visit(
      []<class T>(const T&) {
        return std::is_same_v<T, escrow::ActTaken> || std::is_same_v<T, escrow::Committed> ||
               std::is_same_v<T, escrow::DepositBegun> || std::is_same_v<T, escrow::DeliveryMade> ||
               std::is_same_v<T, escrow::MilestonePassed> || std::is_same_v<T, escrow::RevealTaken> ||
               std::is_same_v<T, escrow::Offered> || std::is_same_v<T, escrow::DeadlineMoved> ||
               std::is_same_v<T, escrow::ProposalMade>;
      },
      event);
}

/// Checks the acts together with the entries that they caused.
class Acts {
 public:
  explicit Acts(const Log& log) {
    for (const LoggedAct& act : log.acts) by_hash_.emplace(crypto::sha256(act.act), &act);
  }

  /// Returns what is wrong with an entry in this regard; empty if nothing is.
  std::string look(const escrow::Escrow& before, const escrow::Entry& entry, const escrow::Commitment& buyer) {
    if (entry.cause == base::Digest()) return without_act(before, entry);
    const auto known = found_.find(entry.cause);
    if (known == found_.end()) {
      if (const std::string wrong = find(before, entry); !wrong.empty()) return wrong;
    }
    const escrow::Act& act = found_.at(entry.cause);
    if (act.by != entry.by) return "the act that caused it was signed by a different account";
    if (entry.sequence == 1) {
      const auto* sign = std::get_if<escrow::Sign>(&act.what);
      if (sign == nullptr || act.by != before.agreement.buyer || sign->commitment != buyer)
        return "the buyer has not signed the agreement";
    }
    if (const auto* taken = std::get_if<escrow::ActTaken>(&entry.event))
      if (taken->act != entry.cause || taken->number != act.number || before.address(taken->party) != act.by)
        return "it differs from the signed act";
    if (const auto* committed = std::get_if<escrow::Committed>(&entry.event)) {
      const auto* sign = std::get_if<escrow::Sign>(&act.what);
      if (sign == nullptr || sign->commitment != committed->provider)
        return "it differs from what the provider has signed";
    }
    return "";
  }
  std::uint64_t count() const { return found_.size(); }

 private:
  static std::string without_act(const escrow::Escrow& before, const escrow::Entry& entry) {
    if (entry.by != escrow::Address()) return "it names an account, but no act";
    if (entry.sequence == 1 || needs_act(entry.event)) return "no act caused it, but it needs an act";
    bool deadline = false;
    if (const auto* entered = std::get_if<escrow::Entered>(&entry.event)) deadline = is_final(entered->stage);
    if (const auto* owed = std::get_if<escrow::Owed>(&entry.event))
      for (const escrow::Payout& payout : owed->payouts) deadline = deadline || payout.why != escrow::Why::unasked;
    if (deadline && entry.time < before.deadline) return "no act caused it, and the deadline had not passed";
    return "";
  }
  std::string find(const escrow::Escrow& before, const escrow::Entry& entry) {
    const auto at = by_hash_.find(entry.cause);
    if (at == by_hash_.end()) return "the act that caused it is not in the log";
    const LoggedAct& logged = *at->second;
    auto act = escrow::decode_act(logged.act);
    auto policy = wallet::Policy::decode(logged.policy);
    if (!act || !policy || act->escrow != before.id) return "the act that caused it belongs to a different escrow";
    const escrow::SignedBy signed_by{std::move(*act), logged.act, std::move(*policy), logged.approvals};
    if (!escrow::holds(signed_by)) return "the act that caused it was not signed by its account";
    found_.emplace(entry.cause, signed_by.act);
    return "";
  }

  std::map<base::Digest, const LoggedAct*> by_hash_;
  std::map<base::Digest, escrow::Act> found_;
};

// --- as JSON

struct JsonBytes {
  static std::optional<base::Bytes> of(const JsonValue& from, std::string_view name) {
    const JsonValue* const field = from.find(name);
    if (field == nullptr || field->kind != JsonValue::Kind::text) return std::nullopt;
    base::Bytes out(field->text.size() / 2);
    if (!base::parse_hex(field->text, out)) return std::nullopt;
    return out;
  }
};

/// The other fields of these bytes in a file; `what` may be worded differently by another version.
Columns columns_of(const escrow::Entry& entry, base::ByteView bytes) {
  return {entry.sequence,
          entry.time.count(),
          std::string(event_name(entry.event)),
          entry.by == escrow::Address() ? "" : text(entry.by),
          copied(crypto::sha256(bytes).view()),
          copied(entry.before.view())};
}

std::optional<Columns> read_columns(const JsonValue& row) {
  const JsonValue *const seq = row.find("seq"), *const time = row.find("time"), *const event = row.find("event"),
                         *const by = row.find("by");
  auto hash = JsonBytes::of(row, "hash"), prev = JsonBytes::of(row, "prev");
  if (seq == nullptr || time == nullptr || event == nullptr || by == nullptr || !hash || !prev) return std::nullopt;
  const auto number = [](const JsonValue& value) {
    return value.kind == JsonValue::Kind::number ? config::parse_count(value.text) : std::nullopt;
  };
  const auto at = number(*seq), when = number(*time);
  if (!at || !when) return std::nullopt;
  return Columns{*at, *when, event->text, by->text, std::move(*hash), std::move(*prev)};
}

std::optional<LoggedAct> read_act(const JsonValue& from, std::uint64_t sequence) {
  auto act = JsonBytes::of(from, "act"), policy = JsonBytes::of(from, "policy");
  const JsonValue* const approvals = from.find("approvals");
  if (!act || !policy || approvals == nullptr || approvals->items.size() > wallet::kSignersMax) return std::nullopt;
  LoggedAct out{sequence, std::move(*act), std::move(*policy)};
  for (const JsonValue& one : approvals->items) {
    const auto key = JsonBytes::of(one, "key"), signature = JsonBytes::of(one, "signature");
    if (!key || !signature) return std::nullopt;
    const auto of = base::PublicKey::from(*key);
    const auto by = crypto::Signature::from(*signature);
    if (!of || !by) return std::nullopt;
    out.approvals.push_back({*of, *by});
  }
  return out;
}

void write_act(output::wire::EscrowAct::Builder out, const LoggedAct& act) {
  out.setAct(data_of(act.act));
  out.setPolicy(data_of(act.policy));
  auto approvals = out.initApprovals(size32(act.approvals));
  for (unsigned i = 0; i < approvals.size(); ++i) {
    approvals[i].setKey(data(act.approvals[i].key.view()));
    approvals[i].setSignature(data(act.approvals[i].signature.view()));
  }
}

}  // namespace

base::Result<escrow::EscrowId, Failure> id_typed(const std::string& typed) {
  if (const auto id = escrow::EscrowId::from_hex(typed)) return *id;
  return usage_failure("invalid escrow id: expected 64 hexadecimal digits", "troupe escrow ls");
}

Client::Outcome<Log> fetch(Client& client, const escrow::EscrowId& id, Log log) {
  using escrow::wire::GetEscrow, escrow::wire::EscrowIs;
  std::uint64_t bytes = 0;
  for (bool more = true; more;) {
    auto page = wallets::ask_book<GetEscrow, EscrowIs>(client, escrow::kPath, [&](GetEscrow::Builder out) {
      out.setEscrow(data_of(id.view()));
      out.setAfter(log.entries.size());
    });
    if (!page.ok()) {
      Failure failure = page.error();
      if (failure.error.code == Code::not_found && failure.try_.empty()) failure.try_ = "troupe escrow ls";
      return failure;
    }
    const auto is = page.value().root();
    log.agreement = copied(bytes_of(is.getAgreement()));
    log.commitment = copied(bytes_of(is.getCommitment()));
    for (const auto entry : is.getEntries()) {
      bytes += entry.size();
      log.entries.push_back(copied(bytes_of(entry)));
    }
    for (const auto row : is.getActs()) {
      LoggedAct act{row.getSequence(), copied(bytes_of(row.getAct().getAct())),
                    copied(bytes_of(row.getAct().getPolicy()))};
      bytes += act.act.size() + act.policy.size();
      if (row.getAct().getApprovals().size() > wallet::kSignersMax)
        return wallets::odd_answer("an act has more approvals than signers are possible");
      for (const auto one : row.getAct().getApprovals()) {
        const auto approval = wallet::read(one);
        if (!approval) return wallets::odd_answer("an approval is not a key and a signature");
        act.approvals.push_back(*approval);
      }
      log.acts.push_back(std::move(act));
    }
    log.notes.clear();
    for (const auto note : is.getNotes()) log.notes.push_back(text_of(note));
    more = is.getMore();
    if (more && is.getEntries().size() == 0) return wallets::odd_answer("its pages do not continue");
    if (bytes > kLogBytesMax) return wallets::odd_answer("a log has more than 64 MiB");
  }
  return log;
}

base::Result<escrow::Replay, Failure> replay(const escrow::EscrowId& id, const Log& log) {
  auto at = begun(log, id);
  if (!at) return bad_log(id, {1, "the agreement does not match this id"});
  escrow::Replay out(std::move(*at));
  for (const base::Bytes& bytes : log.entries) {
    const auto entry = escrow::decode_entry(bytes);
    if (!entry) return bad_log(id, {out.sequence() + 1, "it is malformed"});
    if (const auto taken = out.take(*entry); !taken.ok())
      return bad_log(id, {out.sequence() + 1, words_of(taken.error())});
  }
  if (log.entries.empty()) return bad_log(id, {1, "it is missing"});
  return out;
}

Verified verify(const std::optional<escrow::EscrowId>& id, const Log& log) {
  Verified out{id.value_or(escrow::EscrowId())};
  const auto flawed = [&](std::uint64_t sequence, std::string what) {
    out.flaw = Flaw{sequence, std::move(what)};
    return out;
  };
  auto from = begun(log, id);
  if (!from) return flawed(1, "the agreement does not match this id");
  escrow::Replay at(std::move(*from));
  out.id = at.escrow().id;
  const escrow::Commitment commitment = of(at.escrow().commitments, Party::buyer);
  Acts acts(log);
  for (const base::Bytes& bytes : log.entries) {
    const std::uint64_t sequence = at.sequence() + 1;
    const auto entry = escrow::decode_entry(bytes);
    if (!entry) return flawed(sequence, "it is malformed");
    if (!log.columns.empty() && log.columns[sequence - 1] != columns_of(*entry, bytes))
      return flawed(sequence, "its other fields differ from its bytes");
    if (const std::string wrong = acts.look(at.escrow(), *entry, commitment); !wrong.empty())
      return flawed(sequence, wrong);
    if (const auto taken = at.take(*entry); !taken.ok()) return flawed(sequence, words_of(taken.error()));
    out.stage = at.escrow().stage;
    out.entries = at.sequence();
    out.acts = acts.count();
  }
  if (log.entries.empty()) return flawed(1, "it is missing");
  return out;
}

void write_log(std::ostream& out, const Log& log) {
  std::multimap<std::uint64_t, const LoggedAct*> acts;
  for (const LoggedAct& act : log.acts) acts.emplace(act.sequence, &act);
  out << '[';
  std::uint64_t sequence = 0;
  for (const base::Bytes& bytes : log.entries) {
    JsonLine<output::wire::EscrowLogged> line;
    line->setSeq(++sequence);
    line->setHash(data(crypto::sha256(bytes).view()));
    line->setEntry(data_of(bytes));
    if (const auto entry = escrow::decode_entry(bytes)) {
      line->setTime(entry->time.count());
      line->setEvent(std::string(event_name(entry->event)));
      line->setWhat(event_text(entry->event));
      if (entry->by != escrow::Address()) line->setBy(text(entry->by));
      line->setPrev(data(entry->before.view()));
    }
    if (const auto act = acts.find(sequence); act != acts.end()) write_act(line->initAct(), *act->second);
    if (sequence == 1) {
      line->setAgreement(data_of(log.agreement));
      line->setCommitment(data_of(log.commitment));
    }
    out << (sequence == 1 ? "" : ",");
    write_json(out, line->asReader());
  }
  out << "]\n";
}

std::optional<Log> read_log(std::string_view json) {
  const auto rows = read_json(json);
  if (!rows || rows->kind != JsonValue::Kind::list || rows->items.empty()) return std::nullopt;
  Log out;
  for (const JsonValue& row : rows->items) {
    auto entry = JsonBytes::of(row, "entry");
    if (!entry) return std::nullopt;
    out.entries.push_back(std::move(*entry));
    auto columns = read_columns(row);
    if (!columns) return std::nullopt;
    out.columns.push_back(std::move(*columns));
    const JsonValue* const act = row.find("act");
    if (act == nullptr) return std::nullopt;
    if (act->kind == JsonValue::Kind::null) continue;
    auto read = read_act(*act, out.entries.size());
    if (!read) return std::nullopt;
    out.acts.push_back(std::move(*read));
  }
  auto agreement = JsonBytes::of(rows->items.front(), "agreement");
  auto commitment = JsonBytes::of(rows->items.front(), "commitment");
  if (!agreement || !commitment) return std::nullopt;
  out.agreement = std::move(*agreement);
  out.commitment = std::move(*commitment);
  return out;
}

}  // namespace troupe::apps::escrows
