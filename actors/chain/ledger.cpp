#include "actors/chain/ledger.hpp"

#include "actors/chain/settings.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/base/fields.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;
using base::ByteView;
using base::Code;
using base::Error;

constexpr std::size_t kRoundsMax = 2 * Path::kBytes;  // levels of a tree: one for each half byte of a path

const Error kDamaged{Code::corrupt, "the state of the chain is damaged"};

ValidatorSet founders_of(const Genesis& genesis) {
  std::vector<Validator> out;
  for (const Founder& one : genesis.founders) out.push_back({one.node(), one.consensus_key, one.stake.units()});
  return ValidatorSet::from(std::move(out)).value();
}

/// Adds the keys of the accounts that a transaction reads or changes.
void add_keys(std::set<Bytes>& keys, const Transaction& content) {
  keys.insert(account_key(content.from));
  keys.insert(account_key(content.payer()));
  if (const auto* transfer = std::get_if<Transfer>(&content.body))
    for (const wallet::Credit& credit : transfer->credits) keys.insert(account_key(credit.to));
}

}  // namespace

Ledger::Ledger(runtime::Actor& owner, observe::Health* health, std::size_t cache_bytes)
    : Part(owner),
      rows_(owner, {.store = "/store",
                    .keyspace = "chain",
                    .what = "the blocks and the state of the chain",
                    .source = "chain.rows",
                    .health = health}),
      cache_(cache_bytes) {}

void Ledger::get(const Bytes& key, Then<std::optional<Bytes>> then) {
  rows_.get(key, [then = std::move(then)](const base::Outcome<store::Rows::Value>& value) mutable {
    if (!value.ok()) return then(value.error());
    if (!value.value()) return then(std::optional<Bytes>());
    then(std::optional(Bytes(value.value()->begin(), value.value()->end())));
  });
}

void Ledger::open(const Genesis& genesis, std::uint64_t secret, Done done) {
  genesis_ = &genesis;
  cache_.clear(secret);
  forks_ = {};
  floor_ = {};
  prune_from_ = rows::stale_prefix();
  divergence_.reset();
  head_commit_.reset();
  read_forks(rows::fork_key(Fork{}), [this, done = std::move(done)](const base::Outcome<void>& read) mutable {
    if (!read.ok()) return done(read);
    open_head(std::move(done));
  });
}

void Ledger::open_head(Done done) {
  get(rows::head_key(), [this, done = std::move(done)](base::Outcome<std::optional<Bytes>> row) mutable {
    const Genesis& genesis = *genesis_;
    if (!row.ok()) return done(row.error());
    if (row.value()) {
      auto head = rows::decode_head(*row.value());
      if (!head) return done(Error{Code::corrupt, "the head of the chain cannot be read"});
      head_ = head->head;
      head_validators_ = std::make_shared<const ValidatorSet>(std::move(head->validators));
      if (head_.height.value == 0) return forget_undone(std::move(done));
      return get(rows::commit_key(head_.height),
                 [this, done = std::move(done)](base::Outcome<std::optional<Bytes>> commit) mutable {
                   if (!commit.ok()) return done(commit.error());
                   head_commit_ = commit.value() ? parse_commit(*commit.value()) : std::nullopt;
                   if (!head_commit_) return done(Error{Code::corrupt, "the commit of the head cannot be read"});
                   forget_undone(std::move(done));
                 });
    }
    auto made = update(*this, TreeRoot{}, Height{0}, state_of(genesis));
    base::ensure(made.ok(), "a tree without rows is not damaged");
    head_ = {.height = Height{0}, .id = {id_of(genesis).bytes}, .time = genesis.time, .state = made.value().root};
    head_.receipts = log_root({});
    head_validators_ = std::make_shared<const ValidatorSet>(founders_of(genesis));
    store::RowChange change;
    for (auto& [key, bytes] : made.value().rows) {
      change.shared.push_back({rows::tree_key(key), bytes});
      cache_.put(key, std::move(bytes));
    }
    change.save.push_back({rows::root_key(Height{0}), rows::encode(head_.state)});
    change.save.push_back({rows::head_key(), rows::encode(head_, *head_validators_)});
    rows_.save(std::move(change), [this, done = std::move(done)](const base::Outcome<void>& saved) mutable {
      if (!saved.ok()) return done(saved);
      read_next(std::move(done));
    });
  });
}

// -- the state

