#pragma once
// The log of an escrow, from a node or a file, and the verification of what it proves.
//
// Trust  the bytes are not trusted, but verified: the hash of the agreement is the id, each entry contains the hash of
//        the previous entry, and each act is signed by its account. The state of an escrow is the result of replaying
//        the log.
#include "actors/escrow/api.hpp"
#include "actors/escrow/codec.hpp"
#include "apps/wallet/book.hpp"

namespace troupe::apps::escrows {

using wallets::Signer;

/// A signed act, not verified yet.
struct LoggedAct {
  std::uint64_t sequence = 0;  ///< number of the first entry that the act caused
  base::Bytes act, policy;
  std::vector<wallet::Approval> approvals{};
};

/// The fields that a file adds to the bytes of an entry, for people.
struct Columns {
  std::uint64_t seq = 0, time = 0;
  std::string event, by;  ///< `by` is empty: none
  base::Bytes hash, prev;
  friend bool operator==(const Columns&, const Columns&) = default;
};

struct Log {
  base::Bytes agreement;
  base::Bytes commitment;
  std::vector<base::Bytes> entries{};  ///< from sequence 1
  std::vector<LoggedAct> acts{};
  std::vector<std::string> notes{};
  std::vector<Columns> columns{};  ///< only from a file: one for each entry
};

/// Fails with usage.
base::Result<escrow::EscrowId, Failure> id_typed(const std::string& typed);

/// Fetches the whole log in pages; if `log` has entries, only the entries after them. Fails with exit 4 if there is no
/// such escrow.
Client::Outcome<Log> fetch(Client& client, const escrow::EscrowId& id, Log log = {});

/// Returns the escrow with that id at the end of the log. Fails with exit 1 if the log does not belong to it.
base::Result<escrow::Replay, Failure> replay(const escrow::EscrowId& id, const Log& log);

/// The first invalid entry, and its fault.
struct Flaw {
  std::uint64_t sequence = 0;
  std::string what;
};
struct Verified {
  escrow::EscrowId id;
  escrow::Stage stage{};
  std::uint64_t entries = 0;  ///< number of valid entries before the flaw
  std::uint64_t acts = 0;
  std::optional<Flaw> flaw{};
};
/// Verifies all that a log proves by itself: the chain, the events, and the signatures of the acts that caused them.
/// Without an id the agreement's id is used.
Verified verify(const std::optional<escrow::EscrowId>& id, const Log& log);

/// Writes a log as `escrow log --json` prints it, and reads it back: nullopt if the text is not a log.
void write_log(std::ostream& out, const Log& log);
std::optional<Log> read_log(std::string_view json);

/// Returns "entered", "act", …, and a description of the event.
std::string_view event_name(const escrow::Event& event);
std::string event_text(const escrow::Event& event);
std::string_view role_name(escrow::Role role);
std::string_view why_name(escrow::Why why);
std::string_view party_name(escrow::Party party);

}  // namespace troupe::apps::escrows
