#pragma once
// The fund at the node that keeps the book, at kPath/state: decides, commits, then replies and pays.
//
// Commit   one at a time: the state (actors/durable/api.hpp, StateRow), its new log entries, and the proposals that it
//          ended.
// Payment  an approved payment is durable before this actor asks the ledger for it. It repeats the same request until
//          the ledger has answered.
// Rows     'A': the state; 'e' sequence: an entry of the log; 'p' id: a proposal that has ended; 'n' nonce: the
//          proposal that a request signed. Numbers in keys are big-endian.
// Limits   at most kWaitingMax changes wait, and at most as many requests wait while the state is read.
#include <deque>

#include "actors/fund/fund_settings.hpp"
#include "actors/wallet/ledger_client.hpp"
#include "messages/common.capnp.h"
#include "messages/fund.capnp.h"
#include "messages/wallet.capnp.h"

namespace troupe::fund {

class StateActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "fund";
  static constexpr std::size_t kWaitingMax = 1'024;   // our choice
  static constexpr std::uint32_t kEndedRows = 128;    // messages/fund.capnp
  static constexpr std::uint32_t kEntriesRows = 256;  // messages/fund.capnp
  struct Setup {
    FundSettings settings;
    durable::Place place;
    std::uint64_t term = 0;
  };
  explicit StateActor(Setup setup)
      : setup_(std::move(setup)),
        storage_(*this, setup_.place, "fund", setup_.term),
        ledger_(*this, {setup_.settings.log}),
        row_(*this, storage_, {'A'}, "the fund") {}

  void receive(runtime::Handlers& on) override;
  void start() override { load(); }
  void stop() override;

 private:
  struct Reload {};
  struct DepositAgain {};
  struct PayAgain {};
  struct Clock {};
  using ProposalReply = runtime::Reply<wire::ProposalIs>;
  using Done = base::Callback<void(const base::Outcome<void>&)>;
  using Change = base::Callback<base::Outcome<void>(Fund&)>;
  using Request = std::optional<std::pair<base::Bytes, ProposalId>>;
  /// The signer and the request of a signature.
  struct Asking {
    std::optional<wallet::Approval> approval;
    base::Bytes request;  ///< the key of its row; empty: no request
  };

  // Opening (state_actor.cpp).
  void load();
  void agree_on_time(base::Callback<void(bool)> then);
  void load_fund();
  void make();
  void reload(const base::Error& why);

  /// Commits a change of the fund and the row of its request. A change without effect leaves no row.
  void want(Change change, Done done, Request request = {});
  void ended(const std::vector<Proposal>& proposals);
  /// Returns null until the fund has been read or made.
  const Fund* fund() const;
  void pay();
  void paid(const wallet::TransferId& id, const base::Outcome<void>& how);

  void propose(wire::Propose::Reader ask, ProposalReply reply);
  /// Refuses a payment to the fund's own address on a chain.
  void unless_own(const Content& content, ProposalReply reply, base::Callback<void(ProposalReply)> then);
  void sign(wire::SignProposal::Reader ask, ProposalReply reply);
  void sign_it(const ProposalId& id, Asking asking, ProposalReply reply);
  /// `with_signature`: the reply waits for the ledger, and is an error if the ledger refuses the payment.
  enum class Asked : std::uint8_t { to_see, with_signature };
  void answer(const ProposalId& id, Asked asked, ProposalReply reply);
  void send(const Proposal& proposal, Asked asked, ProposalReply& reply) const;
  void list(const std::optional<ProposalId>& from, runtime::Reply<wire::Proposals> reply);
  void entries(std::uint64_t after, runtime::Reply<wire::Entries> reply);
  void show(runtime::Reply<wire::FundIs>& reply) const;
  /// Returns the signer. Error: the signature is invalid.
  base::Outcome<Cause> cause_of(const std::optional<wallet::Approval>& approval, base::ByteView bytes) const;
  /// Returns the time on which the book's group agreed; never earlier than the log's last entry.
  UnixMs time() const;

  const Setup setup_;
  durable::Storage storage_;
  wallet::LedgerClient ledger_;
  durable::StateRow<Fund> row_;
  std::uint64_t run_ = 0;  // answers to an earlier run are ignored
  durable::Opening open_{kWaitingMax, "the fund"};
  std::int64_t offset_ms_ = 0;  // agreed time minus the monotonic clock, so that a step of the wall clock has no effect
  wallet::BookId book_;
  Address owner_;
  std::optional<Address> on_chain_;  // the fund's address on the chain, once known
  std::string why_ = "the fund is being read";
  std::map<ProposalId, std::vector<ProposalReply>> waiting_;  // replies that wait for the ledger
};

}  // namespace troupe::fund
