#include "actors/files/announce_actor.hpp"

#include "runtime/base/ensure.hpp"

namespace troupe::files {
namespace {

constexpr std::chrono::seconds kSearchDue{60};
// In a network of so many nodes any search finds all of them. Our choice: below the 40 of a region.
constexpr std::uint64_t kFewNodes = 32;

}  // namespace

void AnnounceActor::receive(runtime::Handlers& on) {
  on.tell<wire::Holds>([this](wire::Holds::Reader holds) {
    if (const auto key = read_content(holds.getContent()); key.ok()) take(key.value(), holds.getGone());
  });
  on.timer<Send>([this] { send(); });
  on.describe<wire::AnnounceState>([this](wire::AnnounceState::Builder state) {
    state.setWaiting(static_cast<std::uint32_t>(waiting_.size()));
    state.setAnnounced(announced_);
    state.setFailed(failed_);
    state.setDropped(dropped_);
  });
}

void AnnounceActor::check() const { base::ensure(waiting_.size() <= kWaitingMax, "what waits is limited"); }

void AnnounceActor::take(const ContentKey& content, bool gone) {
  if (!node().find(settings_.dht)) return;  // a node without a DHT tells nobody
  const base::NodeId key = content.position();
  if (gone) {
    std::erase(waiting_, key);
    return tell<dht::wire::Withdrawn>(node().find(settings_.dht), [&](dht::wire::Withdrawn::Builder out) {
      out.setWhat(dht::kProviderNumber);
      out.setKey(data_of(key.view()));
    });
  }
  if (waiting_.size() == kWaitingMax) {
    waiting_.pop_front();
    ++dropped_;
  }
  waiting_.push_back(key);
  if (!sending_ && waiting_.size() == 1) after<Send>(kGather);
}

void AnnounceActor::send() {
  if (sending_ || waiting_.empty()) return;
  sending_ = true;
  ask<dht::wire::GetTable, dht::wire::TableRows>(
      node().find(settings_.dht), now() + settings_.answer_timeout, [](dht::wire::GetTable::Builder) {},
      [this](runtime::Answer<dht::wire::TableRows> table) {
        const bool few = table.ok() && table.value().getNodes() <= kFewNodes;
        std::vector<base::NodeId> keys;
        while (!waiting_.empty() && keys.size() < (few ? dht::kRegionItemsMax : 1)) {
          keys.push_back(waiting_.front());
          waiting_.pop_front();
        }
        if (keys.empty()) {  // withdrawn meanwhile
          sending_ = false;
          return;
        }
        ask<dht::wire::Search, dht::wire::SearchResult>(
            node().find(settings_.dht), now() + kSearchDue,
            [&](dht::wire::Search::Builder search) {
              search.setKey(data_of(keys[keys.size() / 2].view()));
              search.setKeep(true);
              auto items = search.getGoal().initRegion(static_cast<unsigned>(keys.size()));
              for (unsigned i = 0; i < items.size(); ++i) items[i].setKey(data_of(keys[i].view()));
            },
            [this, keys](runtime::Answer<dht::wire::SearchResult> answer) { sent(keys, answer); });
      });
}

void AnnounceActor::sent(std::vector<base::NodeId> keys, runtime::Answer<dht::wire::SearchResult>& answer) {
  sending_ = false;
  std::vector<bool> items(keys.size());
  if (answer.ok()) {
    const auto list = answer.value().getItems();
    for (unsigned i = 0; i < std::min<std::size_t>(list.size(), items.size()); ++i) items[i] = list[i];
  }
  bool all = true;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const bool done = items[i];
    announced_ += done;
    all = all && done;
    if (!done && waiting_.size() < kWaitingMax) waiting_.push_back(keys[i]);
  }
  failed_ += !all;
  if (!waiting_.empty()) after<Send>(all ? base::Duration::zero() : base::Duration(kAgain));
}

}  // namespace troupe::files
