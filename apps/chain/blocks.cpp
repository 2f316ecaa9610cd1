// troupe chain blocks | block | watch
#include <algorithm>

#include "apps/chain/chain.hpp"
#include "apps/chain/evidence.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/wallet/on_chain.hpp"
#include "messages/codec.hpp"
#include "messages/output/chain.capnp.h"
#include "runtime/config/forms.hpp"

namespace troupe::apps {
namespace {

using namespace wallets;
using base::Code;
using chain::BlockId;
using chain::Header;
using chain::TxId;
namespace block_wire = chain::wire;

constexpr std::uint64_t kBlocksDefault = 20;
constexpr std::size_t kMovedShown = 100;      // our choice: each needs a request
constexpr std::uint32_t kBlocksOfPage = 100;  // a node returns no more at once

/// A decoded block, as a node reports it.
struct SeenBlock {
  BlockId id;
  std::uint64_t height = 0;
  std::uint64_t time = 0;
  std::optional<Header> header{};  ///< none for the genesis
  base::Bytes header_bytes{};
  std::vector<TxId> transactions{};
  std::vector<chain::Evidence> evidence{};
  std::vector<std::pair<base::NodeId, std::uint32_t>> signatures{};  ///< and their rounds
  std::vector<base::NodeId> absent{};
  std::uint64_t power = 0, of = 0;
  std::uint32_t round = 0;
};

/// Returns nullopt if the block breaks its format, or does not match its id.
std::optional<SeenBlock> read_block(block_wire::BlockInfo::Reader info) {
  const auto id = BlockId::from(bytes_of(info.getId()));
  const base::ByteView ids = bytes_of(info.getTransactions()), header = bytes_of(info.getHeader());
  if (!id || ids.size() % TxId::kBytes != 0) return std::nullopt;
  SeenBlock out{*id, info.getHeight(), info.getTime()};
  if (!header.empty()) {
    out.header = chain::parse_header(header);
    if (!out.header || id_of(*out.header) != *id || out.header->height.value != out.height) return std::nullopt;
    out.header_bytes.assign(header.begin(), header.end());
  } else if (out.height > 0) {
    return std::nullopt;
  }
  for (std::size_t at = 0; at < ids.size(); at += TxId::kBytes)
    out.transactions.push_back(*TxId::from(ids.subspan(at, TxId::kBytes)));
  for (const auto piece : info.getEvidence()) {
    auto evidence = chain::parse_evidence(bytes_of(piece));
    if (!evidence) return std::nullopt;
    out.evidence.push_back(std::move(*evidence));
  }
  for (const auto share : info.getSignatures()) {
    const auto validator = node_of(share.getValidator());
    if (!validator) return std::nullopt;
    out.signatures.emplace_back(*validator, share.getRound());
  }
  for (const auto one : info.getAbsent()) {
    const auto validator = node_of(one);
    if (!validator) return std::nullopt;
    out.absent.push_back(*validator);
  }
  out.power = info.getPower();
  out.of = info.getOf();
  out.round = info.getRound();
  return out;
}

void write_block(output::wire::ChainBlock::Builder out, const SeenBlock& block) {
  out.setHeight(block.height);
  out.setId(data(block.id.view()));
  out.setTime(block.time);
  out.setRound(block.round);
  if (block.header) {
    out.setProposer(data(block.header->proposer.view()));
    out.setParent(data(block.header->parent.view()));
    out.setStateRoot(data(block.header->state.view()));
    out.getFork().setValue(block.header->fork.value);
    out.setHeader(data_of(block.header_bytes));
  }
  auto txs = out.initTxs(size32(block.transactions));
  for (unsigned i = 0; i < txs.size(); ++i) txs.set(i, data(block.transactions[i].view()));
  auto evidence = out.initEvidence(size32(block.evidence));
  for (unsigned i = 0; i < evidence.size(); ++i) chains::write_evidence(evidence[i], block.evidence[i]);
  auto commit = out.initCommit();
  commit.setRound(block.round);
  commit.setPower(std::to_string(block.power));
  commit.setOf(std::to_string(block.of));
  auto absent = commit.initAbsent(size32(block.absent));
  for (unsigned i = 0; i < absent.size(); ++i) absent.set(i, data(block.absent[i].view()));
  auto signatures = commit.initSignatures(size32(block.signatures));
  for (unsigned i = 0; i < signatures.size(); ++i) {
    signatures[i].setValidator(data(block.signatures[i].first.view()));
    signatures[i].setRound(block.signatures[i].second);
  }
}

void print_block_json(std::ostream& out, const SeenBlock& block) {
  JsonLine<output::wire::ChainBlock> line;
  write_block(*line, block);
  line.print(out);
}

/// Returns the amount that it moves, for people; empty if the node cannot say.
std::string moved_by(Client& client, const TxId& id) {
  const auto seen = transaction_at(client, id);
  if (!seen.ok()) return "";
  const auto amount = amount_of(seen.value());
  return ", " + std::string(kind_of(seen.value())) + (amount ? " of " + amount->text() : "") +
         (seen.value().state == block_wire::TransactionState::FAILED ? ", failed" : "");
}

void print_block_text(std::ostream& out, Client& client, const SeenBlock& block) {
  out << "block         " << block.id.hex() << "\nheight        " << block.height << "\ntime          "
      << date_of(wallet::UnixMs(block.time)) << '\n';
  if (block.header)
    out << "proposer      " << block.header->proposer.hex() << "\nparent        " << block.header->parent.hex()
        << "\nstate before  " << block.header->state.hex() << "\ncommit        " << block.power << " of " << block.of
        << ", round " << block.round << ", " << block.signatures.size() << " signatures\n";
  for (const base::NodeId& validator : block.absent) out << "absent        " << validator.hex() << '\n';
  for (const chain::Evidence& one : block.evidence)
    out << "evidence      " << accused(one).hex() << " signed two " << chains::kind_name(one) << " of height "
        << place_of(one).height.value << '\n';
  for (std::size_t i = 0; i < block.transactions.size(); ++i)
    out << "transaction   " << block.transactions[i].hex()
        << (i < kMovedShown ? moved_by(client, block.transactions[i]) : "") << '\n';
}

struct BlocksWanted {
  std::uint64_t from = 0;  ///< 0: the newest
  std::uint32_t count = 1;
  std::optional<BlockId> id{};
};
Client::Outcome<std::vector<SeenBlock>> page_of(Client& client, const BlocksWanted& wanted) {
  auto page =
      ask_chain<block_wire::ListBlocks, block_wire::BlockInfos>(client, [&](block_wire::ListBlocks::Builder out) {
        out.setFrom(wanted.from);
        out.setCount(wanted.count);
        if (wanted.id) out.setId(data_of(wanted.id->view()));
      });
  if (!page.ok()) return page.error();
  std::vector<SeenBlock> out;
  for (const auto row : page.value().root().getRows()) {
    auto block = read_block(row);
    const bool follows = !block || (out.empty() ? wanted.from == 0 || block->height == wanted.from
                                                : block->height == out.back().height + 1);
    if (!block || !follows || (wanted.id && block->id != *wanted.id))
      return odd_answer("it is not the requested block");
    out.push_back(std::move(*block));
  }
  return out;
}

Failure no_block(const std::string& typed) {
  return {{Code::not_found, "this node has no block " + typed}, "", "troupe chain status"};
}

/// Returns a block by its height or its id. The genesis is block 0, and its id is the id of the chain.
Client::Outcome<SeenBlock> block_at(Client& client, const std::string& typed) {
  BlocksWanted wanted;
  wanted.id = BlockId::from_hex(typed);
  if (!wanted.id) {
    const auto height = config::parse_count(typed);
    if (!height)
      return usage_failure("invalid block: expected a height, or an id of 64 hexadecimal digits",
                           "troupe chain blocks");
    wanted.from = *height;
    if (*height == 0) {
      const auto now = chain_here(client);
      if (!now.ok()) return now.error();
      wanted.id = BlockId{now.value().id.bytes};
    }
  }
  auto page = page_of(client, wanted);
  if (!page.ok() && page.error().error.code == Code::not_found) return no_block(typed);
  if (!page.ok()) return page.error();
  if (page.value().empty()) return no_block(typed);
  return std::move(page.value().front());
}

/// Returns at most `limit` blocks in ascending order, starting with `from`.
Client::Outcome<std::vector<SeenBlock>> blocks_from(Client& client, std::uint64_t from, std::uint64_t limit) {
  std::vector<SeenBlock> out;
  if (from == 0) {
    auto genesis = block_at(client, "0");
    if (!genesis.ok()) return genesis.error();
    out.push_back(std::move(genesis).value());
    from = 1;
  }
  while (out.size() < limit) {
    const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(limit - out.size(), kBlocksOfPage));
    auto page = page_of(client, {from, count});
    if (!page.ok() && page.error().error.code == Code::not_found) break;  // there are no more
    if (!page.ok()) return page.error();
    if (page.value().empty()) break;
    for (SeenBlock& block : page.value())
      if (out.size() < limit) out.push_back(std::move(block));
    from = out.back().height + 1;
  }
  return out;
}

}  // namespace

