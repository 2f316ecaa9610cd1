#pragma once
// The log of an escrow as a node or a file gives it, and what it proves.
//
// Trust  none in the bytes: the agreement hashes to the id, each entry to the next one, and each act was signed by its
//        account. What is taken for the state of an escrow is what the replay of that log says.
#include "actors/escrow/api.hpp"
#include "actors/escrow/words.hpp"
#include "apps/wallet/book.hpp"

namespace troupe::apps::escrows {

using wallets::Signer;

/// An act as it was signed, not checked yet.
struct LoggedAct {
  std::uint64_t sequence = 0;  ///< of the first entry that it caused
  base::Bytes act, policy;
  std::vector<wallet::Approval> approvals{};
};

/// What a file says beside the bytes of an entry, for people.
struct Columns {
  std::uint64_t seq = 0, time = 0;
  std::string event, by;  ///< `by` is empty: none
  base::Bytes hash, prev;
  friend bool operator==(const Columns&, const Columns&) = default;
};

struct Log {
  base::Bytes agreement;
  base::Bytes commitment;
  std::vector<base::Bytes> entries{};  ///< from sequence 1 on
  std::vector<LoggedAct> acts{};
  std::vector<std::string> notes{};
  std::vector<Columns> columns{};  ///< of a file, as many as entries
};

/// Fails with usage.
base::Result<escrow::EscrowId, Failure> id_typed(const std::string& typed);

/// The whole log, by pages; with `log`, what came after its entries. Fails with exit 4 if there is no such escrow.
Client::Outcome<Log> fetch(Client& client, const escrow::EscrowId& id, Log log = {});

/// The escrow of that id at the end of the log. Fails with exit 1 if the log is none of it.
base::Result<escrow::Replay, Failure> replay(const escrow::EscrowId& id, const Log& log);

/// The first entry that is wrong, and what is wrong with it.
struct Flaw {
  std::uint64_t sequence = 0;
  std::string what;
};
struct Verified {
  escrow::EscrowId id;
  escrow::Stage stage{};
  std::uint64_t entries = 0;  ///< before the flaw
  std::uint64_t acts = 0;
  std::optional<Flaw> flaw{};
};
/// All that a log proves by itself: the chain, the events, and the signatures of the acts that caused them. Without an
/// id it is that of the agreement.
Verified verify(const std::optional<escrow::EscrowId>& id, const Log& log);

/// As `escrow log --json` prints it, and back: nothing if it is no such text.
void write_log(std::ostream& out, const Log& log);
std::optional<Log> read_log(std::string_view json);

/// "entered", "act", …, and what happened in words.
std::string_view event_name(const escrow::Event& event);
std::string event_text(const escrow::Event& event);
std::string_view role_name(escrow::Role role);
std::string_view why_name(escrow::Why why);
std::string_view party_name(escrow::Party party);

}  // namespace troupe::apps::escrows
