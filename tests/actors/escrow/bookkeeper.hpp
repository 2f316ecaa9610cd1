#pragma once
// A node that keeps a book, with its store, in virtual time; its power may fail at any operation of its disk. The book
// may be a chain, of which the node is the only validator.
#include "actors/airdrop/airdrops_actor.hpp"
#include "actors/chain/chain_actor.hpp"
#include "actors/chain/chain_book_actor.hpp"
#include "actors/chain/validator_actor.hpp"
#include "actors/escrow/codec.hpp"
#include "actors/escrow/escrows_actor.hpp"
#include "actors/wallet/wallet_actor.hpp"
#include "messages/codec.hpp"
#include "runtime/crypto/hash.hpp"
#include "runtime/net/pool.hpp"
#include "runtime/store/store_actor.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"
#include "tests/support.hpp"

namespace troupe::escrow {

inline crypto::SecretKey key_named(const std::string& name) {
  crypto::Seed seed;
  seed.bytes = crypto::sha256(base::as_bytes(name)).bytes;
  return crypto::SecretKey(seed);
}

/// A person who signs, and knows the number of the next transfer.
struct Person {
  explicit Person(const std::string& name) : key(key_named(name)), policy(wallet::Policy::of_key(key.public_key())) {}
  const Address& address() const { return policy.address(); }
  wallet::Approval sign(base::ByteView bytes) const { return {key.public_key(), key.sign(bytes)}; }
  void write(wallet::wire::SignedTransfer::Builder out, const wallet::Transfer& transfer) const {
    const auto approval = sign(wallet::encode(transfer));
    wallet::write(out, transfer, policy, std::span(&approval, 1));
  }

  crypto::SecretKey key;
  wallet::Policy policy;
  std::uint64_t acts = 0;
};

class Bookkeeper {
 public:
  /// Accounts that the genesis of a chain gives money, and how much.
  struct OnChain {
    std::vector<Address> accounts;
    std::uint64_t each = 0;                    ///< also of the node's own account
    std::optional<std::uint64_t> block_gas{};  ///< else what a chain begins with
    std::uint64_t block_interval_ms = 0;
  };
  /// `dice`: what survives of what was not synced. Without `on_chain` it is a book.
  explicit Bookkeeper(std::uint64_t dice, const std::optional<OnChain>& on_chain = {},
                      std::uint32_t transfers_per_minute = 60'000)
      : transfers_per_minute_(transfers_per_minute), fabric_(sim::Fabric::make(stage_)), dice_(dice) {
    sim::NodePorts& ports = stage_.keep<sim::NodePorts>(stage_, fabric_, kNumber, disk);
    identity_ = std::make_shared<const crypto::Identity>(crypto::Identity::make(ports.world().chance, 0));
    if (on_chain) found(*on_chain);
    begin();
  }
  ~Bookkeeper() { end(); }

  /// Asks until the answer is `A`, over as many failures of the power as there are. An error is given back if asking
  /// again cannot help.
  template <class Q, class A, class Fill, class Then>
  std::optional<base::Error> ask(const std::string& path, Fill fill, Then then) {
    for (int tries = 0; tries < kTries; ++tries) {
      struct Heard {
        bool over = false;
        std::optional<base::Error> error{};
      };
      const auto heard = std::make_shared<Heard>();
      inside([&](test::Scripted& self) {
        self.ask<Q, A>(self.node().find(path), self.now() + kDue, fill, [heard, then](runtime::Answer<A> answer) {
          heard->over = true;
          if (answer.ok()) then(answer.value());
          else heard->error = answer.error();
        });
      });
      stage_.run_until([&] { return heard->over || disk.halted(); }, kDue + kDue);
      if (!heard->over) {
        power_fails();
        continue;
      }
      if (!heard->error) return std::nullopt;
      const base::Code code = heard->error->code;
      if (code == base::Code::refused || code == base::Code::conflict || code == base::Code::malformed)
        return heard->error;
      if (disk.halted()) power_fails();
      else stage_.run_for(std::chrono::seconds(1));
    }
    return base::Error{base::Code::timeout, "never answered"};
  }
  void run_for(base::Duration span) {
    stage_.run_for(span);
    if (disk.halted()) power_fails();
  }
  std::size_t failures() const { return failures_; }
  /// Runs it in a handler of an actor of the node; what it asks is answered in run_for().
  void inside(std::function<void(test::Scripted&)> what) {
    Life& life = *lives_.back();
    life.what = std::move(what);
    life.outside->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {},
                                                    runtime::Envelope::build<messages::wire::Nothing>({}, [](auto) {})),
                          nullptr);
  }
  UnixMs time() { return wallet::unix_ms(lives_.back()->ports.world().clock.wall()); }

  sim::Disk disk;
  /// Of accounts that are followed at kTold: the sequences of what credited them, as they were told.
  std::map<base::Digest, std::vector<std::uint64_t>> told;
  static constexpr const char* kTold = "/outside";
  bool takes = true;  // else what they are told waits here
  std::vector<runtime::Reply<messages::wire::Nothing>> untaken;

 private:
  static constexpr std::uint16_t kNumber = 1;
  static constexpr int kTries = 50;
  static constexpr std::chrono::seconds kDue{60};
  struct Life {
    Life(sim::Stage& stage, std::shared_ptr<sim::Fabric> fabric, sim::Disk& disk)
        : ports(stage.keep<sim::NodePorts>(stage, std::move(fabric), kNumber, disk)),
          node(stage.system(), ports.world()) {}
    sim::NodePorts& ports;
    runtime::Node node;
    std::shared_ptr<net::Pool> pool;
    runtime::Handle outside;
    std::function<void(test::Scripted&)> what;
  };

