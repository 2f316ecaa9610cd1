#pragma once
// A store actor in virtual time on a simulated disk, and somebody who asks it.
#include <doctest/doctest.h>

#include "messages/runtime.capnp.h"
#include "runtime/store/store_actor.hpp"
#include "runtime/store/store_words.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"
#include "tests/runtime/store/packing.hpp"

namespace troupe::store {

/// What a question came to: nothing while it waits, `ok`, or the code of its error.
struct Heard {
  bool ok = false;
  std::optional<base::Code> code;
  std::string message;
};

/// A store in virtual time, and somebody who asks it.
class Counter {
 public:
  explicit Counter(std::uint64_t seed = 1, StoreOptions options = {}, StoreTold told = {})
      : actors(seed), options_(options), told_(std::move(told)) {}

  void open() {
    store = actors.node.start(
        "store", [options = options_, told = told_] { return std::make_unique<StoreActor>("node", options, told); },
        {.placement = ports::Placement::own_thread});
    actors.stage.settle();
  }
  /// The actor ends, as with its process.
  void end() {
    caf::anon_send_exit(store, caf::exit_reason::kill);
    actors.stage.settle();
  }
  /// Others take what is free of the device.
  void fill() {
    actors.disk.set_capacity(sim::kDiskBytes);
    actors.disk.set_capacity(sim::kDiskBytes - actors.disk.free_bytes().value());
  }
  /// The process ends and the power fails.
  void crash(base::Random& power) {
    caf::anon_send_exit(store, caf::exit_reason::kill);
    store = {};
    actors.stage.settle();
    actors.disk.crash(power);
  }

  /// Asks within a handler of the asker.
  template <class Q, class A, class Fill, class Take>
  void ask(test::Scripted& self, Heard& heard, Fill fill, Take take) {
    self.ask<Q, A>(store, base::Instant::max(), fill, [&heard, take](runtime::Answer<A> answer) {
      heard.ok = answer.ok();
      if (answer.ok()) take(answer.value());
      else heard = {false, answer.error().code, answer.error().message};
    });
  }
  /// Asks one question and waits until nobody has anything to do.
  template <class Q, class A, class Fill, class Take>
  Heard ask(Fill fill, Take take) {
    Heard heard;
    actors.inside([&](test::Scripted& self) { ask<Q, A>(self, heard, fill, take); });
    actors.stage.settle();
    return heard;
  }

  void commit(test::Scripted& self, Heard& heard, std::string_view key, std::string_view value,
              const std::vector<std::pair<base::Digest, base::Bytes>>& keep = {},
              const std::vector<base::Digest>& drop = {}) {
    ask<wire::Commit, messages::wire::Nothing>(
        self, heard,
        [&](wire::Commit::Builder out) {
          if (!key.empty()) {
            auto row = out.initRows(1)[0];
            row.setKeyspace("test");
            row.setKey(data_of(base::as_bytes(key)));
            if (value.empty()) row.getValue().setErase();
            else row.getValue().setPut(data_of(base::as_bytes(value)));
          }
          auto blobs = out.initKeep(static_cast<unsigned>(keep.size()));
          for (unsigned i = 0; i < keep.size(); ++i) {
            blobs[i].setId(data_of(keep[i].first.view()));
            blobs[i].setBytes(data_of(keep[i].second));
          }
          auto ids = out.initDrop(static_cast<unsigned>(drop.size()));
          for (unsigned i = 0; i < drop.size(); ++i) ids.set(i, data_of(drop[i].view()));
        },
        [](messages::wire::Nothing::Reader) {});
  }
  template <class... Rest>
  Heard commit(std::string_view key, std::string_view value, const Rest&... rest) {
    Heard heard;
    actors.inside([&](test::Scripted& self) { commit(self, heard, key, value, rest...); });
    actors.stage.settle();
    return heard;
  }
  Heard keep(std::uint64_t number, std::size_t bytes) {
    return commit("", "", std::vector{std::pair{id_of(number), payload_of(number, bytes)}});
  }
  Heard drop(std::vector<std::uint64_t> numbers) {
    std::vector<base::Digest> ids;
    for (const std::uint64_t number : numbers) ids.push_back(id_of(number));
    return commit("", "", std::vector<std::pair<base::Digest, base::Bytes>>{}, ids);
  }

  Heard get(std::string_view key, std::string& out) {
    return ask<wire::Get, wire::Found>(
        [&](wire::Get::Builder question) {
          question.setKeyspace("test");
          question.setKey(data_of(base::as_bytes(key)));
        },
        [&](wire::Found::Reader found) { out = std::string(base::as_text(bytes_of(found.getValue()))); });
  }
  /// The value of a row; fails the test without one.
  std::string row(std::string_view key) {
    std::string out;
    CHECK(get(key, out).ok);
    return out;
  }
  Heard read(std::uint64_t number, base::Bytes& out) {
    return ask<wire::Read, wire::Blobbed>(
        [&](wire::Read::Builder question) { question.setId(data_of(id_of(number).view())); },
        [&](wire::Blobbed::Reader blobbed) {
          const auto bytes = bytes_of(blobbed.getBytes());
          out.assign(bytes.begin(), bytes.end());
        });
  }
  bool holds(std::uint64_t number, std::size_t bytes) {
    base::Bytes out;
    return read(number, out).ok && out == payload_of(number, bytes);
  }
  StoreUsage used() {
    StoreUsage out;
    CHECK(ask<wire::Usage, wire::Used>([](wire::Usage::Builder) {},
                                       [&](wire::Used::Reader used) {
                                         out.blobs = used.getBlobs();
                                         out.blob_bytes = used.getBlobBytes();
                                         out.dead_bytes = used.getDeadBytes();
                                         out.free_bytes = used.getFreeBytes();
                                         out.failure = used.getFailure().cStr();
                                         out.damages = used.getDamages();
                                       })
              .ok);
    return out;
  }
  std::uint64_t groups() {
    std::uint64_t out = 0;
    CHECK(ask<runtime::wire::Describe, wire::StoreState>(
              [](runtime::wire::Describe::Builder) {}, [&](wire::StoreState::Reader state) { out = state.getGroups(); })
              .ok);
    return out;
  }
  /// Disk operations that `what` takes.
  std::uint64_t cost(const std::function<void()>& what) {
    const std::uint64_t before = actors.disk.operations();
    what();
    return actors.disk.operations() - before;
  }

  test::ActorFixture actors;
  runtime::Handle store;

 private:
  StoreOptions options_;
  StoreTold told_;
};

}  // namespace troupe::store
