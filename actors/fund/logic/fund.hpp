#pragma once
// A fund: money that m of n signers decide on. Its state, its changes, and the log of them.
//
// States   open -> approved -> paid or refused; open -> done (other signers); open -> expired. An approved proposal
//          waits for the ledger and neither expires nor takes signatures. What the ledger refuses is never paid later.
// Rule     the signature that reaches the threshold approves. When the signers change, open proposals lose
//          the signatures of those who are signers no more.
// Cap      of what is approved in one UTC day. A signature that would go beyond it is refused, and the proposal is as
//          it was. What the ledger refuses on the same day counts no more.
// Payment  one at a time, with the memo "CATEGORY ID": the same bytes until the ledger has said what became of them.
// Log      hash = SHA-256("troupe fund event v1" || entry); each entry has the hash of the one before it, the first one
//          has the id of the book.
// Owner    one actor; errors have changed nothing.
// Limits   kOpenMax proposals that have not ended, in equal parts of the signers: none of them alone takes all places;
//          kCategoriesMax categories.
#include <map>

#include "actors/fund/logic/proposal.hpp"
#include "actors/wallet/api.hpp"
#include "runtime/base/mutations.hpp"

namespace troupe::fund {

inline constexpr std::size_t kOpenMax = 64;  // the issue on escrow
static_assert(kOpenMax >= wallet::kSignersMax, "each signer has a part of them");
inline constexpr std::size_t kCategoriesMax = 256;  // our choice: the state is one row
inline constexpr std::size_t kWhyBytesMax = 256;    // our choice

enum class State : std::uint8_t { open, approved, paid, done, expired, refused };
/// "open" of an approved one, too.
std::string_view name(State state);

struct Proposal {
  ProposalId id;
  Content content;
  Address by;
  UnixMs proposed{0}, expires{0};
  State state = State::open;
  std::vector<Address> signed_by{};  ///< in their order
  UnixMs approved{0}, ended{0};      ///< 0: not yet
  std::string why{};                 ///< it was refused
  wallet::TransferId transfer{};     ///< that has paid it

  const Payment* payment() const { return std::get_if<Payment>(&content.what); }
  friend bool operator==(const Proposal&, const Proposal&) = default;
};
base::Bytes encode(const Proposal& proposal);
/// Nothing unless the bytes are what encode() gives.
std::optional<Proposal> decode_proposal(base::ByteView bytes);

enum class FundError : std::uint8_t {
  unknown,     ///< no proposal of that id is open
  not_signer,  ///< the account is none of the fund's signers
  decided,     ///< enough have signed already
  expired,     ///< too late
  life,        ///< it would expire too soon or too late
  full,        ///< kOpenMax are open
  part,        ///< the signer has its part of them open
  categories,  ///< one category more than may be
  itself,      ///< the fund would pay itself
  cap,         ///< more than may be paid in a day
  issuance,    ///< it would pay the account that money is made from, which no transfer can
  request,     ///< the same request has proposed something else
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
/// What happens to a proposal that is there.
struct Step {
  enum class What : std::uint8_t { signed_it, approved, paid, done, expired, refused };
  What what{};
  ProposalId id;
  std::string why{};              ///< of refused
  wallet::TransferId transfer{};  ///< of paid
  friend bool operator==(const Step&, const Step&) = default;
};
using Event = std::variant<Made, Proposed, Step>;

struct Entry {
  std::uint64_t sequence = 0;  ///< 1 is the first
  UnixMs time{0};              ///< never before that of the entry before
  base::Digest before;
  Address by;                                  ///< zeros: time, or the ledger
  std::optional<wallet::Approval> approval{};  ///< none: an operator acted as the owner of the book
  Event event;
  friend bool operator==(const Entry&, const Entry&) = default;
};
base::Bytes encode(const Entry& entry);
/// Nothing unless the bytes are what encode() gives.
std::optional<Entry> decode_entry(base::ByteView bytes);
base::Digest hash_of(const Entry& entry);

struct Allocation {
  Amount spent;
  std::uint64_t payments = 0;
  friend bool operator==(const Allocation&, const Allocation&) = default;
};

/// Who acts, as it was proved.
struct Cause {
  Address account;
  std::optional<wallet::Approval> approval{};
};

class Fund {
 public:
  /// Of a book, before its first entry.
  explicit Fund(const BookId& book) : book_(book), hash_{book.bytes}, outgoing_(book, account_of(book)) {}

  /// The first change.
  void make(Signers signers, UnixMs now);

  /// The same proposal again changes nothing.
  base::Result<void, FundError> propose(const Content& content, const Cause& by, UnixMs now);
  /// A signature that is there already changes nothing, unless it is now enough.
  base::Result<void, FundError> sign(const ProposalId& id, const Cause& by, Amount daily_cap, UnixMs now,
                                     const base::Mutations& mutations = base::kNoMutations);
  /// Ends what is open for too long.
  void expire(UnixMs now);
  /// What became of the transfer at hand. Another one changes nothing.
  void posted(const wallet::TransferId& id, UnixMs now);
  void refused(const wallet::TransferId& id, std::string_view why, UnixMs now);

  /// The changes since it was asked for the last time, and the proposals that ended by them.
  struct Changes {
    std::vector<Entry> entries;
    std::vector<Proposal> ended;
  };
  Changes take_changes() { return std::exchange(changes_, {}); }
  /// One more entry of a log. False, and nothing has changed, if it does not follow.
  bool replay(const Entry& entry);

  const BookId& book() const { return book_; }
  const Signers& signers() const { return signers_; }
  /// Open and approved ones.
  const std::map<ProposalId, Proposal>& proposals() const { return proposals_; }
  const std::map<std::string, Allocation>& allocations() const { return allocations_; }
  const std::optional<wallet::Transfer>& bound() const { return outgoing_.bound(); }
  /// Approved on the day of `now`.
  Amount spent_on(UnixMs now) const;
  std::uint64_t sequence() const { return sequence_; }
  UnixMs time() const { return time_; }
  const base::Digest& hash() const { return hash_; }

  base::Bytes encode() const;
  /// Nothing unless the bytes are what encode() gives.
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
  std::vector<ProposalId> approved_;  // in their order; the first one's transfer is bound
  wallet::Outgoing outgoing_;
  std::uint64_t day_ = 0;  // since 1970
  Amount spent_;           // approved on that day
  Changes changes_;        // not part of the state
};

}  // namespace troupe::fund