RowBytes Ledger::row(const RowKey& key) const {
  RowBytes out = cache_.find(key);
  if (!out) missing_.insert(key);
  return out;
}

/// Each round loads at least one level of the tree. After as many rounds as it has levels, rows were evicted while
/// others were loaded. Then all rows stay until the attempt is complete; otherwise an attempt above the bound would
/// never end.
void Ledger::with_rows(base::Callback<bool()> attempt, Done done, std::size_t round) {
  missing_.clear();
  const bool whole = attempt();
  if (missing_.empty()) {
    if (round >= kRoundsMax) cache_.let_go();
    return done(whole ? base::Outcome<void>() : base::Outcome<void>(kDamaged));
  }
  if (round + 1 == kRoundsMax) cache_.hold();
  std::vector<RowKey> wanted(missing_.begin(), missing_.end());
  load_missing(std::move(wanted), [this, attempt = std::move(attempt), done = std::move(done),
                                   round](const base::Outcome<void>& loaded) mutable {
    if (loaded.ok()) return with_rows(std::move(attempt), std::move(done), round + 1);
    if (round + 1 >= kRoundsMax) cache_.let_go();
    done(loaded);
  });
}

void Ledger::load_missing(std::vector<RowKey> wanted, Done done) {
  std::vector<Bytes> keys;
  keys.reserve(wanted.size());
  for (const RowKey& key : wanted) keys.push_back(rows::tree_key(key));
  const auto lost = std::make_shared<bool>(false);
  rows_.get_all(
      std::move(keys),
      [this, lost, at = std::size_t{0}, wanted = std::move(wanted)](std::span<const store::Rows::Value> found) mutable {
        for (const auto& value : found) {
          const RowKey& key = wanted[at++];
          if (!value) {
            *lost = true;
            continue;
          }
          auto bytes = cache_.buffer(value->size());
          bytes->assign(value->begin(), value->end());
          cache_.put(key, std::move(bytes));
        }
      },
      [lost, done = std::move(done)](const base::Outcome<void>& read) mutable {
        done(read.ok() && *lost ? base::Outcome<void>(kDamaged) : read);
      });
}

void Ledger::read_next(Done done) {
  const auto read = std::make_shared<NextBlock>();
  with_rows(
      [this, read] {
        StateView state = view();
        read->totals = state.totals();
        read->parameters = state.parameters();
        read->blocks = state.log().root();
        const auto validators = state.validators(), next = state.next_validators();
        read->rotation = state.rotation();
        auto presence = state.presence();
        read->judged = state.judged();
        if (state.damage() || !presence) return false;
        read->presence = std::move(*presence);
        read->validators = std::make_shared<const ValidatorSet>(*validators);
        read->next_validators = std::make_shared<const ValidatorSet>(*next);
        return true;
      },
      [this, read, done = std::move(done)](const base::Outcome<void>& whole) mutable {
        if (whole.ok()) next_ = std::move(*read);
        done(whole);
      });
}

// -- blocks

void Ledger::run(const BlockContext& block, std::shared_ptr<const std::vector<Approved>> transactions, Ran done) {
  const auto keys = std::make_shared<std::optional<std::set<Bytes>>>();  // keys that may be missing; nullopt: none
                                                                         // determined yet
  const auto out = std::make_shared<std::optional<Executed>>();
  with_rows(
      [this, block, transactions, keys, out] {
        auto ran = execute(*this, head_.state, block, *transactions);
        if (ran.ok()) *out = std::move(ran).value();
        if (missing_.empty()) return ran.ok();
        // Looks up all that the block touches, so that all missing rows are requested at once. Rows that were found are
        // not looked up in the next attempt.
        if (!*keys) {
          keys->emplace({account_key(block.proposer)});
          for (const Approved& one : *transactions) add_keys(**keys, one.content());
        }
        std::erase_if(**keys, [this](const Bytes& key) { return find(*this, head_.state, key).ok(); });
        return true;
      },
      [out, done = std::move(done)](const base::Outcome<void>& whole) mutable {
        if (!whole.ok()) return done(whole.error());
        done(std::make_shared<const Executed>(std::move(**out)));
      });
}

