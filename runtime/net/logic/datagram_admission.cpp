#include "runtime/net/logic/datagram_admission.hpp"

#include "runtime/base/ensure.hpp"

namespace troupe::net {
namespace {

/// Returns whether the session has exactly this id: the same key with another work nonce is another id.
bool is_of(const Session* session, const QuestionHead& head) {
  return session != nullptr && session->work_nonce == head.work_nonce;
}

}  // namespace

std::string_view name(DropReason why) {
  switch (why) {
    case DropReason::own_key: return "own_key";
    case DropReason::lacks_work: return "lacks_work";
    case DropReason::agreements: return "agreements";
    case DropReason::banned: return "banned";
    case DropReason::bad_key: return "bad_key";
    case DropReason::bad_address: return "bad_address";
  }
  return "own_key";
}

DatagramAdmission::DatagramAdmission(const base::PublicKey& own, AdmissionLimits limits, ports::Chance& chance,
                                     base::Instant now, Banned banned)
    : own_(own),
      limits_(limits),
      cookies_(chance, now),
      agreements_(limits.agreements, now),
      questions_(limits.questions, now),
      sessions_(limits.sessions_max),
      banned_(std::move(banned)) {}

Decision DatagramAdmission::decide(const base::Endpoint& from, const QuestionHead& head, base::Instant now) {
  const Decision decision = judge(from, head, now);
  count(decision);
  return decision;
}

Decision DatagramAdmission::judge(const base::Endpoint& from, const QuestionHead& head, base::Instant now) {
  if (head.sender == own_) return Drop{DropReason::own_key};
  if (!from.dialable()) return Drop{DropReason::bad_address};
  const Session* const session = sessions_.find(head.sender);
  const bool known = is_of(session, head);
  if (known && banned_(session->id)) return Drop{DropReason::banned};
  if (known && session->proven_at(from, now)) return Open{session};
  if (!cookies_.good(head.cookie, from, head.sender, now))
    return SendCookie{{head.token, cookies_.make(from, head.sender, now)}};
  if (known) return Open{session};
  const auto id = crypto::check(head.sender, head.work_nonce, limits_.work_bits);
  if (!id) return Drop{DropReason::lacks_work};
  if (banned_(*id)) return Drop{DropReason::banned};
  if (session != nullptr) return AgreeFirst{*id, &session->keys};
  if (const auto* const tried = tried_.find(head.sender)) {
    if (!*tried) return Drop{DropReason::bad_key};
    return AgreeFirst{*id, &**tried};
  }
  if (agreements_.take({base::line_of(from), base::group_of(from)}, now)) return Drop{DropReason::agreements};
  return AgreeFirst{*id, nullptr};
}

void DatagramAdmission::count(const Decision& decision) {
  if (std::holds_alternative<Open>(decision)) ++counters_.opens;
  if (const auto* const first = std::get_if<AgreeFirst>(&decision))
    ++(first->agreed == nullptr ? counters_.agreements : counters_.opens);
  if (std::holds_alternative<SendCookie>(decision)) ++counters_.cookies;
  if (const Drop* const drop = std::get_if<Drop>(&decision)) ++counters_.drops[static_cast<std::size_t>(drop->why)];
}

Welcome DatagramAdmission::welcome(const base::Endpoint& from, const QuestionHead& head, base::Instant now) {
  Session* const session = sessions_.use(head.sender);
  base::ensure(is_of(session, head), "a question that opened has its session");
  return let_in(*session, from, head, now);
}

Welcome DatagramAdmission::welcome(const base::Endpoint& from, const QuestionHead& head, const AgreeFirst& decision,
                                   const crypto::DatagramKeys& keys, base::Instant now) {
  Session& made = sessions_.put(head.sender, session(head.sender, head.work_nonce, decision.id, keys));
  tried_.take(head.sender);
  return let_in(made, from, head, now);
}

void DatagramAdmission::did_not_open(const base::PublicKey& key, const std::optional<crypto::DatagramKeys>& keys) {
  if (sessions_.find(key) == nullptr) tried_.put(key, keys);
}

/// A question from the proven address does not extend the proof, because its sender may have forged the address. Only a
/// cookie or an answer extends it. The cookie is checked here, because decide() skips it for a known address.
Welcome DatagramAdmission::let_in(Session& session, const base::Endpoint& from, const QuestionHead& head,
                                  base::Instant now) {
  if (session.tokens.contains(head.token)) {
    ++counters_.repeated;
    return Welcome::repeated;
  }
  if (!session.proven_at(from, now) && cookies_.good(head.cookie, from, head.sender, now))
    session.proven = ProvenAddress{from, now + kProofKept};
  if (questions_.take({head.sender, base::group_of(from)}, now)) {
    ++counters_.too_many;
    return Welcome::too_many;
  }
  session.tokens.note(head.token);
  ++counters_.welcome;
  return Welcome::answer;
}

Session DatagramAdmission::session(const base::PublicKey& key, std::uint32_t work_nonce, const base::NodeId& id,
                                   const crypto::DatagramKeys& keys) const {
  if (const Session* const known = sessions_.find(key)) {
    Session out = *known;
    out.id = id;
    out.work_nonce = work_nonce;
    return out;
  }
  return {.id = id, .work_nonce = work_nonce, .keys = keys, .proven = {}, .tokens = {}};
}

const Session& DatagramAdmission::meet(const base::PublicKey& key, std::uint32_t work_nonce, const base::NodeId& id,
                                       const crypto::DatagramKeys& keys) {
  if (const Session* const known = sessions_.use(key); known != nullptr && known->work_nonce == work_nonce)
    return *known;
  tried_.take(key);
  return sessions_.put(key, session(key, work_nonce, id, keys));
}

void DatagramAdmission::answered(const base::Endpoint& from, const base::PublicKey& key, base::Instant now) {
  Session* const session = sessions_.answered(key);
  if (session == nullptr) return;  // forgotten since
  const bool elsewhere = session->proven && session->proven->at != from && now < session->proven->until;
  if (!elsewhere) session->proven = ProvenAddress{from, now + kProofKept};
}

}  // namespace troupe::net
