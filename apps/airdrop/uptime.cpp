// Airdrops whose rule is uptime: the nodes that were online, as watchers have signed it, and the file that proves it.
#include "actors/airdrop/logic/uptime.hpp"

#include <algorithm>
#include <map>

#include "apps/airdrop/airdrop.hpp"
#include "apps/files/file.hpp"
#include "apps/registry/registry.hpp"
#include "apps/wallet/book.hpp"
#include "messages/codec.hpp"
#include "messages/files.capnp.h"

namespace troupe::apps::airdrops {
namespace {

using base::Code;

constexpr std::chrono::minutes kViewIdle{2};
constexpr std::size_t kPieceBytes = std::size_t{1} << 20;  // messages/files.capnp: PutPiece
// The node that asked the watchers has checked the network's own work.
constexpr unsigned kNoWork = 0;

struct Proven {
  airdrop::Present present;
  airdrop::Evidence evidence;
};

/// Returns what the watchers of a node report about the window, or nullopt if it is not enough.
Client::Outcome<std::optional<Proven>> prove(Client& client, const base::NodeId& node,
                                             const airdrop::UptimeRule& rule) {
  namespace wire = registry::wire;
  airdrop::Evidence evidence;
  const auto ended = client.subscribe<wire::ViewNode, wire::NodeRows>(
      registry::kListPath, kViewIdle,
      [&](wire::ViewNode::Builder out) {
        out.setNode(data_of(node.view()));
        out.setUptimeFrom(rule.from);
        out.setUptimeUntil(rule.until);
      },
      [&](wire::NodeRows::Reader part) -> Client::Outcome<void> {
        for (const auto row : part.getRows()) {
          const auto bytes = bytes_of(row.getRegistration());
          evidence.registration.assign(bytes.begin(), bytes.end());
        }
        for (const auto one : part.getUptimes())
          if (evidence.uptimes.size() < airdrop::kUptimesMax) evidence.uptimes.emplace_back(one.begin(), one.end());
        return {};
      });
  // A node about which nothing can be learned is not paid; the other nodes are.
  const bool unheard =
      !ended.ok() && (ended.error().error.code == Code::not_found || ended.error().error.code == Code::unavailable ||
                      ended.error().error.code == Code::timeout);
  if (unheard) return std::optional<Proven>();
  if (!ended.ok()) return ended.error();
  std::ranges::sort(evidence.uptimes);
  const auto present = airdrop::present_by(evidence, rule, kNoWork);
  if (!present.ok()) return std::optional<Proven>();
  return std::optional(Proven{present.value(), std::move(evidence)});
}

Client::Outcome<base::Digest> stored(Client& client, const base::Bytes& bytes) {
  namespace wire = files::wire;
  std::size_t at = 0;
  using Filled = std::optional<base::Callback<void(wire::PutPiece::Builder)>>;
  auto done = client.feed<wire::PutFile, wire::PutPiece, wire::PutDone>(
      files::kPath, kFileIdle, [](wire::PutFile::Builder out) { out.setName("airdrop evidence"); },
      [&]() -> Client::Produced<wire::PutPiece> {
        if (at == bytes.size()) return Filled();
        const base::ByteView piece = base::ByteView(bytes).subspan(at, std::min(kPieceBytes, bytes.size() - at));
        at += piece.size();
        return Filled([piece](wire::PutPiece::Builder out) { out.setBytes(data_of(piece)); });
      });
  if (!done.ok()) return done.error();
  const auto cid = base::Digest::from(bytes_of(done.value().root().getCid()));
  if (!cid) return wallets::odd_answer("it is not a content id");
  return *cid;
}

Client::Outcome<base::Bytes> fetched(Client& client, const base::Digest& cid) {
  namespace wire = files::wire;
  base::Bytes out;
  const auto read = client.subscribe<wire::GetFile, wire::GetItem>(
      files::kPath, kFileIdle, [&](wire::GetFile::Builder question) { question.setCid(data_of(cid.view())); },
      [&](wire::GetItem::Reader item) -> Client::Outcome<void> {
        if (item.isPiece()) base::append(out, bytes_of(item.getPiece()));
        if (out.size() <= airdrop::kEvidenceBytesMax) return {};
        return Failure{.error = {Code::refused, "the evidence of an airdrop has at most 512 MiB"}};
      });
  if (!read.ok()) return read.error();
  return out;
}

}  // namespace

Client::Outcome<UptimeList> list_by_uptime(Client& client, airdrop::UptimeRule rule, Keep keep) {
  const auto nodes = registries::list_nodes(client);
  if (!nodes.ok()) return nodes.error();
  // A list that names the issuing account is refused as a whole: one node would keep all others from their pay.
  const auto account = wallets::account_at(client, wallet::Address());
  const auto issuance = account.ok() ? std::optional(wallet::issuance_of(account.value().book)) : std::nullopt;
  std::map<base::NodeId, airdrop::Evidence> evidence;
  std::vector<airdrop::Present> all;
  for (const registries::Row& row : nodes.value().rows) {
    auto proven = prove(client, row.registration.id(), rule);
    if (!proven.ok()) return proven.error();
    if (!proven.value() || proven.value()->present.to == issuance) continue;
    all.push_back(proven.value()->present);
    evidence.emplace(row.registration.id(), std::move(proven.value()->evidence));
  }
  UptimeList out{.rule = rule, .paid = airdrop::paid_of(std::move(all), rule)};
  if (out.paid.empty())
    return Failure{.error = {Code::refused, "no node was online for " + std::to_string(rule.hours) +
                                                " hours of the window according to three of its watchers"},
                   .try_ = "troupe registry ls"};
  if (keep == Keep::no) return out;
  std::vector<airdrop::Evidence> kept;
  for (const airdrop::Present& one : out.paid) kept.push_back(evidence.at(one.node));
  const auto cid = stored(client, airdrop::encode(kept));
  if (!cid.ok()) return cid.error();
  out.rule.evidence = cid.value();
  return out;
}

Client::Outcome<UptimeList> list_by_evidence(Client& client, const airdrop::UptimeRule& rule) {
  const auto bytes = fetched(client, rule.evidence);
  if (!bytes.ok()) return bytes.error();
  const auto evidence = airdrop::decode_evidence(bytes.value());
  if (!evidence) return Failure{.error = {Code::corrupt, "the evidence that the terms name is malformed"}};
  std::vector<airdrop::Present> all;
  for (const airdrop::Evidence& one : *evidence) {
    auto present = airdrop::present_by(one, rule, kNoWork);
    if (!present.ok()) return Failure{.error = {Code::corrupt, "the evidence proves less: " + present.error()}};
    all.push_back(std::move(present).value());
  }
  const std::size_t before = all.size();
  UptimeList out{.rule = rule, .paid = airdrop::paid_of(std::move(all), rule)};
  if (out.paid.size() != before)
    return Failure{.error = {Code::corrupt, "the evidence has nodes that the rule does not pay"}};
  return out;
}

Client::Outcome<void> complete(Promise& promise, Client& client, Keep keep) {
  if (!promise.uptime) return {};
  const auto list = promise.uptime->evidence == base::Digest{} ? list_by_uptime(client, *promise.uptime, keep)
                                                               : list_by_evidence(client, *promise.uptime);
  if (!list.ok()) return list.error();
  promise.uptime = list.value().rule;
  promise.list = airdrop::list_of(list.value().paid);
  return {};
}

}  // namespace troupe::apps::airdrops
