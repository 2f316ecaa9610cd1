#include <algorithm>
#include <set>

#include "actors/dht/api.hpp"
#include "actors/dht/parts.hpp"
#include "actors/dht/wire.hpp"

namespace troupe::dht {
namespace {

using base::Code;

constexpr std::uint16_t kProvidersMax = 1'000;  // our choice: 64 KiB of contacts

}  // namespace

struct ProviderStreams::Stream {
  runtime::Sink<wire::FoundProviders> sink;
  std::size_t most = 0;
  std::set<base::NodeId> named{};
  std::vector<Contact> waiting{};  // contacts that wait for credit
  std::optional<runtime::Envelope> result{};
  bool over = false;  // reported, or its asker is gone

  void take(const std::vector<Contact>& found) {
    for (const Contact& one : found)
      if (named.size() < most && named.insert(one.id).second) waiting.push_back(one);
    flush();
  }
  void flush() {
    if (!sink.ready() || (waiting.empty() && !result)) return;
    sink.push([this](wire::FoundProviders::Builder out) {
      write(out.initProviders(size32(waiting)), waiting);
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

void ProviderStreams::find(wire::FindProviders::Reader question, runtime::Sink<wire::FoundProviders> sink) {
  const auto bytes = bytes_of(question.getCid());
  const auto key = Key::from(bytes.first(std::min(bytes.size(), Key::kBytes)));
  if (!key || (bytes.size() != Key::kBytes && bytes.size() != base::Digest::kBytes))
    return sink.fail({Code::malformed, "invalid content id: an id has 32 bytes, its key 20"});
  const std::uint16_t most = std::clamp<std::uint16_t>(question.getProvidersMax(), 1, kProvidersMax);
  const auto stream = std::make_shared<Stream>(Stream{.sink = std::move(sink), .most = most});
  std::erase_if(streams_, [](const auto& one) { return one.second->over; });
  const std::uint64_t group = head_.new_group();
  streams_.emplace(group, stream);
  const std::weak_ptr<Stream> weak = stream;
  stream->sink.on_ready([weak] {
    if (const auto here = weak.lock()) here->flush();
  });
  stream->sink.on_cancel([this, weak, group] {
    if (const auto here = weak.lock()) here->over = true;
    head_.stop_group(group);
  });
  const auto words = [&](wire::Search::Builder out) {
    out.setKey(data_of(key->view()));
    out.getGoal().setProviders(most);
    out.setExplain(question.getExplain());
  };
  head_.search_for({.group = group}, words, [stream](const Searched& end) {
    if (!end.answer.ok()) {
      stream->over = true;
      return stream->sink.fail(end.answer.error());
    }
    stream->result = end.answer.envelope();
    stream->take(own_contacts(end.answer.value().getProviders()));
  });
}

void ProviderStreams::found(wire::ProvidersFound::Reader more) {
  const auto stream = streams_.find(more.getGroup());
  if (stream != streams_.end()) stream->second->take(own_contacts(more.getProviders()));
}

}  // namespace troupe::dht
