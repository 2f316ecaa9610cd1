#include "actors/chain/sim.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "actors/chain/chain_actor.hpp"
#include "actors/chain/sim_conspiracy.hpp"
#include "actors/chain/sim_liar.hpp"
#include "messages/codec.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/crypto/hash.hpp"
#include "runtime/sim/clients.hpp"
#include "runtime/sim/draw.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;
using sim::node_name;

constexpr std::chrono::seconds kAnswer{20};  // our choice
constexpr std::uint32_t kBlocksAtOnce = 100;
constexpr std::uint64_t kStake = 100;
constexpr std::uint64_t kBalance = 1'000'000'000;
constexpr std::uint64_t kLife = 50'000;  // heights, of a payment: no run has as many

// -- the run's founders

crypto::Seed seed_of(std::string_view what, std::size_t node) {
  const base::Digest drawn = crypto::sha256(base::as_bytes(std::string(what) + std::to_string(node)));
  return crypto::Seed(drawn.bytes);
}
crypto::SecretKey node_key(std::size_t node) { return crypto::SecretKey(seed_of("sim chain node ", node)); }
crypto::SecretKey consensus_key(std::size_t node) { return crypto::SecretKey(seed_of("sim chain vote ", node)); }
crypto::SecretKey wallet_key(std::size_t node) { return crypto::SecretKey(seed_of("sim chain wallet ", node)); }
wallet::Address address_of(std::size_t node) { return wallet::address_of(wallet_key(node).public_key()); }

/// In larger runs the last node only follows, and is not a validator.
std::size_t founders_of(std::size_t nodes) { return nodes > 4 ? nodes - 1 : nodes; }

/// In every second size of runs that tolerate it, one founder is malicious.
constexpr std::size_t kLiar = 1;
bool has_liar(std::size_t nodes) { return founders_of(nodes) >= 4 && nodes % 2 == 0; }

/// Returns the smallest useful coalition: with either half of the other founders it exceeds two thirds.
std::size_t conspirators_of(std::size_t founders) {
  std::size_t out = 1;
  while (3 * (out + (founders - out) / 2) <= 2 * founders) ++out;
  return out;
}
Conspiracy conspiracy_of(sim::Nodes& nodes, const ChainId& chain) {
  const std::size_t founders = founders_of(nodes.size()), last = kLiar + conspirators_of(founders);
  std::vector<Conspiracy::Member> members;
  std::array<std::vector<std::size_t>, 2> deceived;
  for (std::size_t node = 0; node < founders; ++node)
    if (node >= kLiar && node < last)
      members.push_back({crypto::node_id(node_key(node).public_key(), 0), consensus_key(node)});
    else deceived[deceived[0].size() > deceived[1].size() ? 1 : 0].push_back(node);
  return {nodes, kLiar, std::move(members), std::move(deceived), chain};
}

SignedGenesis genesis_of(std::size_t nodes) {
  std::vector<Founding> foundings;
  for (std::size_t i = 0; i < founders_of(nodes); ++i)
    foundings.push_back({{.node_key = node_key(i).public_key(),
                          .consensus_key = consensus_key(i).public_key(),
                          .address = address_of(i),
                          .stake = wallet::Amount::of(kStake)},
                         wallet::Amount::of(kBalance)});
  // Earlier than every clock of a run.
  auto genesis = found("sim", UnixMs{1}, Purpose::test, Parameters(), foundings);
  base::ensure(genesis.ok(), "the chain of a run can be created");
  SignedGenesis out(std::move(genesis).value());
  const Bytes message = signed_bytes(out.genesis());
  for (std::size_t i = 0; i < founders_of(nodes); ++i) {
    const crypto::SecretKey owner = wallet_key(i), key = node_key(i);
    const GenesisSignature signature{
        .consensus = consensus_key(i).sign(message),
        .node = key.sign(message),
        .wallet = {wallet::Policy::of_key(owner.public_key()), {{owner.public_key(), owner.sign(message)}}}};
    base::ensure(out.sign(crypto::node_id(key.public_key(), 0), signature), "founders sign");
  }
  return out;
}

std::vector<sim::GivenFile> files(std::size_t node, std::size_t nodes) {
  std::vector<sim::GivenFile> out;
  const auto identity = crypto::Identity::from(node_key(node), 0, 0);
  out.push_back({std::string(crypto::kIdentityFile), identity->encode()});
  out.push_back({kChainFile, genesis_of(nodes).encode()});
  if (node >= founders_of(nodes) || (node == kLiar && has_liar(nodes))) return out;
  const std::string hex = base::Digest{seed_of("sim chain vote ", node).bytes}.hex() + '\n';
  out.push_back({kValidatorFile, Bytes(hex.begin(), hex.end())});
  return out;
}