  void found(const OnChain& on_chain) {
    crypto::Seed seed;
    seed.bytes.fill(77);
    signer_ = std::make_shared<const crypto::SecretKey>(seed);
    const Address own = wallet::address_of(identity_->public_key());
    const chain::Founding founding{
        {identity_->public_key(), identity_->nonce(), signer_->public_key(), own, Amount::of(1'000)},
        Amount::of(on_chain.each)};
    chain::Parameters parameters;
    if (on_chain.block_gas) REQUIRE(parameters.set(chain::Param::block_gas, *on_chain.block_gas));
    REQUIRE(parameters.set(chain::Param::block_interval_ms, on_chain.block_interval_ms));
    auto genesis = chain::found("sim", chain::UnixMs{1}, chain::Purpose::test, parameters, {founding});
    REQUIRE(genesis.ok());
    chain::Genesis made = std::move(genesis).value();
    for (const Address& account : on_chain.accounts) made.balances[account] = Amount::of(on_chain.each);
    const base::Bytes message = signed_bytes(made);
    const crypto::Signature by_node = identity_->key().sign(message);
    const chain::Authority by_wallet{wallet::Policy::of_key(identity_->public_key()),
                                     {{identity_->public_key(), by_node}}};
    chain::SignedGenesis whole(std::move(made));
    REQUIRE(whole.sign(identity_->id(), {signer_->sign(message), by_node, by_wallet}));
    genesis_ = std::make_shared<const chain::SignedGenesis>(std::move(whole));
  }
  void begin() {
    lives_.push_back(std::make_unique<Life>(stage_, fabric_, disk));
    Life& life = *lives_.back();
    net::NetSetup setup;
    setup.terms.work_bits = 0;
    setup.identity = identity_;
    life.pool = std::make_shared<net::Pool>(life.node, setup);
    const auto place = *durable::Place::parse(genesis_ ? "chain" : "self");
    const chain::ChainSettings ledger{.links = life.pool,
                                      .identity = identity_,
                                      .genesis = genesis_,
                                      .signer = signer_,
                                      .dev = true,
                                      .counters = std::make_shared<chain::Counters>()};
    auto escrows = std::make_shared<EscrowSettings>();
    escrows->links = life.pool;
    escrows->book = place;
    const wallet::WalletSettings money{
        .links = life.pool, .identity = identity_, .book = place, .transfers_per_minute = transfers_per_minute_};
    const airdrop::AirdropSettings drops{.links = life.pool, .book = place, .objections = std::chrono::minutes(1)};
    life.node.start("node", test::script({}, [=](test::Scripted& self) {
                      self.spawn("store", [] { return std::make_unique<store::StoreActor>("store"); }, {});
                      if (ledger.genesis) {
                        const auto use = chain::ChainBookActor::Use::book;
                        self.spawn("chainbook", [=] { return std::make_unique<chain::ChainBookActor>(ledger, use); },
                                   {});
                        self.spawn("validator", [=] { return std::make_unique<chain::ValidatorActor>(ledger); }, {});
                        self.spawn("chain", [=] { return std::make_unique<chain::ChainActor>(ledger); }, {});
                      }
                      self.spawn("wallet", [=] { return std::make_unique<wallet::WalletActor>(money); }, {});
                      self.spawn("escrow", [=] { return std::make_unique<EscrowsActor>(escrows); }, {});
                      self.spawn("airdrop", [=] { return std::make_unique<airdrop::AirdropsActor>(drops); }, {});
                    }));
    life.outside =
        life.node.start("outside", test::script([this, &life](test::Scripted& self, runtime::Handlers& on) {
                          on.ask<wallet::wire::Credited, messages::wire::Nothing>(
                              [this](wallet::wire::Credited::Reader credit, auto reply) {
                                if (!takes) return untaken.push_back(std::move(reply));
                                told[*base::Digest::from(bytes_of(credit.getId()))].push_back(credit.getSequence());
                                reply.done();
                              });
                          on.tell<messages::wire::Nothing>(
                              [&life, &self](messages::wire::Nothing::Reader) { std::exchange(life.what, {})(self); });
                        }));
    stage_.settle();
  }
  void end() {
    Life& life = *lives_.back();
    std::vector<runtime::Handle> all;
    life.node.registry().walk([&](const runtime::Listing& one) { return all.push_back(one.handle), true; });
    for (const auto& one : all) test::ActorFixture::kill(one);
    all.clear();
    life.outside = {};
    stage_.run_for(std::chrono::milliseconds(100));
  }
  void power_fails() {
    ++failures_;
    end();
    disk.crash(dice_);
    begin();
  }
  const std::uint32_t transfers_per_minute_;
  sim::Stage stage_{1};
  std::shared_ptr<sim::Fabric> fabric_;
  base::Random dice_;
  std::shared_ptr<const crypto::Identity> identity_;
  std::shared_ptr<const chain::SignedGenesis> genesis_;
  std::shared_ptr<const crypto::SecretKey> signer_;
  std::vector<std::unique_ptr<Life>> lives_;
  std::size_t failures_ = 0;
};

}  // namespace troupe::escrow
