#pragma once
// A fund: money that m of n signers decide on. Its state, its changes, and the log of them.
//
// States   open -> approved -> paid or refused; open -> done (a change of signers); open -> expired. An approved
//          proposal waits for the ledger: it neither expires nor takes signatures. A refused payment is never paid
//          later.
// Rule     the signature that reaches the threshold approves. When the signers change, open proposals lose the
//          signatures of removed signers.
// Cap      limits the sum approved in one UTC day. A signature that would exceed it is refused and changes nothing.
//          Payments that the ledger refuses on the same day no longer count.
// Payment  one at a time, with the memo "CATEGORY ID": the same bytes until the ledger has reported the result.
// Log      hash = SHA-256("troupe fund event v1" || entry); each entry has the hash of the entry before it, the first
//          entry has the id of the book.
// Owner    one actor; errors change nothing.
// Limits   kOpenMax proposals that have not ended, in equal quotas per signer; kCategoriesMax categories.
#include <map>

#include "actors/fund/logic/proposal.hpp"
#include "actors/wallet/api.hpp"
#include "runtime/base/mutations.hpp"

namespace troupe::fund {

inline constexpr std::size_t kOpenMax = 64;  // from the issue on escrow
static_assert(kOpenMax >= wallet::kSignersMax, "each signer has a part of them");
inline constexpr std::size_t kCategoriesMax = 256;  // our choice: the state is one row
inline constexpr std::size_t kWhyBytesMax = 256;    // our choice

enum class State : std::uint8_t { open, approved, paid, done, expired, refused };
/// Returns "open" for an approved proposal, too.
std::string_view name(State state);

struct Proposal {
  ProposalId id;
  Content content;
  Address by;
  UnixMs proposed{0}, expires{0};
  State state = State::open;
  std::vector<Address> signed_by{};  ///< in the order of signing
  UnixMs approved{0}, ended{0};      ///< 0: not yet
  std::string why{};                 ///< why it was refused
  wallet::TransferId transfer{};     ///< the transfer that paid it

  const Payment* payment() const { return std::get_if<Payment>(&content.what); }
  friend bool operator==(const Proposal&, const Proposal&) = default;
};
base::Bytes encode(const Proposal& proposal);
/// Returns nullopt unless the bytes are the canonical encoding.
std::optional<Proposal> decode_proposal(base::ByteView bytes);

enum class FundError : std::uint8_t {
  unknown,     ///< no proposal of that id is open
  not_signer,  ///< the account is not a signer of the fund
  decided,     ///< enough signers have signed already
  expired,     ///< the proposal has expired
  life,        ///< it would expire too soon or too late
  full,        ///< kOpenMax are open
  part,        ///< the signer's quota of open proposals is used up
  categories,  ///< the fund has kCategoriesMax categories
  itself,      ///< the fund would pay itself
  cap,         ///< the day's sum would exceed the cap
  issuance,    ///< it would pay the issuance account, which no transfer can
  request,     ///< this request has made a different proposal
};
std::string_view name(FundError error);

struct Made {
  Signers signers;
  friend bool operator==(const Made&, const Made&) = default;
};
struct Proposed {
  Content content;
  friend bool operator==(const Proposed&, const Proposed&) = default;
};
/// A change of an existing proposal.
struct Step {
  enum class What : std::uint8_t { signed_it, approved, paid, done, expired, refused };
  What what{};
  ProposalId id;
  std::string why{};              ///< if it was refused
  wallet::TransferId transfer{};  ///< if it was paid
  friend bool operator==(const Step&, const Step&) = default;
};
using Event = std::variant<Made, Proposed, Step>;

struct Entry {
  std::uint64_t sequence = 0;  ///< 1 is the first
  UnixMs time{0};              ///< never earlier than the time of the entry before
  base::Digest before;
  Address by;                                  ///< zeros: the clock or the ledger acted
  std::optional<wallet::Approval> approval{};  ///< none: an operator acted as the owner of the book
  Event event;
  friend bool operator==(const Entry&, const Entry&) = default;
};
base::Bytes encode(const Entry& entry);
/// Returns nullopt unless the bytes are the canonical encoding.
std::optional<Entry> decode_entry(base::ByteView bytes);
base::Digest hash_of(const Entry& entry);

struct Allocation {
  Amount spent;
  std::uint64_t payments = 0;
  friend bool operator==(const Allocation&, const Allocation&) = default;
};

/// The account that acts, and its signature; without a signature, the book's owner.
struct Cause {
  Address account;
  std::optional<wallet::Approval> approval{};
};

class Fund {
 public:
  /// Makes an empty fund of a book, before its first entry.
  explicit Fund(const BookId& book) : book_(book), hash_{book.bytes}, outgoing_(book, account_of(book)) {}

  /// Makes the first change: the signers.
  void make(Signers signers, UnixMs now);

  /// Adds a proposal. Repeating it changes nothing.
  base::Result<void, FundError> propose(const Content& content, const Cause& by, UnixMs now);
  /// Adds a signature. Repeating it changes nothing, unless the signatures are now enough.
  base::Result<void, FundError> sign(const ProposalId& id, const Cause& by, Amount daily_cap, UnixMs now,
                                     const base::Mutations& mutations = base::kNoMutations);
  /// Expires open proposals whose time is over.
  void expire(UnixMs now);
  /// Records the result of the current transfer. Another transfer changes nothing.
  void posted(const wallet::TransferId& id, UnixMs now);
  void refused(const wallet::TransferId& id, std::string_view why, UnixMs now);

  /// The changes since the last call of take_changes(), and the proposals that they ended.
  struct Changes {
    std::vector<Entry> entries;
    std::vector<Proposal> ended;
  };
  Changes take_changes() { return std::exchange(changes_, {}); }
  /// Applies one more entry of a log. Returns false, and changes nothing, if the entry does not follow.
  bool replay(const Entry& entry);

  const BookId& book() const { return book_; }
  const Signers& signers() const { return signers_; }
  /// Open and approved proposals.
  const std::map<ProposalId, Proposal>& proposals() const { return proposals_; }
  const std::map<std::string, Allocation>& allocations() const { return allocations_; }
  const std::optional<wallet::Transfer>& bound() const { return outgoing_.bound(); }
  /// Returns the sum approved on the day of `now`.
  Amount spent_on(UnixMs now) const;
  std::uint64_t sequence() const { return sequence_; }
  UnixMs time() const { return time_; }
  const base::Digest& hash() const { return hash_; }

  base::Bytes encode() const;
  /// Returns nullopt unless the bytes are the canonical encoding.
  static std::optional<Fund> decode(const BookId& book, base::ByteView bytes);
  friend bool operator==(const Fund&, const Fund&);

 private:
  void note(const Cause& by, Event event, UnixMs now);
  void apply(const Entry& entry);
  void step(const Step& step, const Entry& entry);
  void end(std::map<ProposalId, Proposal>::iterator at, State state, UnixMs time);
  void bind();

  BookId book_;
  std::uint64_t sequence_ = 0;
  UnixMs time_{0};
  base::Digest hash_;
  Signers signers_;
  std::map<ProposalId, Proposal> proposals_;
  std::map<std::string, Allocation> allocations_;
  std::vector<ProposalId> approved_;  // in the order of approval; the transfer of the first is bound
  wallet::Outgoing outgoing_;
  std::uint64_t day_ = 0;  // days since 1970
  Amount spent_;           // approved on that day
  Changes changes_;        // not part of the state
};

}  // namespace troupe::fund
