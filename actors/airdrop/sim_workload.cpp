#include "actors/airdrop/sim_workload.hpp"

#include <algorithm>

#include "messages/airdrop.capnp.h"
#include "messages/codec.hpp"
#include "messages/fund.capnp.h"
#include "runtime/base/ensure.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::airdrop {
namespace {

using base::Code;

constexpr UnixMs kVoteLife{40'000};              // our choice
constexpr std::size_t kAtOnce = 2;               // our choice
constexpr std::uint32_t kPostingsAtOnce = 3;     // our choice
constexpr UnixMs kDay = std::chrono::hours(24);  // of UTC

/// Returns whether the error is final: repeating the request gives the same error.
bool definite(const base::Error& error) { return base::is_final(error.code) || error.code == Code::not_found; }

crypto::SecretKey key_of(std::size_t party) {
  crypto::Seed seed;
  seed.bytes = crypto::sha256(base::as_bytes("airdrop party " + std::to_string(party))).bytes;
  return crypto::SecretKey(seed);
}

/// Returns an account without other payments.
Address account_named(const std::string& name) {
  Address out;
  out.bytes = crypto::sha256(base::as_bytes(name)).bytes;
  return out;
}

}  // namespace

Address sim_party(std::size_t party) { return wallet::address_of(key_of(party).public_key()); }

AirdropWorkload::AirdropWorkload(sim::Nodes& nodes, const sim::Scenario& scenario) : BookWorld(nodes, scenario) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(kSimParties); ++i)
    accounts_.push_back({key_of(i), sim_party(i)});
}

void AirdropWorkload::died(std::size_t node) {
  BookWorld::died(node);
  paying_fund_ = false;
  for (Account& one : accounts_) one.asking = false;
  for (Drop& one : drops_) one.asking = false;
  for (Vote& one : votes_) one.asking = false;
}

void AirdropWorkload::perform(const sim::Operation& operation) {
  const std::size_t node = operation.node;
  const auto number = [&](const char* name) { return static_cast<std::size_t>(operation.number(name)); };
  by_operation([&] {
    if (operation.what == "airdrop.found") return found(number("members"));
    if (operation.what == "airdrop.push" || !book_) return push(node);
    if (operation.what == "airdrop.drop")
      return drop(node, number("owner"), operation.number("plan"), operation.number("recipients"));
    base::ensure(operation.what == "airdrop.vote", "an operation of this domain is in its spec");
    vote(node, number("by"), operation.number("amount"), operation.number("plan"));
  });
}

void AirdropWorkload::push(std::size_t node) {
  if (members_.count() == 0) return;
  if (!made_) return found(members_.count());
  if (!nodes_.serving(node)) return;
  if (!book_) return learn(node);
  const std::size_t member = node % members_.count();
  if (nodes_.serving(member)) {
    for (std::size_t i = 0; i < accounts_.size(); ++i)
      issue("party " + std::to_string(i), accounts_[i].address, accounts_[i].funded, accounts_[i].asking, member);
    issue("the fund", fund::account_of(*book_), fund_paid_, paying_fund_, member);
  }
  // A few at a time, in turns, because mailboxes are small in simulation runs.
  ++turn_;
  std::size_t begun = 0;
  for (std::size_t i = 0; i < drops_.size() && begun < kAtOnce; ++i)
    if (Drop& one = drops_[(turn_ + i) % drops_.size()]; !one.over && !one.asking) {
      go_on(one, node);
      ++begun;
    }
  for (std::size_t i = 0; i < votes_.size() && begun < 2 * kAtOnce; ++i)
    if (Vote& one = votes_[(turn_ + i) % votes_.size()]; !one.over && !one.asking) {
      go_on(one, node);
      ++begun;
    }
}

void AirdropWorkload::next_number(std::size_t node, Account& account,
                                  base::Callback<void(wallet::TransferNumber)> then) {
  if (!account.funded || account.creating || std::exchange(account.asking, true)) return;
  const auto held = std::make_shared<base::Callback<void(wallet::TransferNumber)>>(std::move(then));
  ask<wallet::wire::GetAccount, wallet::wire::AccountIs>(
      begin(node, "a read of an account"), wallet::kPath, kWait,
      [address = account.address](wallet::wire::GetAccount::Builder out) { out.setAddress(data_of(address.view())); },
      [&account, held](const Error& error, wallet::wire::AccountIs::Reader is) {
        account.asking = false;
        if (!error && !account.creating) (*held)({is.getAccount().getDebits() + 1});
      });
}