void Ledger::append(const Block& block, const Bytes& bytes, const Commit& commit,
                    std::shared_ptr<const std::vector<Approved>> transactions, std::shared_ptr<const Executed> executed,
                    Done done) {
  const Height height = block.header.height;
  store::RowChange change;
  const auto save = [&](Bytes key, Bytes value) { change.save.push_back({std::move(key), std::move(value)}); };
  rows::each_part(bytes, [&](std::uint8_t number, ByteView part) {
    save(rows::block_key(height, number), Bytes(part.begin(), part.end()));
  });
  save(rows::commit_key(height), encode(commit));
  save(rows::id_key(commit.block), rows::encode(height));
  std::vector<Bytes> receipts;
  for (const Receipt& one : executed->receipts) receipts.push_back(encode(one));
  save(rows::receipts_key(height), rows::encode_list(receipts));
  for (std::uint32_t i = 0; i < transactions->size(); ++i) {
    const Transaction& content = (*transactions)[i].content();
    // A transaction refused here may succeed later: a transaction is found by its id only if it used its nonce.
    if (refused(executed->receipts[i].outcome)) continue;
    save(rows::transaction_key((*transactions)[i].id()), rows::encode(rows::Location{height, i}));
    std::set<wallet::Address> touched{content.from, content.payer()};
    if (const auto* transfer = std::get_if<Transfer>(&content.body))
      for (const wallet::Credit& credit : transfer->credits) touched.insert(credit.to);
    for (const wallet::Address& address : touched) save(rows::history_key(address, height, i), {});
  }
  change.shared.reserve(executed->tree.rows.size());
  for (const auto& [key, row] : executed->tree.rows) change.shared.push_back({rows::tree_key(key), row});
  save(rows::root_key(height), rows::encode(executed->tree.root));
  base::ensure(executed->tree.stale.size() <= rows::kStaleOfPart * rows::kStalePartsMax,
               "the size of a block limits the rows that it makes stale");
  rows::each_stale_part(executed->tree.stale, [&](std::uint8_t part, std::span<const RowKey> keys) {
    save(rows::stale_key(height, part), rows::encode(keys));
  });
  rows::Head head{.height = height,
                  .id = commit.block,
                  .time = block.header.time,
                  .state = executed->tree.root,
                  .receipts = executed->receipts_root};
  save(rows::head_key(), rows::encode(head, *next_.validators));
  rows_.save(std::move(change), [this, head, commit, validators = next_.validators, executed,
                                 done = std::move(done)](const base::Outcome<void>& saved) mutable {
    if (!saved.ok()) return done(saved);
    // Rows that only earlier states read are evicted.
    for (const RowKey& key : executed->tree.stale) cache_.forget(key);
    for (const auto& [key, row] : executed->tree.rows) cache_.put(key, row);
    head_ = head;
    head_commit_ = commit;
    head_validators_ = validators;
    prune();
    read_next(std::move(done));
  });
}

/// Erases rows that no kept state reads, one height at a time. Begins with those left when the node ended in between.
void Ledger::prune() {
  if (head_.height.value > kStatesKept && !std::exchange(pruning_, true)) prune_next();
}

/// The list goes last, together with the last rows that it names.
void Ledger::prune_next() {
  rows_.scan(prune_from_, 1, 1, [this](const base::Outcome<store::Rows::Page>& page) {
    pruning_ = false;
    if (!page.ok() || page.value().rows.size() == 0) return;
    const auto row = page.value().rows[0];
    const auto at = rows::stale_in({row.getKey().begin(), row.getKey().size()});
    if (!at || at->height.value + kStatesKept > head_.height.value) return;
    const auto stale = rows::decode_stale({row.getValue().begin(), row.getValue().size()});
    store::RowChange change;
    if (stale) {
      for (const RowKey& key : *stale) change.erase.push_back(rows::tree_key(key));
      if (at->part == 0) change.erase.push_back(rows::root_key(at->height));
      change.erase.push_back(rows::stale_key(at->height, at->part));
    }
    // Older versions wrote a single list, which may be larger.
    const bool more = stale && stale->size() >= rows::kStaleOfPart && at->part + 1u < rows::kStalePartsMax;
    pruning_ = true;
    rows_.save(std::move(change), [this, more, at = *at](const base::Outcome<void>& erased) {
      pruning_ = false;
      if (!erased.ok()) return;
      prune_from_ = more ? rows::stale_key(at.height, static_cast<std::uint8_t>(at.part + 1))
                         : rows::stale_key(at.height.next(), 0);
      if (!more && at.height.next().value + kStatesKept > head_.height.value) return;
      pruning_ = true;
      prune_next();
    });
  });
}

// -- earlier blocks

