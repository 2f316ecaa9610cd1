// troupe chain status | params | verify | diff
#include "apps/chain/chain.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/node_id.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/wallet/on_chain.hpp"
#include "messages/codec.hpp"
#include "messages/output/chain.capnp.h"
#include "messages/peers.capnp.h"
#include "runtime/base/text.hpp"

namespace troupe::apps {
namespace {

using namespace wallets;
namespace show_wire = chain::wire;

constexpr std::chrono::hours kVerifyAnswer{24};  // our choice: all blocks are executed again
constexpr std::chrono::minutes kDiffAnswer{15};  // our choice: about ten rows, one after another, from a slow node

void print_status_json(std::ostream& out, show_wire::ChainStatus::Reader status) {
  JsonLine<output::wire::ChainStatus> line;
  line->setChain(status.getChain());
  line->setName(status.getName());
  line->setMode(status.getMode());
  line->setHeight(status.getHeight());
  line->setId(status.getId());
  line->setTime(status.getTime());
  line->setRound(status.getRound());
  line->setStep(status.getStep());
  line->setValidators(status.getValidators());
  line->setStateRoot(status.getStateRoot());
  line->setTarget(status.getTarget());
  line->setBlockTimeMs(status.getBlockTimeMs());
  line->setPending(status.getPending());
  line->setBaseFee(std::to_string(status.getBaseFee()));
  line->setSupply(std::to_string(status.getSupply()));
  line->setQuorum(status.getQuorum());
  line->setNeighbours(status.getNeighbours());
  if (status.getWaits().size() > 0) line->setWaits(status.getWaits());
  line->setWaitingPower(std::to_string(status.getWaitingPower()));
  line->setPower(std::to_string(status.getPower()));
  line->setFork(status.getFork());
  line->setSuspects(status.getSuspects());
  line.print(out);
}

void print_status_text(std::ostream& out, show_wire::ChainStatus::Reader status) {
  out << "chain       " << hex(status.getChain()) << "\nname        " << base::printable(text_of(status.getName()))
      << ", " << base::printable(text_of(status.getMode())) << "\nheight      " << status.getHeight();
  if (status.getTarget() > status.getHeight()) out << ", behind " << status.getTarget();
  out << "\nblock       " << hex(status.getId()) << ", " << date_of(wallet::UnixMs(status.getTime())) << ", one every "
      << status.getBlockTimeMs() << " ms\nstate root  " << hex(status.getStateRoot()) << "\nconsensus   round "
      << status.getRound() << ", " << base::printable(text_of(status.getStep())) << ", " << status.getValidators()
      << " validators, " << (status.getQuorum() ? "a quorum votes" : "no quorum has voted recently") << "\npending     "
      << status.getPending() << " transactions\nbase fee    " << status.getBaseFee() << "\nsupply      "
      << status.getSupply() << "\nneighbours  " << status.getNeighbours() << '\n';
  if (status.getFork() > 0) out << "fork        " << status.getFork() << '\n';
  for (const auto suspect : status.getSuspects())
    out << "suspect     " << hex(suspect) << " has signed two final blocks of one height\n";
  if (!status.getQuorum() && status.getNeighbours() + 1 < status.getValidators())
    out << "links       too few: connect to the other validators with `troupe peers connect HOST:PORT`, or `troupe "
           "node --join HOST:PORT`\n";
  if (status.getWaits().size() == 0) return;
  out << "waits       this node's validator signs nothing: " << base::printable(text_of(status.getWaits())) << '\n';
  if (status.getWaitingPower() > 0)
    out << "waiting     " << status.getWaitingPower() << " of " << status.getPower() << " of the voting power\n";
}

void print_params_json(std::ostream& out, show_wire::ChainParams::Reader params) {
  JsonLine<output::wire::ChainParams> line;
  const auto rows = params.getRows();  // once: a reader's traversal limit counts each access
  auto entries = line->initEntries(rows.size());
  for (unsigned i = 0; i < entries.size(); ++i) {
    entries[i].setName(rows[i].getName());
    entries[i].getValue().setNumber(rows[i].getValue());
  }
  line.print(out);
}

void print_params_text(std::ostream& out, show_wire::ChainParams::Reader params) {
  TextTable table({{"PARAMETER"}, {"VALUE", Align::right}});
  for (const auto row : params.getRows()) table.add({text_of(row.getName()), std::to_string(row.getValue())});
  table.print(out);
}

/// Returns false also if the node does not report its peers: then the original error is shown.
bool is_unknown(Client& client, const base::NodeId& peer) {
  auto answer = client.ask<peers::wire::ListPeers, peers::wire::PeerRows>("/peers", kChainAnswer,
                                                                          [](peers::wire::ListPeers::Builder) {});
  if (!answer.ok()) return false;
  for (const auto row : answer.value().root().getPeers())
    if (node_of(row.getNode()) == peer) return false;
  return true;
}

}  // namespace

Ending chain_status(const Invocation& invocation, Console& console) {
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto answer = ask_chain<show_wire::GetChainStatus, show_wire::ChainStatus>(*client.value(),
                                                                             [](show_wire::GetChainStatus::Builder) {});
  if (!answer.ok()) {
    const base::Code code = answer.error().error.code;
    return code == base::Code::not_found || code == base::Code::unsupported ? no_chain() : answer.error();
  }
  if (invocation.globals.json) print_status_json(console.out, answer.value().root());
  else print_status_text(console.out, answer.value().root());
  return Exit::done;
}

Ending chain_params(const Invocation& invocation, Console& console) {
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto answer = ask_chain<show_wire::GetChainParams, show_wire::ChainParams>(*client.value(),
                                                                             [](show_wire::GetChainParams::Builder) {});
  if (!answer.ok()) return answer.error();
  if (invocation.globals.json) print_params_json(console.out, answer.value().root());
  else print_params_text(console.out, answer.value().root());
  return Exit::done;
}

Ending chain_verify(const Invocation& invocation, Console& console) {
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto answer = ask_chain<show_wire::VerifyChain, show_wire::ChainVerified>(
      *client.value(),
      [&](show_wire::VerifyChain::Builder out) { out.setFrom(invocation.number("--from").value_or(0)); },
      kVerifyAnswer);
  if (!answer.ok()) return answer.error();
  const auto verified = answer.value().root();
  if (invocation.globals.json) {
    JsonLine<output::wire::ChainVerified> line;
    line->setFrom(verified.getFrom());
    line->setTo(verified.getTo());
    line->setOk(verified.getOk());
    if (!verified.getOk()) line->getBadHeight().setValue(verified.getBadHeight());
    line.print(console.out);
  } else if (verified.getOk()) {
    console.out << "from " << verified.getFrom() << " to " << verified.getTo()
                << ": all blocks are valid, and match the state roots in their headers\n";
  }
  if (verified.getOk()) return Exit::done;
  return Failure{{base::Code::corrupt, "block " + std::to_string(verified.getBadHeight()) +
                                           " is invalid, or its state differs from the root in its header"},
                 "the blocks were read, and not changed",
                 "troupe chain block " + std::to_string(verified.getBadHeight())};
}

Ending chain_diff(const Invocation& invocation, Console& console) {
  const auto peer = node_typed(*invocation.text("PEER"));
  if (!peer.ok()) return usage_failure(peer.error().error.message, "troupe peers");
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto answer = ask_chain<show_wire::DiffChain, show_wire::ChainDiff>(
      *client.value(), [&](show_wire::DiffChain::Builder out) { out.setPeer(data_of(peer.value().view())); },
      kDiffAnswer);
  if (!answer.ok()) {
    if (answer.error().error.code == base::Code::unavailable && is_unknown(*client.value(), peer.value()))
      return Failure{{base::Code::not_found, "this node knows no node " + peer.value().hex()}, "", "troupe peers"};
    return answer.error();
  }
  const auto diff = answer.value().root();
  if (invocation.globals.json) {
    JsonLine<output::wire::ChainDiff> line;
    line->setEqual(diff.getEqual());
    line->setHeight(diff.getHeight());
    if (!diff.getEqual()) line->setKey(diff.getKey());
    line.print(console.out);
  } else if (diff.getEqual()) {
    console.out << "both have the same state at height " << diff.getHeight() << '\n';
  } else {
    console.out << hex(diff.getKey()) << '\n';
  }
  if (diff.getEqual()) return Exit::done;
  const std::string height = std::to_string(diff.getHeight());
  return Failure{
      {base::Code::conflict, "the states at height " + height + " differ, first at the key " + hex(diff.getKey())},
      "",
      "troupe chain state --at " + height + ", at both nodes",
      Exit::failed};
}

}  // namespace troupe::apps
