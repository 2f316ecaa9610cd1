#include "actors/chain/api.hpp"
#include "actors/chain/queries.hpp"
#include "actors/chain/validator_actor.hpp"
#include "messages/codec.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;
using base::ByteView;
using base::Code;
using base::Error;

constexpr std::uint32_t kBlocksMax = 100;           // messages/chain.capnp
constexpr std::size_t kBlocksBytesMax = 2'500'000;  // messages/chain.capnp
constexpr std::size_t kStateBytesMax = 900'000;     // messages/chain.capnp

Bytes ids_in(const Block& block) {
  Bytes out;
  for (const SignedTransaction& one : block.transactions) base::append(out, id_of(one.content).view());
  return out;
}

}  // namespace

void ChainQueries::receive(runtime::Handlers& on) {
  on.ask<wire::ListBlocks, wire::BlockInfos>([this](auto ask, auto reply) {
    if (!chain_.refuse_unready(reply)) blocks(ask, std::move(reply));
  });
  on.ask<wire::ListState, wire::StateRows>([this](auto ask, auto reply) {
    if (!chain_.refuse_unready(reply)) state(ask, std::move(reply));
  });
  on.ask<wire::GetChainParams, wire::ChainParams>([this](auto, auto reply) {
    if (chain_.refuse_unready(reply)) return;
    reply.send([this](wire::ChainParams::Builder out) {
      out.setHeight(chain_.ledger.head().height.value);
      auto rows = out.initRows(kParams);
      for (unsigned i = 0; i < rows.size(); ++i) {
        rows[i].setName(std::string(info(static_cast<Param>(i)).name));
        rows[i].setValue(chain_.ledger.next().parameters[static_cast<Param>(i)]);
      }
    });
  });
  on.ask<wire::ListValidators, wire::ValidatorInfos>([this](auto, auto reply) {
    if (chain_.refuse_unready(reply)) return;
    find_evidence([this, reply = std::move(reply)](std::set<base::NodeId> judged) mutable {
      list_validators(std::move(judged), std::move(reply));
    });
  });
  on.stream<wire::WatchChain, wire::ChainBlock>([this](auto, auto sink) {
    if (!chain_.ready) return sink.fail({Code::unavailable, "the chain is still being read, or this node has none"});
    const std::uint64_t id = ++watcher_ids_;
    auto& watcher = watchers_[id];
    watcher.next = chain_.ledger.head().height.next();
    watcher.sink = std::move(sink);
    watcher.sink.on_ready([this, id] { tell_watcher(id); });
    watcher.sink.on_cancel([this, id] { watchers_.erase(id); });
  });
}

void ChainQueries::rewind() {
  for (auto& [id, watcher] : watchers_) watcher.next = std::min(watcher.next, chain_.ledger.head().height.next());
}

struct ChainQueries::Gathering {
  Height at, last;
  std::vector<FinalRow> rows;
  bool genesis = false;
  std::size_t bytes = 0;
  runtime::Reply<wire::BlockInfos> reply;
};

void ChainQueries::blocks(wire::ListBlocks::Reader ask, runtime::Reply<wire::BlockInfos> reply) {
  const std::uint32_t count = std::clamp<std::uint32_t>(ask.getCount(), 1, kBlocksMax);
  const Height head = chain_.ledger.head().height;
  auto gathering = std::make_shared<Gathering>();
  gathering->reply = std::move(reply);
  if (ask.getId().size() > 0) {
    const auto id = BlockId::from(bytes_of(ask.getId()));
    if (!id) return gathering->reply.refuse({Code::malformed, "invalid block id: expected 32 bytes"});
    if (*id == BlockId{chain_.id.bytes}) {
      gathering->genesis = true;
      gathering->at = Height{1};
      return list_blocks(gathering);
    }
    return chain_.ledger.height_of(*id, [this, gathering](base::Outcome<std::optional<Height>> at) {
      if (!at.ok()) return gathering->reply.refuse(at.error());
      if (!at.value()) return gathering->reply.refuse({Code::not_found, "this node has no block with this id"});
      gathering->at = gathering->last = *at.value();
      list_blocks(gathering);
    });
  }
  // 0 requests the newest blocks, which include the genesis if the chain is short.
  const std::uint64_t first = ask.getFrom() > 0 ? ask.getFrom() : head.value + 1 > count ? head.value + 1 - count : 0;
  if (first > head.value)
    return gathering->reply.refuse({Code::not_found, "the chain has not reached this height yet"});
  gathering->genesis = first == 0;
  gathering->at = Height{std::max<std::uint64_t>(first, 1)};
  gathering->last = Height{std::min(head.value, first + count - 1)};
  list_blocks(std::move(gathering));
}

