#pragma once
// The commands of `troupe escrow` that have their own source file; escrow.cpp names them all.
#include "apps/escrow/log.hpp"

namespace troupe::apps {

using EscrowCommand = Ending(const Invocation&, Console&);
EscrowCommand escrow_create, escrow_sign, escrow_fund, escrow_start, escrow_progress, escrow_deliver, escrow_accept,
    escrow_dispute, escrow_propose, escrow_agree, escrow_rule, escrow_cancel, escrow_extend, escrow_look;
EscrowCommand escrow_show, escrow_list, escrow_log, escrow_verify, escrow_watch;

namespace escrows {

/// `troupe escrow arbiter …`
Commands arbiter_commands();

/// Returns a party's secret bytes for the draw of an arbiter. They are derived from the party's key and the escrow, so
/// that the same wallet can compute them again: SHA-256("troupe reveal v1" || the seed of its key || id).
escrow::Reveal reveal_of(const crypto::SecretKey& key, const escrow::EscrowId& id);

/// Does the work of `troupe escrow show` for the escrow of a task.
Ending show_task(const Invocation& invocation, Console& console, Client& client, const escrow::EscrowId& id);

/// The terms that the node with the book adds to an agreement.
struct BookTerms {
  wallet::BookId book;
  escrow::Address fund;
  escrow::Terms terms;
  wallet::UnixMs now{0};
};
Client::Outcome<BookTerms> terms_of(Client& client);

/// Shows the agreement before it is signed, for people.
void show_agreement(std::ostream& err, const escrow::EscrowId& id, const escrow::Agreement& agreement);
const char* explained(escrow::AgreementError error);

}  // namespace escrows
}  // namespace troupe::apps
