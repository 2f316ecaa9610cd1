// Gets where nodes that announce a content never answer.
#include <doctest/doctest.h>

#include "messages/dht.capnp.h"
#include "tests/actors/files/files_cluster.hpp"

namespace troupe::files {
namespace {

/// A node that finds holders through its DHT alone, which names ten silent ones, and the only holder fourth.
struct FakedGet {
  static constexpr std::size_t kReader = 0, kHolder = 1, kFakes = 10;

  FakedGet() : cluster(2 + kFakes, [](FilesSettings& settings) { settings.chunk_bytes = kChunkBytes; }) {
    cluster[kHolder].lonely = true;
    const PutOutcome put = cluster.put(kHolder, pattern(3 << 20), 1);
    REQUIRE(!put.error);
    cid = put.cid;
    cluster[kReader].lonely = true;
    cluster[kReader].dht = [this](Scripted&, runtime::Handlers& on) { answer(on); };
    cluster.restart(kReader);
  }
  void silence_fakes() {
    for (std::size_t i = 2; i < cluster.members.size(); ++i) {
      cluster[i].mute = true;
      cluster.restart(i);
    }
  }
  std::size_t unanswered() {
    std::size_t sum = 0;
    for (const auto& member : cluster.members) sum += member->unanswered;
    return sum;
  }
  base::Duration timed_get() {
    const base::Instant begun = cluster.stage.now();
    const GetOutcome got = cluster.get(kReader, cid);
    CHECK_MESSAGE(!got.error, (got.error ? got.error->message : ""));
    CHECK(got.bytes == pattern(3 << 20));
    return cluster.stage.now() - begun;
  }

  FilesCluster cluster;
  Cid cid;

 private:
  void answer(runtime::Handlers& on) {
    on.ask<dht::wire::Search, dht::wire::SearchResult>(
        [this](dht::wire::Search::Reader, runtime::Reply<dht::wire::SearchResult> reply) {
          reply.send([&](dht::wire::SearchResult::Builder out) {
            auto list = out.initProviders(1 + kFakes);
            for (unsigned i = 0; i < list.size(); ++i) {
              const std::size_t named = i < 3 ? 2 + i : i == 3 ? kHolder : 1 + i;
              messages::write_contact(list[i], {cluster[named].identity->public_key(), 0, *cluster[named].address});
            }
          });
        });
  }
};

}  // namespace

TEST_CASE("files: ten silent nodes that announce a file delay a get by little more than a second, the next one not") {
  FakedGet faked;
  const base::Duration quiet = faked.timed_get();
  faked.silence_fakes();
  const base::Duration first = faked.timed_get();
  const std::size_t unanswered = faked.unanswered();
  CHECK(unanswered > 0);
  CHECK_MESSAGE(first <= quiet + 1500ms, "first ", first.count(), " quiet ", quiet.count());
  const base::Duration second = faked.timed_get();
  CHECK_MESSAGE(second <= quiet + 100ms, "second ", second.count(), " quiet ", quiet.count());
  CHECK(faked.unanswered() <= unanswered + 2);  // those not met before may yet be asked
  faked.cluster.stage.run_for(kSilentFor);
  faked.timed_get();
  CHECK(faked.unanswered() > unanswered + 2);
  CHECK(faked.cluster.failures().empty());
}

}  // namespace troupe::files