void ChainQueries::list_blocks(std::shared_ptr<Gathering> gathering) {
  if (gathering->at > gathering->last || gathering->bytes > kBlocksBytesMax) {
    return gathering->reply.send([&](wire::BlockInfos::Builder out) {
      const unsigned before = gathering->genesis ? 1 : 0;
      auto rows = out.initRows(size32(gathering->rows) + before);
      if (before > 0) write_genesis(rows[0]);
      for (unsigned i = before; i < rows.size(); ++i) write(rows[i], gathering->rows[i - before]);
    });
  }
  chain_.ledger.block(gathering->at, [this, gathering](base::Outcome<std::optional<FinalRow>> row) {
    if (!row.ok() || !row.value())
      return gathering->reply.refuse(row.ok() ? Error{Code::not_found, "no such block"} : row.error());
    gathering->bytes += row.value()->block.size() / 8 + 512;  // the response has only the ids of transactions
    gathering->rows.push_back(std::move(*row.value()));
    gathering->at = gathering->at.next();
    list_blocks(gathering);
  });
}

void ChainQueries::write(wire::BlockInfo::Builder out, const FinalRow& row) const {
  const auto block = parse_block(row.block);
  if (!block.ok()) return;
  const Header& header = block.value().header;
  const Bytes header_bytes = encode(header), ids = ids_in(block.value());
  out.setHeader(data_of(header_bytes));
  out.setId(data_of(row.commit.block.view()));
  out.setHeight(header.height.value);
  out.setTime(static_cast<std::uint64_t>(header.time.count()));
  out.setTransactions(data_of(ids));
  auto evidence = out.initEvidence(size32(block.value().evidence));
  for (unsigned i = 0; i < evidence.size(); ++i) evidence.set(i, data_of(block.value().evidence[i]));
  auto signatures = out.initSignatures(size32(row.commit.votes));
  const ValidatorSet& set = *chain_.ledger.next().validators;
  std::set<base::NodeId> signed_by;
  std::uint64_t power = 0;
  for (unsigned i = 0; i < signatures.size(); ++i) {
    const base::NodeId& id = row.commit.votes[i].validator;
    signatures[i].setValidator(data_of(id.view()));
    signatures[i].setRound(row.commit.place.round.value);
    if (signed_by.insert(id).second)
      if (const auto index = set.index_of(id)) power += set.at(*index).power;
  }
  std::vector<base::NodeId> absent;
  for (const Validator& one : set.all())
    if (!signed_by.contains(one.id)) absent.push_back(one.id);
  auto missing = out.initAbsent(size32(absent));
  for (unsigned i = 0; i < missing.size(); ++i) missing.set(i, data_of(absent[i].view()));
  out.setPower(power);
  out.setOf(set.power());
  out.setRound(row.commit.place.round.value);
}

void ChainQueries::write_genesis(wire::BlockInfo::Builder out) const {
  out.setId(data_of(chain_.id.view()));
  out.setTime(static_cast<std::uint64_t>(chain_.genesis().time.count()));
}

void ChainQueries::tell_watchers() {
  std::vector<std::uint64_t> ids;
  for (const auto& [id, watcher] : watchers_) ids.push_back(id);
  for (const std::uint64_t id : ids) tell_watcher(id);
}

void ChainQueries::tell_watcher(std::uint64_t id) {
  const auto at = watchers_.find(id);
  if (at == watchers_.end() || !at->second.sink.ready() || at->second.next > chain_.ledger.head().height) return;
  const Height height = at->second.next;
  at->second.next = height.next();
  chain_.ledger.block(height, [this, id](base::Outcome<std::optional<FinalRow>> row) {
    const auto found = watchers_.find(id);
    if (found == watchers_.end() || !row.ok() || !row.value()) return;
    found->second.sink.push([&](wire::ChainBlock::Builder out) { write(out.initInfo(), *row.value()); });
    tell_watcher(id);
  });
}

// -- the state

void ChainQueries::state(wire::ListState::Reader ask, runtime::Reply<wire::StateRows> reply) {
  const Height height = ask.getAt() == 0 ? chain_.ledger.head().height : Height{ask.getAt()};
  const auto from = ask.getFrom().size() > 0 ? Path::from(bytes_of(ask.getFrom())) : std::optional(Path{});
  if (!from) return reply.refuse({Code::malformed, "invalid position in the tree: expected 32 bytes"});
  chain_.ledger.state_at(height, [this, height, from = *from,
                                  reply = std::move(reply)](base::Outcome<std::optional<TreeRoot>> root) mutable {
    if (!root.ok()) return reply.refuse(root.error());
    if (!root.value())
      return reply.refuse({Code::not_found, "the state of that height is no longer kept, or does not exist yet"});
    struct Page {
      std::vector<Leaf> leaves;
      std::optional<Path> next;
    };
    const auto page = std::make_shared<Page>();
    chain_.ledger.with_rows(
        [this, from, page, at = *root.value()] {
          *page = {};
          std::size_t bytes = 0;
          return each_leaf(chain_.ledger, at, from,
                           [&](const Cell& leaf) {
                             bytes += leaf.key.size() + leaf.value.size() + 32;
                             if (bytes > kStateBytesMax && !page->leaves.empty()) {
                               page->next = path_of(leaf.key);
                               return false;
                             }
                             page->leaves.push_back({Bytes(leaf.key.begin(), leaf.key.end()),
                                                     Bytes(leaf.value.begin(), leaf.value.end())});
                             return true;
                           })
              .ok();
        },
        [height, page, reply = std::move(reply)](const base::Outcome<void>& read) mutable {
          if (!read.ok()) return reply.refuse(read.error());
          reply.send([&](wire::StateRows::Builder out) {
            out.setHeight(height.value);
            auto rows = out.initRows(size32(page->leaves));
            for (unsigned i = 0; i < rows.size(); ++i) {
              rows[i].setKey(data_of(page->leaves[i].key));
              rows[i].setValue(data_of(page->leaves[i].value));
            }
            out.setMore(page->next.has_value());
            if (page->next) out.setNext(data_of(page->next->view()));
          });
        });
  });
}