void Ledger::parts(Height height, std::uint8_t part, Bytes so_far, Then<std::optional<Bytes>> then) {
  get(rows::block_key(height, part), [this, height, part, so_far = std::move(so_far),
                                      then = std::move(then)](base::Outcome<std::optional<Bytes>> row) mutable {
    if (!row.ok()) return then(row.error());
    if (!row.value()) {
      if (part == 0) return then(std::optional<Bytes>());
      return then(Error{Code::corrupt, "a part of a block is missing"});
    }
    base::append(so_far, *row.value());
    if (row.value()->size() < rows::kPartBytes) return then(std::optional(std::move(so_far)));
    parts(height, static_cast<std::uint8_t>(part + 1), std::move(so_far), std::move(then));
  });
}

void Ledger::block(Height height, Then<std::optional<FinalRow>> then) {
  if (height.value == 0 || height > head_.height) return then(std::optional<FinalRow>());
  parts(height, 0, {}, [this, height, then = std::move(then)](base::Outcome<std::optional<Bytes>> bytes) mutable {
    if (!bytes.ok()) return then(bytes.error());
    if (!bytes.value()) return then(Error{Code::corrupt, "a block is missing"});
    get(rows::commit_key(height),
        [block = std::move(*bytes.value()), then = std::move(then)](base::Outcome<std::optional<Bytes>> row) mutable {
          if (!row.ok()) return then(row.error());
          const auto commit = row.value() ? parse_commit(*row.value()) : std::nullopt;
          if (!commit) return then(Error{Code::corrupt, "the commit of a block cannot be read"});
          then(std::optional(FinalRow{std::move(block), *commit}));
        });
  });
}

void Ledger::receipts(Height height, Then<std::vector<Bytes>> then) {
  get(rows::receipts_key(height), [then = std::move(then)](base::Outcome<std::optional<Bytes>> row) mutable {
    if (!row.ok()) return then(row.error());
    auto list = row.value() ? rows::decode_list(*row.value()) : std::nullopt;
    if (!list) return then(Error{Code::corrupt, "the receipts of a block cannot be read"});
    then(std::move(*list));
  });
}

void Ledger::height_of(const BlockId& id, Then<std::optional<Height>> then) {
  get(rows::id_key(id), [this, then = std::move(then)](base::Outcome<std::optional<Bytes>> row) mutable {
    if (!row.ok()) return then(row.error());
    const auto height = row.value() ? rows::decode_height(*row.value()) : std::nullopt;
    // A row above the head belongs to a block that does not exist yet.
    then(height && *height <= head_.height ? height : std::nullopt);
  });
}

void Ledger::location_of(const TxId& id, Then<std::optional<rows::Location>> then) {
  get(rows::transaction_key(id), [this, then = std::move(then)](base::Outcome<std::optional<Bytes>> row) mutable {
    if (!row.ok()) return then(row.error());
    const auto at = row.value() ? rows::decode_location(*row.value()) : std::nullopt;
    then(at && at->height <= head_.height ? at : std::nullopt);
  });
}

void Ledger::history(const wallet::Address& address, const Bytes& from, std::uint32_t limit, Then<History> then) {
  const Bytes prefix = rows::history_prefix(address);
  constexpr std::uint32_t kBytes = 1024 * 1024;
  rows_.scan(from.empty() ? prefix : from, limit, kBytes,
             [this, prefix, then = std::move(then)](const base::Outcome<store::Rows::Page>& page) mutable {
               if (!page.ok()) return then(page.error());
               History out;
               bool over = false;
               for (const auto row : page.value().rows) {
                 const ByteView key(row.getKey().begin(), row.getKey().size());
                 over = key.size() < prefix.size() || !std::equal(prefix.begin(), prefix.end(), key.begin());
                 if (over) break;
                 const auto at = rows::location_in(key);
                 if (at && at->height <= head_.height) out.at.push_back(*at);
               }
               if (!over) out.next = page.value().next;
               then(std::move(out));
             });
}

void Ledger::state_at(Height height, Then<std::optional<TreeRoot>> then) {
  if (height == head_.height) return then(std::optional(head_.state));
  if (height > head_.height || height < lowest_state()) return then(std::optional<TreeRoot>());
  get(rows::root_key(height), [then = std::move(then)](base::Outcome<std::optional<Bytes>> row) mutable {
    if (!row.ok()) return then(row.error());
    then(row.value() ? rows::decode_root(*row.value()) : std::nullopt);
  });
}

}  // namespace troupe::chain
