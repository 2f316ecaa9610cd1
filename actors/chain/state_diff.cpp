#include "actors/chain/api.hpp"
#include "actors/chain/logic/tree_diff.hpp"
#include "actors/chain/queries.hpp"
#include "messages/codec.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

constexpr std::chrono::seconds kRowDue{10};  // our choice
constexpr std::size_t kDiffsMax = 4;         // our choice: at a time

Error lies(const base::NodeId& peer, const char* what) {
  return {Code::corrupt, "the node " + peer.hex() + " sent a false state: " + what + "; compare with another node"};
}

}  // namespace

struct StateDiff::Differing {
  base::NodeId peer;
  runtime::Handle handle;
  Height height;
  TreeRoot here;
  std::optional<RemoteTree> there;
  runtime::Reply<wire::ChainDiff> reply;
  std::shared_ptr<void> counted;  // ends with this object

  void answer(const std::optional<Bytes>& key) {
    reply.send([&](wire::ChainDiff::Builder out) {
      out.setEqual(!key);
      out.setHeight(height.value);
      if (key) out.setKey(data_of(*key));
    });
  }
};

void StateDiff::diff_with(wire::DiffChain::Reader ask, runtime::Reply<wire::ChainDiff> reply) {
  const auto peer = base::NodeId::from(bytes_of(ask.getPeer()));
  if (!peer) return reply.refuse({Code::malformed, "invalid node id: expected 20 bytes"});
  if (*peer == chain_.settings.self())
    return reply.refuse({Code::refused, "a node cannot be compared with itself: name another node"});
  if (*diffs_ >= kDiffsMax)
    return reply.refuse(
        {Code::overloaded, "too many state comparisons in progress (limit 4)", std::chrono::seconds(1)});
  const auto differing = std::make_shared<Differing>();
  ++*diffs_;
  differing->counted = std::shared_ptr<void>(nullptr, [diffs = diffs_](void*) { --*diffs; });
  differing->peer = *peer;
  differing->handle = chain_.settings.links->remote(*peer, kPath);
  differing->reply = std::move(reply);
  this->ask<wire::GetChainHead, wire::ChainHead>(
      differing->handle, now() + kRowDue,
      [this](wire::GetChainHead::Builder out) { out.setChain(data_of(chain_.id.view())); },
      [this, differing](runtime::Answer<wire::ChainHead> answer) {
        if (!answer.ok()) return differing->reply.refuse(answer.error());
        differing->height = std::min(Height{answer.value().getHeight()}, chain_.ledger.head().height);
        diff_roots(differing);
      });
}

void StateDiff::diff_roots(std::shared_ptr<Differing> differing) {
  chain_.ledger.state_at(differing->height, [this, differing](base::Outcome<std::optional<TreeRoot>> root) {
    if (!root.ok()) return differing->reply.refuse(root.error());
    // The other node is too far behind.
    if (!root.value()) return differing->reply.refuse(chain_.not_kept(differing->height));
    differing->here = *root.value();
    ask_tree_row(differing);
  });
}

/// Asks for the wanted row; first for the top row, together with the root.
void StateDiff::ask_tree_row(std::shared_ptr<Differing> differing) {
  const Bytes key = differing->there ? differing->there->wanted()->encode() : Bytes();
  ask<wire::GetTreeRow, wire::TreeRow>(
      differing->handle, now() + kRowDue,
      [&](wire::GetTreeRow::Builder out) {
        out.setChain(data_of(chain_.id.view()));
        out.setHeight(differing->height.value);
        out.setRow(data_of(key));
      },
      [this, differing](runtime::Answer<wire::TreeRow> answer) {
        if (!answer.ok()) return differing->reply.refuse(answer.error());
        const auto row = bytes_of(answer.value().getRow());
        Bytes bytes(row.begin(), row.end());
        if (differing->there) {
          if (!differing->there->take(std::move(bytes)))
            return differing->reply.refuse(lies(differing->peer, "a row does not have the announced hash"));
          return diff_next(differing);
        }
        const auto hash = base::Digest::from(bytes_of(answer.value().getRoot()));
        if (!hash) return differing->reply.refuse(lies(differing->peer, "its root is malformed"));
        const TreeRoot root{*hash, Height{answer.value().getVersion()}};
        differing->there.emplace(root);
        if (root.hash == base::Digest{} || root.hash == differing->here.hash) return diff_next(differing);
        static_cast<void>(differing->there->row({root.version, 0, {}}));  // it is the wanted row
        if (!differing->there->take(std::move(bytes)))
          return differing->reply.refuse(lies(differing->peer, "its top row does not have the hash of its root"));
        diff_next(differing);
      });
}

void StateDiff::diff_next(std::shared_ptr<Differing> differing) {
  struct Found {
    std::optional<Bytes> key;
    bool whole = false;
  };
  const auto found = std::make_shared<Found>();
  chain_.ledger.with_rows(
      [this, differing, found] {
        const auto compared = diff(chain_.ledger, differing->here, *differing->there, differing->there->root());
        found->whole = compared.ok();
        if (compared.ok()) found->key = compared.value();
        return compared.ok() || differing->there->wanted().has_value();
      },
      [this, differing, found](const base::Outcome<void>& read) {
        if (!read.ok())
          return differing->reply.refuse(
              differing->height < chain_.ledger.lowest_state() ? chain_.not_kept(differing->height) : read.error());
        if (!found->whole) return ask_tree_row(differing);
        differing->answer(found->key);
      });
}

void StateDiff::give(wire::GetTreeRow::Reader ask, runtime::Reply<wire::TreeRow> reply) {
  if (!chain_.ready || !chain_.ours(ask.getChain()))
    return reply.refuse({Code::not_found, "this node has another chain"});
  const auto key = ask.getRow().size() > 0 ? RowKey::decode(bytes_of(ask.getRow())) : std::optional(RowKey{});
  if (!key) return reply.refuse({Code::malformed, "invalid row key"});
  if (neighbours_.refuse_much(1, reply)) return;
  const Height height{ask.getHeight()};
  const bool top = ask.getRow().size() == 0;
  chain_.ledger.state_at(height, [this, height, top, key = *key,
                                  reply = std::move(reply)](base::Outcome<std::optional<TreeRoot>> root) mutable {
    if (!root.ok()) return reply.refuse(root.error());
    if (!root.value()) return reply.refuse(chain_.not_kept(height));
    const TreeRoot at = *root.value();
    const auto answer = [at](runtime::Reply<wire::TreeRow>& to, base::ByteView row) {
      to.send([&](wire::TreeRow::Builder out) {
        out.setRoot(data_of(at.hash.view()));
        out.setVersion(at.version.value);
        out.setRow(data_of(row));
      });
    };
    if (top && at.hash == base::Digest{}) return answer(reply, {});
    chain_.ledger.tree_row(top ? RowKey{at.version, 0, {}} : key, [answer, reply = std::move(reply)](
                                                                      base::Outcome<std::optional<Bytes>> row) mutable {
      if (!row.ok()) return reply.refuse(row.error());
      if (!row.value()) return reply.refuse({Code::not_found, "the state has no such row, or no longer keeps it"});
      answer(reply, *row.value());
    });
  });
}

}  // namespace troupe::chain
