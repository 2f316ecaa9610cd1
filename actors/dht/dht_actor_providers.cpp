// Who provides a content, told as it is found: what the search takes of those that this node knows at once, then of
// each answer.
#include <algorithm>
#include <set>

#include "actors/dht/api.hpp"
#include "actors/dht/dht_actor.hpp"
#include "actors/dht/wire.hpp"

namespace troupe::dht {
namespace {

using base::Code;

constexpr std::uint16_t kProvidersMax = 1'000;  // our choice: 64 KiB of contacts

}  // namespace

struct DhtActor::ProviderStream {
  runtime::Sink<wire::FoundProviders> sink;
  std::size_t most = 0;
  std::set<base::NodeId> named{};
  std::vector<Contact> waiting{};  // for credit
  std::optional<runtime::Envelope> result{};
  bool over = false;  // told, or nobody wants it any more

  void take(const std::vector<Contact>& found) {
    for (const Contact& one : found)
      if (named.size() < most && named.insert(one.id).second) waiting.push_back(one);
    flush();
  }
  void flush() {
    if (!sink.ready() || (waiting.empty() && !result)) return;
    sink.push([this](wire::FoundProviders::Builder out) {
      write(out.initProviders(static_cast<unsigned>(waiting.size())), waiting);
      waiting.clear();
      if (!result) return;
      out.setLast(true);
      out.setSearch(runtime::Envelope::Reading<wire::SearchResult>(*result).root());
    });
    if (!result) return;
    sink.end();
    over = true;
  }
};

void DhtActor::find_providers(wire::FindProviders::Reader question, runtime::Sink<wire::FoundProviders> sink) {
  const auto bytes = bytes_of(question.getCid());
  const auto key = Key::from(bytes.first(std::min(bytes.size(), Key::kBytes)));
  if (!key || (bytes.size() != Key::kBytes && bytes.size() != base::Digest::kBytes))
    return sink.fail({Code::malformed, "a content id has 32 bytes, its key 20"});
  const std::uint16_t most = std::clamp<std::uint16_t>(question.getProvidersMax(), 1, kProvidersMax);
  const auto stream = std::make_shared<ProviderStream>(ProviderStream{.sink = std::move(sink), .most = most});
  std::erase_if(provider_streams_, [](const auto& one) { return one.second->over; });
  const std::uint64_t group = ++last_group_;
  provider_streams_.emplace(group, stream);
  const std::weak_ptr<ProviderStream> weak = stream;
  stream->sink.on_ready([weak] {
    if (const auto here = weak.lock()) here->flush();
  });
  stream->sink.on_cancel([this, weak, group] {
    if (const auto here = weak.lock()) here->over = true;
    stop_searches([group](const UnderWay& one) { return one.group == group; });
  });
  search(Wanted{.key = *key,
                .goal = wire::Search::Goal::PROVIDERS,
                .providers_max = most,
                .explain = question.getExplain(),
                .group = group},
         [this, stream](runtime::Answer<wire::SearchResult>& answer) {
           if (!answer.ok()) {
             stream->over = true;
             return stream->sink.fail(answer.error());
           }
           stream->result = answer.envelope();
           stream->take(own_contacts(answer.value().getProviders()));
         });
}

void DhtActor::providers_found(wire::ProvidersFound::Reader more) {
  const auto stream = provider_streams_.find(more.getGroup());
  if (stream != provider_streams_.end()) stream->second->take(own_contacts(more.getProviders()));
}

}  // namespace troupe::dht