// -- airdrops --------------------------------------------------------------------------------------------------------

void AirdropWorkload::drop(std::size_t node, std::size_t owner, std::int64_t plan, std::int64_t recipients) {
  Drop made;
  made.index = drops_.size();
  made.owner = owner;
  made.plan = static_cast<DropPlan>(plan);
  const std::int64_t count = made.plan == DropPlan::strikes_all ? 1 : recipients;
  for (std::int64_t i = 0; i < count; ++i)
    made.list.push_back({account_named("recipient " + std::to_string(made.index) + " " + std::to_string(i)),
                         1 + static_cast<std::uint64_t>(i % 7)});
  std::ranges::sort(made.list, {}, &Recipient::to);
  Terms blank;
  blank.book = *book_;
  blank.owner = accounts_[owner].address;
  blank.nonce.bytes[0] = static_cast<std::uint8_t>(made.index);
  blank.pool = Amount::of(static_cast<std::uint64_t>(count) * 3 + 5);
  made.terms = make_terms(blank, made.list).value();
  made.id = id_of(made.terms);
  drops_.push_back(std::move(made));
  go_on(drops_.back(), node);
}

void AirdropWorkload::go_on(Drop& drop, std::size_t node) {
  switch (drop.step) {
    case Step::create: return create(drop, node);
    case Step::page: return give_page(drop, node);
    case Step::object: return object(drop, node);
    case Step::decide: return decide(drop, node);
    case Step::watch: return look(drop, node);
  }
}

void AirdropWorkload::create(Drop& drop, std::size_t node) {
  Account& owner = accounts_[drop.owner];
  if (!drop.deposit)
    return next_number(node, owner, [this, &drop, &owner, node](wallet::TransferNumber number) {
      if (drop.deposit) return;
      drop.deposit = wallet::Transfer{*book_, owner.address, number, {{account_of(drop.id), drop.terms.pool}}, ""};
      owner.creating = true;
      if (nodes_.serving(node)) create(drop, node);
    });
  if (std::exchange(drop.asking, true)) return;
  ask<wire::CreateAirdrop, wire::AirdropIs>(
      begin(node, "airdrop " + std::to_string(drop.index)), kPath, kWait,
      [this, &drop, &owner](wire::CreateAirdrop::Builder out) {
        out.setTerms(data_of(encode(drop.terms)));
        wallet::write(out.initBy(), {owner.key.public_key(), owner.key.sign(encode(drop.terms))});
        wallet::write(out.initDeposit(), *drop.deposit, owner.key);
      },
      [&drop, &owner](const Error& error, wire::AirdropIs::Reader) {
        drop.asking = false;
        if (error && !definite(*error)) return;
        owner.creating = false;
        drop.over = error.has_value();
        drop.step = drop.plan == DropPlan::no_list ? Step::watch : Step::page;
      });
}

void AirdropWorkload::give_page(Drop& drop, std::size_t node) {
  drop.asking = true;
  ask<wire::AddPage, wire::AirdropStep>(
      begin(node, "the list of airdrop " + std::to_string(drop.index)), kPath, kWait,
      [&drop](wire::AddPage::Builder out) {
        out.setId(data_of(drop.id.view()));
        out.setRows(data_of(encode(pages_of(drop.list)[0])));
      },
      [&drop](const Error& error, wire::AirdropStep::Reader) {
        drop.asking = false;
        if (!error) drop.step = drop.plan == DropPlan::paid ? Step::watch : Step::object;
        else if (definite(*error)) drop.step = Step::watch;  // it came too late
      });
}

void AirdropWorkload::object(Drop& drop, std::size_t node) {
  const Account& by = accounts_[(drop.owner + 1) % accounts_.size()];
  if (!by.funded) return;
  drop.asking = true;
  ask<wire::Object, wire::ObjectedRow>(
      begin(node, "an objection in airdrop " + std::to_string(drop.index)), kPath, kWait,
      [&drop, &by](wire::Object::Builder out) {
        const Address& to = drop.list.front().to;
        out.setId(data_of(drop.id.view()));
        out.setRecipient(data_of(to.view()));
        out.setReason("a bot");
        wallet::write(out.initBy(), {by.key.public_key(), by.key.sign(object_bytes(drop.id, to, "a bot"))});
      },
      [&drop](const Error& error, wire::ObjectedRow::Reader) {
        drop.asking = false;
        if (!error) drop.step = Step::decide;
        else if (definite(*error)) drop.step = Step::watch;
      });
}

