// Two final blocks of one height, and how the chain goes back before it resumes.
#include "actors/chain/ledger.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;
using base::ByteView;
using base::Code;
using base::Error;

constexpr std::uint32_t kForksAtOnce = 64;              // our choice: rows of a slice
constexpr std::uint32_t kForgottenAtOnce = 512;         // our choice, as above
constexpr std::uint32_t kForkSliceBytes = 1024 * 1024;  // our choice

bool begins_with(ByteView key, const Bytes& prefix) {
  return key.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), key.begin());
}

}  // namespace

Height Ledger::lowest_state() const {
  const std::uint64_t head = head_.height.value;
  return std::max(floor_, Height{head < kStatesKept ? 0 : head - kStatesKept + 1});
}

void Ledger::tree_row(const RowKey& key, Then<std::optional<Bytes>> then) { get(rows::tree_key(key), std::move(then)); }

// -- read

void Ledger::read_forks(const Bytes& from, Done done) {
  rows_.scan(from, kForksAtOnce, kForkSliceBytes,
             [this, done = std::move(done)](const base::Outcome<store::Rows::Page>& page) mutable {
               if (!page.ok()) return done(page.error());
               const Bytes prefix{rows::fork_key(Fork{}).front()};
               bool over = false;
               for (const auto row : page.value().rows) {
                 const ByteView key(row.getKey().begin(), row.getKey().size());
                 over = !begins_with(key, prefix);
                 if (over) break;
                 auto fork = rows::decode_fork({row.getValue().begin(), row.getValue().size()});
                 if (fork) floor_ = std::max(floor_, fork->floor);
                 if (!fork || !forks_.add(std::move(fork->fork)))
                   return done(Error{Code::corrupt, "a statement by which the chain resumed cannot be read"});
               }
               if (!over && page.value().next) return read_forks(*page.value().next, std::move(done));
               read_divergence(std::move(done));
             });
}

void Ledger::read_divergence(Done done) {
  get(rows::divergence_key(), [this, done = std::move(done)](base::Outcome<std::optional<Bytes>> row) mutable {
    if (!row.ok()) return done(row.error());
    if (!row.value()) return done({});
    divergence_ = decode_divergence(*row.value());
    if (!divergence_) return done(Error{Code::corrupt, "the two commits that halt the chain cannot be read"});
    done({});
  });
}

// -- two final blocks of one height

void Ledger::keep(const Divergence& divergence, Done done) {
  store::RowChange change;
  change.save.push_back({rows::divergence_key(), encode(divergence)});
  divergence_ = divergence;
  rows_.save(std::make_shared<const store::RowChange>(std::move(change)), std::move(done));
}

// -- back

void Ledger::go_on(const SignedFork& fork, Done done) {
  const Height height = fork.statement.height;
  base::ensure(height <= head_.height && fork.statement.fork > forks_.latest() && !forks_.full(),
               "a later fork resumes from a block that is here");
  if (height == head_.height) return set_head(fork, head_, head_validators_, head_commit_, std::move(done));
  struct Going {
    TreeRoot root, before;
    FinalRow row;
    std::optional<ValidatorSet> validators;
  };
  const auto going = std::make_shared<Going>();
  const Error gone{Code::not_found, "the states of that height and the height before it are no longer kept"};
  state_at(height, [this, fork, height, going, gone,
                    done = std::move(done)](base::Outcome<std::optional<TreeRoot>> root) mutable {
    if (!root.ok()) return done(root.error());
    if (!root.value()) return done(gone);
    going->root = *root.value();
    if (height.value == 0) {
      rows::Head head{.id = {id_of(*genesis_).bytes}, .time = genesis_->time, .state = going->root};
      head.receipts = log_root({});
      return set_head(fork, head, std::make_shared<const ValidatorSet>(validators_of(*genesis_)), std::nullopt,
                      std::move(done));
    }
    state_at(Height{height.value - 1}, [this, fork, height, going, gone,
                                        done = std::move(done)](base::Outcome<std::optional<TreeRoot>> before) mutable {
      if (!before.ok()) return done(before.error());
      if (!before.value()) return done(gone);
      going->before = *before.value();
      block(height,
            [this, fork, height, going, done = std::move(done)](base::Outcome<std::optional<FinalRow>> row) mutable {
              if (!row.ok() || !row.value())
                return done(row.ok() ? Error{Code::corrupt, "a block is missing"} : row.error());
              going->row = std::move(*row.value());
              receipts(height, [this, fork, height, going,
                                done = std::move(done)](base::Outcome<std::vector<Bytes>> got) mutable {
                if (!got.ok()) return done(got.error());
                const auto parsed = parse_block(going->row.block);
                if (!parsed.ok()) return done(Error{Code::corrupt, "a block cannot be read"});
                const rows::Head head{.height = height,
                                      .id = going->row.commit.block,
                                      .time = parsed.value().header.time,
                                      .state = going->root,
                                      .receipts = log_root(got.value())};
                with_rows(
                    [this, going] {
                      StateView state(*this, going->before);
                      going->validators = state.validators();
                      return going->validators.has_value();
                    },
                    [this, fork, head, going, done = std::move(done)](const base::Outcome<void>& read) mutable {
                      if (!read.ok()) return done(read);
                      set_head(fork, head, std::make_shared<const ValidatorSet>(std::move(*going->validators)),
                               going->row.commit, std::move(done));
                    });
              });
            });
    });
  });
}

