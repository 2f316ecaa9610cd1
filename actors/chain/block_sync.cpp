#include "actors/chain/block_sync.hpp"

#include "actors/chain/wire.hpp"
#include "messages/codec.hpp"

namespace troupe::chain {
namespace {

using base::Code;

constexpr std::chrono::seconds kBlocksDue{20};        // our choice
constexpr std::chrono::seconds kBlocksLate{3};        // our choice: half of the largest response takes less, at 4
                                                      // Mbit/s
constexpr std::size_t kGivenBytes = 2'500'000;        // below messages/chain.capnp: FinalBlocks
constexpr std::size_t kGivenBlocks = 500;             // our choice
constexpr std::chrono::milliseconds kGivenWait{100};  // our choice: about the duration of one response
constexpr std::uint32_t kBlocksPieces = 40;           // of Neighbours::kServed, for a response of kGivenBytes

}  // namespace

void BlockSync::sync() {
  if (!chain_.ready || chain_.halted || chain_.finishing || !synced_.empty()) return;
  if (world().mutations.on("chain.not_synced")) return;
  if (now() < blocks_asked_.next()) return after<AskBeside>(blocks_asked_.next() - now());
  // A node among those with the fewest misses.
  std::vector<base::NodeId> ahead;
  for (const base::NodeId& node_id : neighbours_.by_rank(&Conduct::blocks)) {
    const Neighbour& neighbour = neighbours_.all().at(node_id);
    if (neighbour.height <= chain_.ledger.head().height || neighbour.fork < chain_.fork ||
        !neighbour.blocks.may_ask(now()) || blocks_asked_.asks(node_id))
      continue;
    if (!ahead.empty() && neighbours_.all().at(ahead.front()).blocks.rank() < neighbour.blocks.rank()) break;
    ahead.push_back(node_id);
  }
  if (ahead.empty()) return;
  const base::NodeId id = ahead[random().below(ahead.size())];
  const Neighbour& one = neighbours_.all().at(id);
  const bool beside = blocks_asked_.waited_for() > 0;
  if (!beside) blocks_awaited_to_ = now() + kSyncPatience;
  blocks_asked_.ask(id, one.blocks.alone(), now());
  ask<wire::GetBlocks, wire::FinalBlocks>(
      one.handle, now() + kBlocksDue,
      [this, beside](wire::GetBlocks::Builder out) {
        out.setChain(data_of(chain_.id.view()));
        out.setFrom(chain_.ledger.head().height.next().value);
        // A node that delivers this is asked for more; the other node's response may still be in flight.
        if (beside) out.setCountMax(1);
      },
      [this, id, fork = chain_.fork, from = chain_.ledger.head().height.next(),
       begin = now()](runtime::Answer<wire::FinalBlocks> answer) {
        blocks_asked_.answered(id);
        // If the chain went back in between, it asks again.
        if (chain_.ready && fork == chain_.fork) got_blocks(id, from, now() - begin, std::move(answer));
      });
  after<AskBeside>(blocks_asked_.next() - now());
}

/// The first valid response counts: blocks of other neighbours are useless while one neighbour's are queued.
void BlockSync::got_blocks(const base::NodeId& id, Height from, base::Duration took,
                           runtime::Answer<wire::FinalBlocks> answer) {
  if (!answer.ok()) {
    blocks_awaited_to_ = {};
    const Code why = answer.error().code;
    if (neighbours_.says_little(why)) neighbours_.missed(id, &Conduct::blocks, why);
    else neighbours_.distrust(id);
    return rounds_.begin_if_due();
  }
  if (!synced_.empty()) return;
  synced_from_ = id;
  const auto rows = answer.value().getRows();
  if (rows.size() > kGivenBlocks)
    neighbours_.accuse(id, net::wire::Violation::MALFORMED, "more blocks than a response may have");
  std::size_t bytes = 0;
  for (const auto row : rows) {
    if (rows.size() > kGivenBlocks) break;
    auto read = chain::read(row);
    if (!read) {
      neighbours_.accuse(id, net::wire::Violation::MALFORMED, "a malformed block or commit");
      break;
    }
    if (read->second.place.height < from) break;  // below the requested height
    bytes += read->first.size();
    if (read->second.place.height > chain_.ledger.head().height) synced_.push_back(std::move(*read));
  }
  // Blocks that came from other nodes in between make a response useless, not false. A node that takes long for little
  // may always do so. Both are asked after other nodes, and ever more rarely.
  const bool late = took > kBlocksLate && bytes < kGivenBytes / 2;
  synced_late_ = late || synced_.empty();
  if (synced_late_ && bytes > 0) neighbours_.missed(id, &Conduct::blocks, Code::overloaded);
  if (synced_.empty()) {
    blocks_awaited_to_ = {};
    if (bytes == 0) neighbours_.distrust(id);
    rounds_.begin_if_due();
    return sync();
  }
  if (Conduct* const giver = neighbours_.conduct(id); giver != nullptr && !synced_late_) giver->blocks.took(took);
  take_next();
}

/// Takes the next block that came whole, once its parent is the head.
void BlockSync::take_next() {
  while (!synced_.empty() && !chain_.finishing && !chain_.halted) {
    auto [bytes, commit] = std::move(synced_.front());
    synced_.pop_front();
    if (commit.place.height <= chain_.ledger.head().height) continue;
    const auto refuse = [this](const char* why) {
      chain_.settings.log.warn("a neighbour's block was refused", {{"why", why}});
      synced_.clear();
      neighbours_.distrust(synced_from_);
    };
    auto block = parse_block(bytes);
    if (!block.ok()) {
      neighbours_.accuse(synced_from_, net::wire::Violation::MALFORMED, "a malformed block");
      refuse("it is malformed");
      break;
    }
    const BlockId id = id_of(block.value().header);
    if (block.value().header.fork > chain_.fork && block.value().header.height == chain_.ledger.head().height.next()) {
      synced_.clear();  // first fetch the reason for the fork; a node that withholds it has given nothing
      neighbours_.distrust(synced_from_);
      if (Neighbour* const from = neighbours_.find(synced_from_)) {
        from->forks_due = {};
        forks_.ask_forks(synced_from_);
      }
      break;
    }
    const auto proven = verify_commit(chain_.id, *chain_.ledger.next().validators,
                                      {chain_.fork, chain_.ledger.head().height.next(), id}, commit, crypto::verify);
    if (!proven.ok()) {
      // In another fork it may be valid.
      if (commit.place.fork == chain_.fork)
        neighbours_.accuse(synced_from_, net::wire::Violation::BAD_RECORD,
                           "a block that its validators have not decided");
      refuse("its commit is invalid");
      break;
    }
    auto transactions = approve(chain_, std::move(block.value().transactions));
    if (!transactions) {
      neighbours_.accuse(synced_from_, net::wire::Violation::BAD_RECORD,
                         "a block with a transaction that no key has signed");
      refuse("a transaction has an invalid signature");
      break;
    }
    auto candidate = judge(chain_, std::move(block).value(), std::move(*transactions), world().mutations);
    if (candidate->verdict != chain::Verdict::valid) {
      chain_.halted = true;
      if (candidate->block.header.parent != chain_.ledger.head().id)
        heads_.compare(synced_from_, chain_.ledger.head().height);
      return rounds_.failed("over 2/3 of the validators decided a block that is invalid here: " + id.hex());
    }
    blocks_awaited_to_ = now() + kSyncPatience;
    blocks_asked_.given();
    if (Neighbour* const from = neighbours_.find(synced_from_); from != nullptr && !synced_late_) from->blocks.gave();
    return rounds_.finish(std::move(candidate), commit, true);
  }
  if (!synced_.empty() || chain_.finishing) return;
  blocks_awaited_to_ = {};
  rounds_.begin_if_due();
  sync();
}

struct BlockSync::Giving {
  Height at;
  std::size_t count = 0;  // maximum
  std::vector<FinalRow> rows;
  std::size_t bytes = 0;
  std::optional<base::NodeId> to;
  runtime::Reply<wire::FinalBlocks> reply;
};

/// Each node gets one response at a time, because a response needs many rows from disk.
void BlockSync::give(wire::GetBlocks::Reader ask, runtime::Reply<wire::FinalBlocks> reply) {
  if (!chain_.ready || !chain_.ours(ask.getChain()))
    return reply.refuse({Code::not_found, "this node has another chain"});
  const auto to = caller().node;
  if (to && (giving_.contains(*to) || giving_.size() >= kGivingMax))
    return reply.refuse({Code::overloaded, "this node already reads blocks for other nodes", kGivenWait});
  const Height at{std::max<std::uint64_t>(ask.getFrom(), 1)};
  if (at <= chain_.ledger.head().height && neighbours_.refuse_much(kBlocksPieces, reply)) return;
  if (to) giving_.insert(*to);
  const std::size_t count =
      ask.getCountMax() == 0 ? kGivenBlocks : std::min<std::size_t>(ask.getCountMax(), kGivenBlocks);
  gather(std::make_shared<Giving>(Giving{at, count, {}, 0, to, std::move(reply)}));
}

void BlockSync::gather(std::shared_ptr<Giving> giving) {
  const auto answer = [this, giving] {
    if (giving->to) giving_.erase(*giving->to);
    giving->reply.send([&](wire::FinalBlocks::Builder out) {
      auto list = out.initRows(size32(giving->rows));
      for (unsigned i = 0; i < list.size(); ++i) chain::write(list[i], giving->rows[i].block, giving->rows[i].commit);
    });
  };
  if (giving->at > chain_.ledger.head().height || giving->rows.size() >= giving->count) return answer();
  chain_.ledger.block(giving->at, [this, giving, answer](base::Outcome<std::optional<FinalRow>> row) {
    if (!row.ok() || !row.value()) return answer();
    const std::size_t more = giving->bytes + row.value()->block.size() + row.value()->commit.votes.size() * 160 + 256;
    if (more > kGivenBytes && !giving->rows.empty()) return answer();
    giving->rows.push_back(std::move(*row.value()));
    giving->bytes = more;
    giving->at = giving->at.next();
    gather(giving);
  });
}

void BlockSync::forget() {
  blocks_awaited_to_ = {};
  synced_.clear();
}

}  // namespace troupe::chain