void AirdropWorkload::decide(Drop& drop, std::size_t node) {
  const Account& owner = accounts_[drop.owner];
  const bool strike = drop.plan != DropPlan::keeps;
  drop.asking = true;
  ask<wire::Decide, wire::ObjectedRow>(
      begin(node, "a decision in airdrop " + std::to_string(drop.index)), kPath, kWait,
      [&drop, &owner, strike](wire::Decide::Builder out) {
        const Address& to = drop.list.front().to;
        out.setId(data_of(drop.id.view()));
        out.setRecipient(data_of(to.view()));
        out.setStrike(strike);
        wallet::write(out.initBy(), {owner.key.public_key(), owner.key.sign(decide_bytes(drop.id, to, strike))});
      },
      [&drop, strike](const Error& error, wire::ObjectedRow::Reader) {
        drop.asking = false;
        if (error && !definite(*error)) return;
        drop.struck = strike && !error;
        drop.step = Step::watch;
      });
}

/// Compares the book with the expected payments once the airdrop has ended.
void AirdropWorkload::look(Drop& drop, std::size_t node) {
  drop.asking = true;
  ask<wire::GetAirdrop, wire::AirdropIs>(
      begin(node, "a read of airdrop " + std::to_string(drop.index)), kPath, kWait,
      [&drop](wire::GetAirdrop::Builder out) { out.setId(data_of(drop.id.view())); },
      [this, &drop, node](const Error& error, wire::AirdropIs::Reader is) {
        drop.asking = false;
        if (error && error->code == Code::not_found)
          return nodes_.violated("known",
                                 "airdrop " + std::to_string(drop.index) + " was acknowledged, and is not known");
        const std::string state = error ? "" : text_of(is.getStep().getState());
        if ((state != "paid" && state != "returned") || !nodes_.serving(node)) return;
        drop.asking = true;
        read_postings(node, account_of(drop.id), 0, std::make_shared<Paid>(),
                      [this, &drop, returned = state == "returned"](const Paid* paid) {
                        drop.asking = false;
                        if (paid != nullptr) judge(drop, *paid, returned);
                      });
      });
}

void AirdropWorkload::judge(Drop& drop, const Paid& paid, bool returned) {
  wallet::Wide in = 0, out = 0;
  for (const auto& [address, amount] : paid.in) in += amount;
  for (const auto& [address, amount] : paid.out) out += amount;
  if (out < in) return;  // the asked book is behind
  drop.over = true;
  const auto wrong = [&](const std::string& how) {
    nodes_.violated("paid", "airdrop " + std::to_string(drop.index) + how);
  };
  if (out > in) return wrong(" has paid more than it received");
  if (!paid.numbers.empty() && *paid.numbers.rbegin() != paid.numbers.size()) return wrong(" has left out a number");
  std::map<Address, wallet::Wide> due{{drop.terms.owner, drop.terms.pool.units()}};
  if (paid.in != due) return wrong(" received a sum other than its pool");
  if (!returned) {
    due.clear();
    const std::uint64_t weights = drop.terms.weights - (drop.struck ? drop.list.front().weight : 0);
    if (weights == 0) return wrong(" has paid, although all recipients were struck");
    Shares shares(drop.terms.pool, weights);
    for (std::size_t i = drop.struck ? 1 : 0; i < drop.list.size(); ++i) {
      due[drop.list[i].to] = shares.next(drop.list[i].weight).units();
      const auto credits = paid.credits.find(drop.list[i].to);
      if (credits != paid.credits.end() && credits->second > 1) return wrong(" has paid a recipient twice");
    }
  }
  if (drop.struck && paid.out.contains(drop.list.front().to))
    return nodes_.violated("struck", "airdrop " + std::to_string(drop.index) + " has paid a struck recipient");
  std::erase_if(due, [](const auto& one) { return one.second == 0; });
  if (due != paid.out) wrong(" has paid wrong recipients or amounts");
}

// -- the fund --------------------------------------------------------------------------------------------------------

void AirdropWorkload::vote(std::size_t node, std::size_t by, std::int64_t amount, std::int64_t plan) {
  if (!fund_paid_) return push(node);
  Vote made;
  made.index = votes_.size();
  made.by = by;
  made.plan = static_cast<VotePlan>(plan);
  made.content = {.what = fund::Payment{account_named("vote " + std::to_string(made.index)),
                                        Amount::of(static_cast<std::uint64_t>(amount)), "sim"},
                  .reason = "a test",
                  .expiry = {false, kVoteLife}};
  made.content.nonce.bytes[0] = static_cast<std::uint8_t>(made.index);
  made.id = fund::id_of(*book_, made.content);
  votes_.push_back(std::move(made));
  go_on(votes_.back(), node);
}

