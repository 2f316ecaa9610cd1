#include "actors/escrow/sim_client.hpp"

#include "actors/escrow/api.hpp"
#include "actors/raft/api.hpp"
#include "messages/codec.hpp"
#include "messages/raft.capnp.h"

namespace troupe::escrow {
namespace {

constexpr const char* kSimGroup = "world";
constexpr std::uint64_t kIssued = 1'000'000;

}  // namespace

/// Forgets requests to that node: its answers will not come.
void BookWorld::died(std::size_t node) {
  Clients::died(node);
  making_ = learning_ = auditing_ = false;
}

void BookWorld::close() {
  closing_ = true;
  audit();
}

void BookWorld::found(std::size_t members) {
  members_.are(members);
  if (made_ || making_ || !nodes_.serving(0)) return;
  std::vector<base::NodeId> ids;
  for (std::size_t node = 0; node < members_.count(); ++node)
    if (const auto id = nodes_.id(node)) ids.push_back(*id);
  if (ids.size() < members_.count()) return;
  making_ = true;
  ask<raft::wire::InitGroup, raft::wire::GroupMade>(
      begin(0, "the group is made"), raft::kPath, kWait,
      [ids](raft::wire::InitGroup::Builder out) {
        out.setGroup(kSimGroup);
        auto list = out.initMembers(size32(ids));
        for (unsigned i = 0; i < list.size(); ++i) list[i].setNode(data_of(ids[i].view()));
      },
      [this](const Error& error, raft::wire::GroupMade::Reader made) {
        making_ = false;
        if (!error && made.getFailed().size() == 0) made_ = true;
      });
}

void BookWorld::learn(std::size_t node) {
  if (std::exchange(learning_, true)) return;
  ask<wire::GetTerms, wire::TermsAre>(
      begin(node, "a read of the book"), kPath, kWait, [](wire::GetTerms::Builder) {},
      [this](const Error& error, wire::TermsAre::Reader are) {
        learning_ = false;
        if (error) return;
        book_ = wallet::BookId::from(bytes_of(are.getBook()));
        learned(are);
      });
}

void BookWorld::issue(const std::string& name, const wallet::Address& to, bool& done, bool& asking, std::size_t node) {
  if (done || std::exchange(asking, true)) return;
  ask<wallet::wire::Issue, wallet::wire::Posted>(
      begin(node, "an issue to " + name), wallet::kPath, kWait,
      [to, name](wallet::wire::Issue::Builder out) {
        out.setTo(data_of(to.view()));
        out.setAmount(kIssued);
        out.setRequest("issue to " + name);
      },
      [this, &done, &asking](const Error& error, wallet::wire::Posted::Reader posted) {
        asking = false;
        if (error) return;
        done = true;
        if (const auto id = wallet::TransferId::from(bytes_of(posted.getId()))) posted_.insert(*id);
      });
}

void BookWorld::audit() {
  if (audited_ || auditing_ || !made_ || 2 * members_.whole() <= members_.count()) return;
  const auto node = sim::first_serving(nodes_, turn_++);
  if (!node) return;
  if (!book_) return learn(*node);
  auditing_ = true;
  ask<wallet::wire::CheckBook, wallet::wire::BookChecked>(
      begin(*node, "an audit"), wallet::kPath, kWait, [](wallet::wire::CheckBook::Builder) {},
      [this, node = *node, least = posted_.size()](const Error& error, wallet::wire::BookChecked::Reader checked) {
        auditing_ = false;
        if (error) return;
        if (checked.getBrokenAt() != 0 || checked.getMismatches().size() > 0 || checked.getSum() != checked.getIssued())
          return nodes_.violated("book", "posting " + std::to_string(checked.getBrokenAt()) + ", " +
                                             std::to_string(checked.getMismatches().size()) + " accounts differ");
        if (checked.getPostings() < least)
          return nodes_.violated("book", "the book has fewer postings than were acknowledged");
        book_is_whole(node);
      });
}

bool BookWorld::waits_for_group(std::vector<std::string>& out) const {
  if (members_.count() == 0 || 2 * members_.whole() <= members_.count()) return true;
  if (made_) return false;
  if (nodes_.lost_data_count() == 0) out.push_back("the group is not made");
  return true;
}

}  // namespace troupe::escrow