// -- validators

/// Finds evidence against validators that blocks have judged; reads what this node has not seen since it started.
void ChainQueries::find_evidence(base::Callback<void(std::set<base::NodeId>)> then) {
  const auto wanted = std::make_shared<std::vector<Judgement>>();
  const auto all = std::make_shared<std::set<base::NodeId>>();
  chain_.ledger.with_rows(
      [this, wanted, all] {
        wanted->clear();
        StateView view = chain_.ledger.view();
        // Also validators that have left the set: only founders were ever in it.
        *all = chain_.ledger.next().judged;
        for (const Founder& one : chain_.genesis().founders)
          if (view.evidence_of(one.node())) all->insert(one.node());
        for (const base::NodeId& id : *all)
          if (!chain_.evidence.contains(id))
            if (const auto judged = view.evidence_of(id)) wanted->emplace_back(id, judged->height);
        return !view.damage();
      },
      [this, wanted, all, then = std::move(then)](const base::Outcome<void>&) mutable {
        find_next_evidence(wanted, [all, then = std::move(then)]() mutable { then(std::move(*all)); });
      });
}

void ChainQueries::find_next_evidence(std::shared_ptr<std::vector<Judgement>> wanted, base::Callback<void()> then) {
  if (wanted->empty()) return then();
  const Height height = wanted->back().second;
  wanted->pop_back();
  chain_.ledger.block(height,
                      [this, wanted, then = std::move(then)](base::Outcome<std::optional<FinalRow>> row) mutable {
                        if (row.ok() && row.value())
                          if (const auto block = parse_block(row.value()->block); block.ok())
                            chain_.hear_evidence(block.value());
                        find_next_evidence(wanted, std::move(then));
                      });
}

void ChainQueries::list_validators(std::set<base::NodeId> judged, runtime::Reply<wire::ValidatorInfos> reply) {
  ask<wire::GetGuard, wire::GuardIs>(
      node().find(kValidatorPath), now() + std::chrono::seconds(5),
      [](wire::GetGuard::Builder out) { out.setBlocksFrom(kNoBlocks); },
      [this, judged = std::move(judged), reply = std::move(reply)](runtime::Answer<wire::GuardIs> answer) mutable {
        const auto guard = answer.ok() ? decode_guard(bytes_of(answer.value().getGuard())) : std::nullopt;
        const std::uint64_t refused_here = answer.ok() ? answer.value().getRefused() : 0;
        reply.send([&](wire::ValidatorInfos::Builder out) {
          out.setHeight(chain_.ledger.head().height.value);
          const ValidatorSet& set = *chain_.ledger.next().validators;
          std::set<base::NodeId> all = std::move(judged);
          for (const Validator& one : set.all()) all.insert(one.id);
          auto rows = out.initRows(size32(all));
          unsigned i = 0;
          for (const base::NodeId& id : all) {
            auto row = rows[i++];
            const auto index = set.index_of(id);
            row.setNode(data_of(id.view()));
            row.setOperator(data_of(chain_.owner_of(id).view()));
            row.setPower(index ? set.at(*index).power : 0);
            row.setOrigin(chain_.settings.dev ? "dev" : "genesis");
            row.setState(!index || chain_.ledger.next().judged.contains(id) ? "out" : "active");
            if (const Absence* absence = chain_.ledger.next().presence.absence_of(id)) row.setMissed(absence->missed);
            if (const auto evidence = chain_.evidence.find(id); evidence != chain_.evidence.end()) {
              const Bytes bytes = encode(evidence->second);
              row.initEvidence(1).set(0, data_of(bytes));
            }
            if (id != chain_.settings.self() || !guard) continue;
            auto own = row.initGuard();
            own.setHeight(guard->place().height.value);
            own.setRound(guard->place().round.value);
            own.setStep(std::string(name(guard->step())));
            own.setRefused(refused_here);
          }
        });
      });
}

}  // namespace troupe::chain