void AirdropWorkload::go_on(Vote& vote, std::size_t node) {
  const std::size_t asked = vote.plan == VotePlan::one_signs  ? 1
                            : vote.plan == VotePlan::two_sign ? 2
                                                              : static_cast<std::size_t>(kSimSigners);
  if (vote.proposed && vote.signers < asked) return sign(vote, node);
  if (vote.proposed) return look(vote, node);
  const Account& by = accounts_[vote.by];
  vote.asking = true;
  ask<fund::wire::Propose, fund::wire::ProposalIs>(
      begin(node, "proposal " + std::to_string(vote.index)), fund::kPath, kWait,
      [this, &vote, &by](fund::wire::Propose::Builder out) {
        out.setContent(data_of(encode(vote.content)));
        wallet::write(out.initBy(), {by.key.public_key(), by.key.sign(fund::propose_bytes(*book_, vote.content))});
      },
      [&vote](const Error& error, fund::wire::ProposalIs::Reader) {
        vote.asking = false;
        vote.proposed = !error;
        vote.over = error && definite(*error);
      });
}

void AirdropWorkload::sign(Vote& vote, std::size_t node) {
  const Account& by = accounts_[vote.signers];
  vote.asking = true;
  ask<fund::wire::SignProposal, fund::wire::ProposalIs>(
      begin(node, "a signature of proposal " + std::to_string(vote.index)), fund::kPath, kWait,
      [this, &vote, &by](fund::wire::SignProposal::Builder out) {
        out.setId(data_of(vote.id.view()));
        wallet::write(out.initBy(), {by.key.public_key(), by.key.sign(fund::sign_bytes(*book_, vote.content))});
      },
      [&vote](const Error& error, fund::wire::ProposalIs::Reader) {
        vote.asking = false;
        if (!error || definite(*error)) ++vote.signers;
      });
}

void AirdropWorkload::look(Vote& vote, std::size_t node) {
  vote.asking = true;
  ask<fund::wire::GetProposal, fund::wire::ProposalIs>(
      begin(node, "a read of proposal " + std::to_string(vote.index)), fund::kPath, kWait,
      [&vote](fund::wire::GetProposal::Builder out) { out.setId(data_of(vote.id.view())); },
      [this, &vote, node](const Error& error, fund::wire::ProposalIs::Reader is) {
        vote.asking = false;
        if (error && error->code == Code::not_found)
          return nodes_.violated("known",
                                 "proposal " + std::to_string(vote.index) + " was acknowledged, and is not known");
        const std::string state = error ? "open" : text_of(is.getState());
        if (state == "open" || !nodes_.serving(node)) return;
        std::set<Address> signers;
        for (const auto one : is.getSigned())
          if (const auto signer = Address::from(bytes_of(one))) signers.insert(*signer);
        if (state == "paid" && signers.size() < kSimThreshold)
          return nodes_.violated("voted",
                                 "proposal " + std::to_string(vote.index) + " was paid with too few signatures");
        vote.asking = true;
        read_postings(node, std::get<fund::Payment>(vote.content.what).to, 0, std::make_shared<Paid>(),
                      [this, &vote, was_paid = state == "paid"](const Paid* paid) {
                        vote.asking = false;
                        if (paid != nullptr) judge(vote, *paid, was_paid);
                      });
      });
}

void AirdropWorkload::judge(Vote& vote, const Paid& paid, bool was_paid) {
  vote.over = true;
  wallet::Wide in = 0;
  for (const auto& [from, amount] : paid.in) in += amount;
  const auto& payment = std::get<fund::Payment>(vote.content.what);
  if (in != (was_paid ? payment.amount.units() : 0))
    nodes_.violated("voted", "proposal " + std::to_string(vote.index) + " of " + payment.amount.text() + " has paid " +
                                 std::to_string(static_cast<std::uint64_t>(in)));
}

// -- the book's answers ----------------------------------------------------------------------------------------------