void Ledger::set_head(const SignedFork& fork, const rows::Head& head, std::shared_ptr<const ValidatorSet> validators,
                      std::optional<Commit> commit, Done done) {
  const rows::ForkRow row{fork, lowest_state()};
  auto change = std::make_shared<store::RowChange>();
  change->save.push_back({rows::fork_key(fork.statement.fork), rows::encode(row)});
  if (head.height < head_.height) {
    change->save.push_back({rows::undone_key(), rows::encode(head_.height)});
    change->save.push_back({rows::head_key(), rows::encode(head, *validators)});
  }
  change->erase.push_back(rows::divergence_key());
  rows_.save(change, [this, row, head, validators, commit = std::move(commit),
                      done = std::move(done)](const base::Outcome<void>& saved) mutable {
    if (!saved.ok()) return done(saved);
    forks_.add(row.fork);
    floor_ = row.floor;
    divergence_.reset();
    head_ = head;
    head_validators_ = std::move(validators);
    head_commit_ = std::move(commit);
    // The same keys will name other rows.
    cache_.clear();
    forget_undone(std::move(done));
  });
}

/// Erases what an earlier fork had above the head, then reads what the next block needs.
void Ledger::forget_undone(Done done) {
  get(rows::undone_key(), [this, done = std::move(done)](base::Outcome<std::optional<Bytes>> row) mutable {
    if (!row.ok()) return done(row.error());
    if (!row.value()) return read_next(std::move(done));
    const auto top = rows::decode_height(*row.value());
    if (!top) return done(Error{Code::corrupt, "the height from which the chain went back cannot be read"});
    forget_above(*top, std::move(done));
  });
}

void Ledger::forget_above(Height height, Done done) {
  auto change = std::make_shared<store::RowChange>();
  if (height <= head_.height) {
    change->erase.push_back(rows::undone_key());
    return rows_.save(change, [this, done = std::move(done)](const base::Outcome<void>& saved) mutable {
      if (!saved.ok()) return done(saved);
      read_next(std::move(done));
    });
  }
  auto lower = [this, height, done = std::move(done)](const base::Outcome<void>& forgotten) mutable {
    if (!forgotten.ok()) return done(forgotten);
    forget_above(Height{height.value - 1}, std::move(done));
  };
  parts(height, 0, {},
        [this, height, change, lower = std::move(lower)](base::Outcome<std::optional<Bytes>> row) mutable {
          if (!row.ok() && row.error().code != Code::corrupt) return lower(row.error());
          auto parsed = row.ok() && row.value() ? parse_block(*row.value()) : base::Result<Block, BlockError>(Block{});
          // It was erased before a crash, or in part: rows that the block names went first.
          if (!parsed.ok() || parsed.value().header.height != height)
            return forget_block(height, {}, change, std::move(lower));
          forget_block(height, parsed.value(), change, std::move(lower));
        });
}

/// The block goes last, because it names the other rows.
void Ledger::forget_block(Height height, const Block& block, std::shared_ptr<store::RowChange> change, Done done) {
  auto& erase = change->erase;
  const bool whole = block.header.height == height;
  if (whole) erase.push_back(rows::id_key(id_of(block.header)));
  std::vector<std::pair<TxId, Transaction>> ran;
  for (const SignedTransaction& one : block.transactions) ran.emplace_back(id_of(one.content), one.content);
  for (std::uint32_t i = 0; i < ran.size(); ++i) {
    const Transaction& content = ran[i].second;
    std::set<wallet::Address> touched{content.from, content.payer()};
    if (const auto* transfer = std::get_if<Transfer>(&content.body))
      for (const wallet::Credit& credit : transfer->credits) touched.insert(credit.to);
    for (const wallet::Address& address : touched) erase.push_back(rows::history_key(address, height, i));
  }
  auto rest = [this, height, change, done = std::move(done)]() mutable {
    for (const Bytes& key : {rows::receipts_key(height), rows::root_key(height)}) change->erase.push_back(key);
    for (std::size_t part = 0; part < rows::kStalePartsMax; ++part)
      change->erase.push_back(rows::stale_key(height, static_cast<std::uint8_t>(part)));
    forget_tree(height, rows::tree_prefix(height), change, std::move(done));
  };
  if (!whole) return rest();
  // A transaction that this block refused may be in another block, whose location row stays.
  receipts(height,
           [change, ran = std::move(ran), rest = std::move(rest)](base::Outcome<std::vector<Bytes>> got) mutable {
             for (std::size_t i = 0; i < ran.size(); ++i) {
               const auto receipt =
                   got.ok() && i < got.value().size() ? parse_receipt(got.value()[i]) : std::optional<Receipt>();
               if (!receipt || !refused(receipt->outcome)) change->erase.push_back(rows::transaction_key(ran[i].first));
             }
             rest();
           });
}

void Ledger::forget_tree(Height height, const Bytes& from, std::shared_ptr<store::RowChange> change, Done done) {
  rows_.scan(from, kForgottenAtOnce, kForkSliceBytes,
             [this, height, change, done = std::move(done)](const base::Outcome<store::Rows::Page>& page) mutable {
               if (!page.ok()) return done(page.error());
               const Bytes prefix = rows::tree_prefix(height);
               bool over = false;
               for (const auto row : page.value().rows) {
                 const ByteView key(row.getKey().begin(), row.getKey().size());
                 over = !begins_with(key, prefix);
                 if (over) break;
                 change->erase.emplace_back(key.begin(), key.end());
               }
               if (!over && page.value().next) return forget_tree(height, *page.value().next, change, std::move(done));
               change->erase.push_back(rows::commit_key(height));
               constexpr auto kParts = static_cast<std::uint8_t>(kBlockBytesMax / rows::kPartBytes + 2);
               for (std::uint8_t part = kParts; part > 0; --part)
                 change->erase.push_back(rows::block_key(height, static_cast<std::uint8_t>(part - 1)));
               rows_.save(change, std::move(done));
             });
}

}  // namespace troupe::chain