// -- payments

std::vector<sim::Operation> draw_operations(base::Random& random, const sim::Shape& shape) {
  sim::Draw draw(random, shape);
  std::vector<sim::Operation> out;
  for (std::size_t i = 0, count = draw.count(4, 120); i < count; ++i)
    out.push_back(
        {draw.moment(), draw.node(), "chain.pay", {{"from", draw.node()}, {"amount", 1 + draw.below(1'000)}}});
  return out;
}

struct Payment {
  TxId id;
  Bytes bytes;
  std::size_t from = 0;
  std::optional<std::uint64_t> height;  // once it is final
  bool void_ = false;                   // another payment has its nonce, or it can no longer be paid
  bool asking = false;
};

class ChainWorkload final : public sim::Workload, private sim::Clients<sim::Client> {
 public:
  ChainWorkload(sim::Nodes& nodes, const sim::Scenario& scenario)
      : Clients(nodes), chain_{id_of(genesis_of(nodes.size()).genesis()).bytes} {
    for (std::size_t node = 0; node < nodes.size(); ++node)
      ids_.push_back(crypto::node_id(node_key(node).public_key(), 0));
    if (!has_liar(nodes.size())) return;
    if (scenario.beyond) conspiracy_.emplace(conspiracy_of(nodes, chain_));
    else liar_.emplace(nodes, kLiar, consensus_key(kLiar), chain_);
  }

  void perform(const sim::Operation& operation) override {
    base::ensure(operation.what == "chain.pay", "an operation of this domain is in its spec");
    by_operation([&] {
      pay(operation.node, static_cast<std::size_t>(operation.number("from")) % founders_of(nodes_.size()),
          static_cast<std::uint64_t>(operation.number("amount")));
    });
  }
  void died(std::size_t node) override {
    Clients::died(node);
    for (auto& [id, payment] : payments_) payment.asking = false;
    for (auto at = busy_.begin(); at != busy_.end();) at = at->second == node ? busy_.erase(at) : std::next(at);
    heights_.erase(node);
    asked_.erase(node);
    keyless_.erase(node);
  }

  void handled(std::size_t node, std::string_view path, const runtime::Actor& actor) override {
    if (path != kPath || !has_chain(node)) return;
    const auto* chain = dynamic_cast<const ChainActor*>(&actor);
    const rows::Head* head = chain == nullptr ? nullptr : chain->head();
    if (head != nullptr && liar_ && liar_->node() == node) liar_->handled(*chain);
    if (head != nullptr && chain->keyless()) keyless_.insert(node);
    if (head != nullptr && conspiracy_) return conspired(node, *chain);
    if (head == nullptr || head->height.value == 0) return;
    const std::vector<base::NodeId> accused = chain->accused();
    const auto seen = heads_.find(head->height);
    const bool same =
        seen != heads_.end() && seen->second.id == head->id && seen->second.state.hash == head->state.hash;
    if ((same && accused.empty()) || !promised()) return;
    const auto [at, first] = heads_.try_emplace(head->height, *head);
    if (!first && (at->second.id != head->id || at->second.state.hash != head->state.hash))
      return nodes_.violated("agreement", node_name(node) + " has another block of height " +
                                              std::to_string(head->height.value) + ", or another state after it");
    for (const base::NodeId& liar : accused)
      if (const auto place = nodes_.find(liar);
          place && !nodes_.lost_data(*place) && !(liar_ && liar_->node() == *place))
        return nodes_.violated("honest", node_name(*place) + " has signed two contents for one step");
  }

  void probe() override {
    for (std::size_t node = 0; node < nodes_.size(); ++node)
      if (nodes_.serving(node) && has_chain(node) && asked_.insert(node).second) look(node);
    follow_all();
  }

  std::vector<std::string> waits() const override {
    std::vector<std::string> out = under_way();
    if (!out.empty() || !promised() || !in_time()) return out;
    if (!goal_) return {"no node has reported its height yet"};
    for (std::size_t node = 0; node < nodes_.size(); ++node) {
      if (!has_chain(node)) continue;
      const auto height = heights_.find(node);
      if (height == heights_.end() || height->second < *goal_)
        out.push_back(node_name(node) + " has not reached height " + std::to_string(*goal_));
    }
    for (const auto& [id, payment] : payments_)
      if (!payment.height && !payment.void_) out.push_back("the payment " + id.hex().substr(0, 8) + " is in no block");
    return out;
  }

  /// By the end a node must name the nodes that signed two blocks of one height, unless a node with either block has
  /// lost it.
  void close() override {
    if (!conspiracy_ || !two_final_ || !named_.empty()) return;
    bool all = true;
    for (std::size_t node = 0; node < nodes_.size(); ++node)
      all = all && nodes_.serving(node) && !nodes_.lost_data(node) && has_chain(node);
    if (all) nodes_.violated("named", "two blocks of one height are final, and no node names the signers of both");
  }
  std::optional<double> broken_by() const override {
    if (!conspiracy_ || !two_final_) return std::nullopt;
    return static_cast<double>(conspiracy_->size()) / static_cast<double>(founders_of(nodes_.size()));
  }

 private:
  void conspired(std::size_t node, const ChainActor& chain) {
    if (node == conspiracy_->node()) conspiracy_->handled(chain);
    const rows::Head& head = *chain.head();
    if (head.height.value > 0)
      two_final_ = heads_.try_emplace(head.height, head).first->second.id != head.id || two_final_;
    const auto& divergence = chain.ledger().divergence();
    if (!divergence || !named_.insert(node).second) return;
    const std::vector<base::NodeId> suspects = suspects_of(*divergence);
    if (3 * suspects.size() <= founders_of(nodes_.size()))
      nodes_.violated("named",
                      node_name(node) + " names " + std::to_string(suspects.size()) + " suspects, which is too few");
    // In two rounds an honest validator may have signed both, because over a third have forgotten their locks.
    if (divergence->ours.place.round != divergence->theirs.place.round) return;
    for (const base::NodeId& id : suspects)
      if (const auto place = nodes_.find(id); place && !nodes_.lost_data(*place) && !conspiracy_->has(id))
        nodes_.violated("named", node_name(*place) + " is a suspect, but honest");
  }

  bool has_chain(std::size_t node) const {
    const auto id = nodes_.id(node);
    return id && *id == ids_[node];
  }
  /// Whether fewer than a third of the validators are malicious or have lost data; a chain does not tolerate more.
  bool promised() const {
    if (conspiracy_) return false;
    std::size_t lost = 0;
    for (std::size_t node = 0; node < founders_of(nodes_.size()); ++node)
      lost += (liar_ && liar_->node() == node) || nodes_.lost_data(node) || keyless_.contains(node) ||
                      (nodes_.id(node) && !has_chain(node))
                  ? 1
                  : 0;
    return 3 * lost < founders_of(nodes_.size());
  }

  /// Whether over two thirds agree on the time, even if it is earlier than the latest block's; other times are refused.
  bool in_time() const {
    const base::Duration precision = std::chrono::milliseconds(Parameters()[Param::block_precision_ms]);
    std::vector<base::Duration> founders;
    for (std::size_t node = 0; node < founders_of(nodes_.size()); ++node) {
      if ((liar_ && liar_->node() == node) || !has_chain(node)) continue;
      const auto ahead = ahead_.find(node);
      if (ahead == ahead_.end()) return true;  // unknown so far
      founders.push_back(ahead->second);
    }
    std::ranges::sort(founders);
    for (std::size_t i = 0; i < founders.size(); ++i) {
      std::size_t near = 0;
      while (i + near < founders.size() && founders[i + near] - founders[i] <= precision) ++near;
      if (3 * near > 2 * founders_of(nodes_.size())) return true;
    }
    return false;
  }
  void pay(std::size_t node, std::size_t from, std::uint64_t amount) {
    if (!has_chain(node) || !busy_.try_emplace(from, node).second) return;
    const wallet::Address address = address_of(from);
    ask<wire::GetChainAccount, wire::ChainAccount>(
        begin(node, "the account of founder " + std::to_string(from)), kPath, kAnswer,
        [address](wire::GetChainAccount::Builder out) { out.setAddress(data_of(address.view())); },
        [this, node, from, amount](const Error& error, wire::ChainAccount::Reader account) {
          if (error) return static_cast<void>(busy_.erase(from));
          send(node, from, amount, Nonce{account.getNextNonce()});
        });
  }

  void send(std::size_t node, std::size_t from, std::uint64_t amount, Nonce nonce) {
    const crypto::SecretKey key = wallet_key(from);
    const std::size_t founders = founders_of(nodes_.size());
    const wallet::Address to = founders == 1 ? wallet::account_of("sim", Bytes{1}) : address_of((from + 1) % founders);
    SignedTransaction signed_one{
        .content = {.chain = chain_,
                    .from = address_of(from),
                    .nonce = nonce,
                    .last_height = Height{kLife},
                    .fee_max = wallet::Amount::of(1'000'000),
                    .body = Transfer{{{to, wallet::Amount::of(amount)}}}},
        .from = {wallet::Policy::of_key(key.public_key()), {{key.public_key(), crypto::Signature{}}}}};
    signed_one.content.gas = gas_of(signed_one);
    signed_one.from.approvals[0].signature = key.sign(signed_bytes(signed_one.content, Fork{}));
    const TxId id = id_of(signed_one.content);
    Payment& payment = payments_[id];
    payment = {.id = id, .bytes = encode(signed_one), .from = from};
    submit(node, payment);
  }

  void submit(std::size_t node, Payment& payment) {
    payment.asking = true;
    ask<wire::SubmitTransaction, wire::TransactionInfo>(
        begin(node, "the payment " + payment.id.hex().substr(0, 8)), kPath, kAnswer,
        [bytes = payment.bytes](wire::SubmitTransaction::Builder out) { out.setTransaction(data_of(bytes)); },
        [this, &payment](const Error& error, wire::TransactionInfo::Reader info) {
          payment.asking = false;
          busy_.erase(payment.from);
          if (error && (error->code == base::Code::conflict || error->code == base::Code::refused))
            payment.void_ = true;
          if (!error) take(payment, info);
        });
  }

  void take(Payment& payment, wire::TransactionInfo::Reader info) {
    const auto state = info.getState();
    if (state == wire::TransactionState::PENDING) return;
    if (payment.height && *payment.height != info.getHeight() && promised())
      return nodes_.violated("once", "the payment " + payment.id.hex() + " is in two blocks");
    if (state == wire::TransactionState::EXPIRED) payment.void_ = true;
    else payment.height = info.getHeight();
  }

  /// Starts each time after the payment at which it started before, because a small mailbox takes only the first.
  void follow_all() {
    if (payments_.empty()) return;
    auto at = payments_.upper_bound(followed_from_);
    if (at == payments_.end()) at = payments_.begin();
    followed_from_ = at->first;
    for (std::size_t i = 0; i < payments_.size(); ++i) {
      Payment& payment = at->second;
      if (!payment.height && !payment.void_ && !payment.asking) follow(payment);
      if (++at == payments_.end()) at = payments_.begin();
    }
  }

  /// After the faults, submits payments again that a pool has lost.
  void follow(Payment& payment) {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      const std::size_t node = (payment.from + i) % nodes_.size();
      if (nodes_.serving(node) && has_chain(node)) return submit(node, payment);
    }
  }

  void look(std::size_t node) {
    sim::Client& client = begin(node, "the status of the chain");
    ask<wire::GetChainStatus, wire::ChainStatus>(
        client, kPath, kAnswer, [](wire::GetChainStatus::Builder) {},
        [this, &client, node, asked = nodes_.time()](const Error& error, wire::ChainStatus::Reader status) {
          asked_.erase(node);
          ahead_[node] = client.asked_at.since_origin() - asked;
          if (error) return;
          heights_[node] = status.getHeight();
          if (!goal_) goal_ = status.getHeight() + 2;
          sum(node);
          if (promised()) read_blocks(node, std::make_shared<History>());
        });
  }

  /// The checks of a chain while it is read from its first block on.
  struct History {
    std::uint64_t next = 1;
    Bytes parent;
    std::uint64_t time = 0;
    std::set<base::NodeId> accused;
  };

  void read_blocks(std::size_t node, const std::shared_ptr<History>& so_far) {
    ask<wire::ListBlocks, wire::BlockInfos>(
        begin(node, "the blocks"), kPath, kAnswer,
        [so_far](wire::ListBlocks::Builder out) {
          out.setFrom(so_far->next);
          out.setCount(kBlocksAtOnce);
        },
        [this, node, so_far](const Error& error, wire::BlockInfos::Reader page) {
          if (error || page.getRows().size() == 0 || !promised()) return;
          for (const auto row : page.getRows())
            if (const std::string wrong = odd(row, *so_far); !wrong.empty())
              return nodes_.violated("history", node_name(node) + " has a block of height " +
                                                    std::to_string(row.getHeight()) + ' ' + wrong);
          read_blocks(node, so_far);
        });
  }

  static std::string odd(wire::BlockInfo::Reader row, History& so_far) {
    const auto header = parse_header(bytes_of(row.getHeader()));
    if (!header || header->height.value != so_far.next || row.getHeight() != so_far.next)
      return "that is not the next block";
    if (!so_far.parent.empty() && !std::ranges::equal(header->parent.view(), so_far.parent))
      return "whose parent is not the block before it";
    const auto time = static_cast<std::uint64_t>(header->time.count());
    if (time <= so_far.time) return "that is not later than its parent";
    for (const auto bytes : row.getEvidence()) {
      const auto evidence = parse_evidence(bytes_of(bytes));
      if (!evidence) return "with evidence that cannot be read";
      if (!so_far.accused.insert(accused(*evidence)).second)
        return "with evidence against a node that was judged before";
    }
    so_far.parent.assign(row.getId().begin(), row.getId().end());
    so_far.time = time;
    ++so_far.next;
    return {};
  }

  /// Adds up the whole state, which is one page here.
  void sum(std::size_t node) {
    ask<wire::ListState, wire::StateRows>(
        begin(node, "the state"), kPath, kAnswer, [](wire::ListState::Builder) {},
        [this, node](const Error& error, wire::StateRows::Reader page) {
          if (error || page.getMore()) return;
          wallet::Wide owned = 0;
          std::optional<Totals> totals;
          for (const auto row : page.getRows()) {
            const auto key = bytes_of(row.getKey());
            if (key.size() == 1 && key.front() == static_cast<std::uint8_t>(StateKind::totals))
              totals = parse_totals(bytes_of(row.getValue()));
            if (key.empty() || key.front() != static_cast<std::uint8_t>(StateKind::account)) continue;
            const auto account = parse_account(bytes_of(row.getValue()));
            if (!account) return nodes_.violated("supply", node_name(node) + " has an account that cannot be read");
            owned += wallet::Wide{account->balance.units()} + account->staked.units() + account->unbonding.units() +
                     account->rewards.units();
          }
          if (!totals || owned + totals->faucet_pot.units() != totals->supply.units())
            nodes_.violated("supply", node_name(node) + " has a state whose accounts do not add up to its supply");
        });
  }

  const ChainId chain_;
  std::vector<base::NodeId> ids_;  // of nodes that still have their files
  std::set<std::size_t> keyless_;  // nodes whose consensus key was damaged
  std::optional<Liar> liar_;
  std::optional<Conspiracy> conspiracy_;
  bool two_final_ = false;       // two final blocks of one height
  std::set<std::size_t> named_;  // nodes that name suspects
  std::map<TxId, Payment> payments_;
  TxId followed_from_;
  std::map<std::size_t, std::size_t> busy_;  // founders that are paying, with the node that each uses
  std::map<Height, rows::Head> heads_;
  std::map<std::size_t, std::uint64_t> heights_;
  std::map<std::size_t, base::Duration> ahead_;  // each node's clock minus the time of the run
  std::set<std::size_t> asked_;
  std::optional<std::uint64_t> goal_;
};

}  // namespace

const sim::WorkloadSpec& workload() {
  static const sim::NumberSpec from{"from", 0, 1'000}, amount{"amount", 1, 1'000};
  static const sim::WorkloadSpec spec{
      .name = "chain",
      .operations = {{"pay", "a founder pays the next founder", {from, amount}}},
      .invariants =
          {
              {"agreement", "all nodes have the same block at each height, and the same state after it"},
              {"honest", "no validator that kept its disk signs two contents for one step"},
              {"once", "each payment is in one block"},
              {"supply", "all accounts and pots add up to the supply"},
              {"history", "each block follows its parent, is later, and accuses no validator that was judged before"},
              {"named",
               "if two blocks of one height are final, over a third are named as signers of both; if the rounds are "
               "equal, none of them is honest"},
          },
      .sometimes =
          {
              {"chain: a block came whole from a neighbour", "a node that was behind caught up"},
              {"chain: a validator went on where its guard stands", "a validator was killed in the middle of a height"},
              {"chain: a round failed", "a height took more than one round"},
          },
      .mutants =
          {
              {"chain.signed_unsaved", "a vote is sent before the guard that records it is durable"},
              {"chain.not_mended", "neighbours do not announce their votes"},
              {"chain.quorum_at_two_thirds", "exactly two thirds of the power are a quorum"},
              {"chain.guard_unsynced", "a vote is stored with the guard before it"},
              {"chain.time_checked_again", "a block that is proposed again must have a current date"},
              {"chain.evidence_twice", "one validator is judged in two blocks"},
              {"chain.not_synced", "blocks that other nodes have are not requested"},
              {"chain.missing_unasked", "transactions of a block that the pool lacks are not requested"},
              {"chain.pool_not_settled", "final transactions stay in the pool"},
          },
      .draw = draw_operations,
      .make = sim::make_workload<ChainWorkload>,
      .files = files,
  };
  return spec;
}

}  // namespace troupe::chain