void AirdropWorkload::read_postings(std::size_t node, const Address& account, std::uint64_t before,
                                    std::shared_ptr<Paid> paid, base::Callback<void(const Paid*)> then) {
  const auto held = std::make_shared<base::Callback<void(const Paid*)>>(std::move(then));
  ask<wallet::wire::ListPostings, wallet::wire::Postings>(
      begin(node, "the postings of an account"), wallet::kPath, kWait,
      [account, before](wallet::wire::ListPostings::Builder out) {
        out.setAddress(data_of(account.view()));
        out.setBefore(before);
        out.setLimit(kPostingsAtOnce);
      },
      [this, node, account, paid, held](const Error& error, wallet::wire::Postings::Reader are) {
        if (error) return (*held)(nullptr);
        std::uint64_t last = 0;
        for (const auto row : are.getRows()) {
          const auto posting = wallet::decode_posting(bytes_of(row));
          if (!posting) return nodes_.violated("book", "a posting is malformed");
          last = posting->sequence;
          const wallet::Transfer& transfer = posting->transfer;
          const bool out = transfer.from == account;
          if (out) paid->numbers.insert(transfer.number.value);
          for (const wallet::Credit& credit : transfer.credits) {
            if (out) {
              paid->out[credit.to] += credit.amount.units();
              ++paid->credits[credit.to];
            } else if (credit.to == account) {
              paid->in[transfer.from] += credit.amount.units();
            }
          }
        }
        if (!are.getMore() || last == 0) return (*held)(paid.get());
        if (!nodes_.serving(node)) return (*held)(nullptr);
        read_postings(node, account, last, paid, [held](const Paid* all) { (*held)(all); });
      });
}

// -- convergence -----------------------------------------------------------------------------------------------------

void AirdropWorkload::probe() {
  if (closing_) audit();
  if (const auto node = sim::first_serving(nodes_, turn_++)) push(*node);
}

std::vector<std::string> AirdropWorkload::waits() const {
  std::vector<std::string> out;
  if (waits_for_group(out)) return out;
  if (members_.clocks_go_on()) {
    for (const Drop& one : drops_)
      if (one.step != Step::create && one.plan != DropPlan::no_list && !one.over)
        out.push_back("airdrop " + std::to_string(one.index) + " has not ended");
    for (const Vote& one : votes_)
      if (one.proposed && !one.over) out.push_back("proposal " + std::to_string(one.index) + " has not ended");
  }
  if (closing_ && !audited_) out.push_back("the book is not checked yet");
  return out;
}

void AirdropWorkload::book_is_whole(std::size_t node) {
  if (!nodes_.serving(node)) return;
  auditing_ = true;
  audit_fund(node, std::make_shared<fund::Fund>(*book_), std::make_shared<std::vector<fund::Entry>>());
}

/// Reads the whole log of the fund.
void AirdropWorkload::audit_fund(std::size_t node, std::shared_ptr<fund::Fund> fund,
                                 std::shared_ptr<std::vector<fund::Entry>> log) {
  ask<fund::wire::ListEntries, fund::wire::Entries>(
      begin(node, "the log of the fund"), fund::kPath, kWait,
      [after = log->size()](fund::wire::ListEntries::Builder out) { out.setAfter(after); },
      [this, node, fund, log](const Error& error, fund::wire::Entries::Reader are) {
        auditing_ = false;
        if (error) return;
        for (const auto row : are.getRows()) {
          auto entry = fund::decode_entry(bytes_of(row));
          if (!entry || !fund->replay(*entry)) return nodes_.violated("voted", "the log of the fund is broken");
          log->push_back(std::move(*entry));
        }
        if (are.getMore() && nodes_.serving(node)) {
          auditing_ = true;
          return audit_fund(node, fund, log);
        }
        if (are.getMore()) return;
        audited_ = true;
        judge(*log);
      });
}

/// Checks the cap by the events only.
void AirdropWorkload::judge(const std::vector<fund::Entry>& log) {
  std::map<fund::ProposalId, std::uint64_t> amounts;
  std::map<std::uint64_t, std::uint64_t> days;
  for (const fund::Entry& entry : log) {
    if (const auto* proposed = std::get_if<fund::Proposed>(&entry.event))
      amounts[fund::id_of(*book_, proposed->content)] = std::get<fund::Payment>(proposed->content.what).amount.units();
    const auto* step = std::get_if<fund::Step>(&entry.event);
    if (step == nullptr || step->what != fund::Step::What::approved) continue;
    if ((days[entry.time / kDay] += amounts[step->id]) > static_cast<std::uint64_t>(kSimDailyCap))
      return nodes_.violated("cap", "the fund approved more than its cap in a day");
  }
}

}  // namespace troupe::airdrop