Ending chain_block(const Invocation& invocation, Console& console) {
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto block = block_at(*client.value(), *invocation.text("H|ID"));
  if (!block.ok()) return block.error();
  if (invocation.globals.json) print_block_json(console.out, block.value());
  else print_block_text(console.out, *client.value(), block.value());
  return Exit::done;
}

Ending chain_blocks(const Invocation& invocation, Console& console) {
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const std::uint64_t limit = invocation.number("--count").value_or(kBlocksDefault);
  const auto now = chain_here(*client.value());
  if (!now.ok()) return now.error();
  const std::uint64_t height = now.value().height.value;
  const std::uint64_t newest = height >= limit ? height - limit + 1 : 0;
  const std::uint64_t from = invocation.number("--from").value_or(newest);
  auto blocks = blocks_from(*client.value(), from, from > height ? 0 : std::min(limit, height - from + 1));
  if (!blocks.ok()) return blocks.error();
  if (invocation.globals.json) {
    JsonLine<output::wire::ChainBlocks> line;
    auto rows = line->initRows(size32(blocks.value()));
    for (unsigned i = 0; i < rows.size(); ++i) write_block(rows[i], blocks.value()[i]);
    write_json_line(console.out, capnp::toDynamic(rows.asReader()));
    return Exit::done;
  }
  TextTable table({{"HEIGHT", Align::right}, {"TIME"}, {"TXS", Align::right}, {"ABSENT", Align::right}, {"ID"}});
  for (const SeenBlock& block : blocks.value())
    table.add({std::to_string(block.height), date_of(wallet::UnixMs(block.time)),
               std::to_string(block.transactions.size()), std::to_string(block.absent.size()), block.id.hex()});
  table.print(console.out);
  return Exit::done;
}

Ending chain_watch(const Invocation& invocation, Console& console) {
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  if (const auto here = chain_here(*client.value()); !here.ok()) return here.error();
  const std::uint64_t count = invocation.number("--count").value_or(UINT64_MAX);
  const auto seconds = invocation.number("--seconds");
  // The stream ends after the idle time of streams; an endless watch may be silent for long.
  const base::Duration idle = std::chrono::seconds(seconds.value_or(24 * 3'600));
  const base::Instant end = seconds ? client.value()->now() + std::chrono::seconds(*seconds) : base::Instant::max();
  const Failure enough{.error = {Code::timeout, "enough"}, .exit = Exit::done};
  std::uint64_t seen = 0;
  const auto ended = client.value()->subscribe<block_wire::WatchChain, block_wire::ChainBlock>(
      kChainPath, idle, [](block_wire::WatchChain::Builder) {},
      [&](block_wire::ChainBlock::Reader item) -> Client::Outcome<void> {
        const auto block = read_block(item.getInfo());
        if (!block) return odd_answer("it is not a block");
        if (invocation.globals.json) print_block_json(console.out, *block);
        else
          console.out << date_of(wallet::UnixMs(block->time)) << ' ' << block->height << ' ' << block->id.hex() << ": "
                      << block->transactions.size() << " transactions\n";
        console.out.flush();
        if (++seen >= count || client.value()->now() >= end) return enough;
        return {};
      });
  if (ended.ok() || ended.error().exit == Exit::done) return Exit::done;
  if (seconds && ended.error().error.code == Code::timeout) return Exit::done;
  return without_chain(ended.error());
}

}  // namespace troupe::apps
