#pragma once
// A cluster whose members also talk by datagrams, and strangers, which send them any bytes that a test chooses.
#include <functional>

#include "messages/runtime.capnp.h"
#include "runtime/net/datagrams_actor.hpp"
#include "tests/runtime/actor/questions.hpp"
#include "tests/runtime/net/net_cluster.hpp"

namespace troupe::test {

using DatagramCounts = net::wire::DatagramsState::Reader;  // its getters name what a test counts

class DatagramCluster {
 public:
  struct Options {
    std::size_t without = 0;  ///< of the members, the last ones: they have links alone
    bool open = false;        ///< see NetCluster
    net::AdmissionLimits admission = easy();
    std::uint64_t seed = 1;
    runtime::NodeLimits limits = {};
  };
  static net::AdmissionLimits easy() {
    net::AdmissionLimits out;
    out.work_bits = 0;
    return out;
  }

  explicit DatagramCluster(std::size_t count) : DatagramCluster(count, Options{}) {}
  DatagramCluster(std::size_t count, const Options& options)
      : cluster(count, options.seed, {}, {}, options.open), stage(cluster.stage) {
    for (std::size_t i = 0; i < count; ++i) {
      NetCluster::Member& home = cluster[i];
      tables.push_back(std::make_shared<net::Datagrams>(home.pool));
      home.node.reaches = [table = tables.back().get()](const base::Contact& contact, const std::string& path) {
        return table->proxy(contact, path);
      };
      if (i + options.without >= count) continue;
      const net::DatagramsActor::Setup setup{.pool = home.pool, .table = tables.back(), .limits = options.admission};
      home.node.start("datagrams", [setup] { return std::make_unique<net::DatagramsActor>(setup); },
                      {.kind = net::DatagramsActor::kName});
    }
    stage.run_for(std::chrono::milliseconds(1));
  }

  NetCluster::Member& operator[](std::size_t i) { return cluster[i]; }
  base::Contact contact(std::size_t member) {
    const auto& identity = *cluster[member].pool->setup().identity;
    return {identity.public_key(), identity.nonce(), *cluster[member].address};
  }
  runtime::Handle reach(Scripted& self, std::size_t member, const std::string& path = "/count") {
    return self.node().reach(contact(member), path);
  }
  /// Asks `/count` of a member a number from within another.
  void ask(std::size_t from, std::size_t to, Outcome& outcome, base::Duration patience = std::chrono::seconds(5),
           base::Duration then = std::chrono::seconds(1)) {
    cluster.inside(
        from,
        [&, patience](Scripted& self) {
          self.ask<bench::wire::Number, bench::wire::Number>(reach(self, to), self.now() + patience, number(41),
                                                             outcome.note());
        },
        then);
  }
  std::optional<std::uint64_t> answer(std::size_t from, std::size_t to) {
    Outcome outcome;
    ask(from, to, outcome);
    CHECK(outcome.calls == 1);
    return outcome.value;
  }

  /// One of the numbers that `/datagrams` of a member shows.
  template <class Get>
  std::uint64_t count(std::size_t member, Get get) {
    const auto state = runtime::state_of(cluster[member].node.find("/datagrams"));
    REQUIRE(state.has_value());
    runtime::Envelope::Reading<net::wire::DatagramsState> reading(*state);
    return std::invoke(get, reading.root());
  }
  std::size_t links(std::size_t member) { return cluster[member].pool->rows().size(); }

  /// What a parent tells `/datagrams` after a sibling failed, and after the failure is over.
  void suspend(std::size_t member) { say<runtime::wire::Suspend>(member); }
  void revive(std::size_t member) { say<runtime::wire::Revive>(member); }
  void stop(std::size_t member) { say<runtime::wire::Stop>(member); }

  NetCluster cluster;
  sim::Stage& stage;
  std::vector<std::shared_ptr<net::Datagrams>> tables;

 private:
  template <class Word>
  void say(std::size_t member) {
    cluster.inside(
        member,
        [](Scripted& self) {
          self.send(self.node().find("/datagrams"), runtime::Envelope::build<Word>({}, [](auto) {}));
        },
        std::chrono::milliseconds(1));
  }
};

/// A program at the machine of a member with a socket and nothing else.
class RemotePeer {
 public:
  RemotePeer(DatagramCluster& cluster, std::size_t member, std::uint16_t port = 5000)
      : village_(cluster),
        identity_(crypto::Identity::make(cluster[member].ports.world().chance, 0)),
        agreement_(identity_.key()),
        key_(identity_.public_key()),
        nonce_(identity_.nonce()) {
    const base::Endpoint at{cluster[member].ports.address(), port};
    cluster[member].node.start("stranger-" + std::to_string(port),
                               [this, at] { return std::make_unique<Ears>(*this, at); });
    cluster.stage.run_for(std::chrono::milliseconds(1));
  }

  /// Speaks under another key from now on.
  void pretend(const base::PublicKey& key, std::uint32_t nonce = 0) {
    key_ = key;
    nonce_ = nonce;
  }
  const base::PublicKey& key() const { return key_; }
  base::Contact contact() const { return {key_, nonce_, place_->local()}; }

  struct Words {
    std::string path = "/count";
    runtime::Envelope envelope = runtime::Envelope::build<bench::wire::Number>({}, number(41));
    std::uint64_t kind = messages::kind_of<bench::wire::Number>().id;
    std::uint64_t remaining_us = 5'000'000;
  };
  /// A question to a member as a datagram.
  base::Bytes question(std::size_t member, const net::Cookie& cookie, const Words& words) {
    last_.bytes[0] = static_cast<std::uint8_t>(++asked_);
    last_.bytes[1] = static_cast<std::uint8_t>(asked_ >> 8);
    crypto::SealNonce nonce;
    std::copy(last_.bytes.begin(), last_.bytes.end(), nonce.bytes.begin());
    const net::Question sealed{
        .kind = words.kind, .remaining_us = words.remaining_us, .path = words.path, .words = words.envelope.bytes()};
    base::Bytes out(net::kDatagramBytesMax);
    out.resize(net::seal_question(out, sealer_, keys(member).send, {key_, nonce_, last_, cookie, nonce}, sealed));
    return out;
  }
  base::Bytes question(std::size_t member, const net::Cookie& cookie = {}) { return question(member, cookie, Words{}); }
  void send(std::size_t member, base::Bytes bytes, base::Duration then = std::chrono::milliseconds(100)) {
    send_to(*village_[member].address, std::move(bytes), then);
  }
  void send_to(const base::Endpoint& to, base::Bytes bytes, base::Duration then = std::chrono::milliseconds(100)) {
    sent_bytes += bytes.size();
    std::vector<ports::Datagram> batch;
    batch.push_back({to, std::move(bytes)});
    place_->send(std::move(batch));
    if (then > base::Duration::zero()) village_.stage.run_for(then);
  }
  /// The cookie that a member gives to this key here.
  net::Cookie cookie(std::size_t member) {
    heard.clear();
    send(member, question(member));
    REQUIRE(heard.size() == 1);
    const auto head = net::read_head(heard[0].bytes);
    REQUIRE(head.ok());
    const auto* reply = std::get_if<net::CookieReply>(&head.value());
    REQUIRE(reply != nullptr);
    CHECK(reply->token == last_);
    heard.clear();
    return reply->cookie;
  }
  /// Asks as an honest node does; returns the number of the answer, nothing without an answer.
  std::optional<std::uint64_t> ask(std::size_t member, const net::Cookie& cookie = {}) {
    heard.clear();
    send(member, question(member, cookie));
    return heard.size() == 1 ? number_in(member, heard[0].bytes) : std::nullopt;
  }
  std::optional<std::uint64_t> number_in(std::size_t member, base::Bytes datagram) {
    const auto words = net::open_answer(datagram, sealer_, keys(member).receive);
    if (!words.ok() || words.value().type != net::AnswerType::answer) return std::nullopt;
    runtime::Header header;
    header.kind = &messages::kind_of<bench::wire::Number>();
    const auto envelope = runtime::Envelope::from_words(
        header, kj::arrayPtr(reinterpret_cast<const capnp::word*>(words.value().words.data()),
                             words.value().words.size() / sizeof(capnp::word)));
    return runtime::Envelope::Reading<bench::wire::Number>(envelope).root().getValue();
  }
  /// The code of the error that an answer carries.
  std::optional<base::Code> error_in(std::size_t member, base::Bytes datagram) {
    const auto words = net::open_answer(datagram, sealer_, keys(member).receive);
    if (!words.ok() || words.value().type != net::AnswerType::error) return std::nullopt;
    runtime::Header header;
    header.kind = &messages::kind_of<messages::wire::Error>();
    return runtime::read_error(
               runtime::Envelope::from_words(
                   header, kj::arrayPtr(reinterpret_cast<const capnp::word*>(words.value().words.data()),
                                        words.value().words.size() / sizeof(capnp::word))))
        .code;
  }
  /// The type of an answer.
  std::optional<net::AnswerType> type_in(std::size_t member, base::Bytes datagram) {
    const auto words = net::open_answer(datagram, sealer_, keys(member).receive);
    return words.ok() ? std::optional(words.value().type) : std::nullopt;
  }
  /// Answers a question to this stranger, which claims to be a node of the cluster.
  base::Bytes answer(std::size_t member, const net::Token& token, const net::Answer& answer) {
    crypto::SealNonce nonce;
    nonce.bytes[23] = static_cast<std::uint8_t>(++asked_);
    base::Bytes out(net::kDatagramBytesMax);
    out.resize(net::seal_answer(out, sealer_, keys(member).send, {nonce_, token, nonce}, answer));
    return out;
  }
  std::size_t heard_bytes() const {
    std::size_t out = 0;
    for (const auto& one : heard) out += one.bytes.size();
    return out;
  }

  std::vector<ports::Datagram> heard;
  std::size_t sent_bytes = 0;

 private:
  class Ears final : public runtime::Actor {
   public:
    Ears(RemotePeer& owner, const base::Endpoint& at) : owner_(owner), at_(at) {}
    void receive(runtime::Handlers&) override {}
    void start() override {
      auto place = world().network.open_datagrams(*base::HostPort::parse(at_.text()), self());
      REQUIRE(place.ok());
      place_ = std::move(place).value();
      owner_.place_ = place_.get();
    }
    void event(ports::StreamEvent&& event) override {
      for (auto& one : std::get<ports::Arrived>(event).datagrams) owner_.heard.push_back(std::move(one));
    }

   private:
    RemotePeer& owner_;
    const base::Endpoint at_;
    std::unique_ptr<ports::Datagrams> place_;
  };

  crypto::DatagramKeys keys(std::size_t member) {
    const auto& setup = village_[member].pool->setup();
    const base::PublicKey& other = setup.identity->public_key();
    if (setup.agree) return *sim::open_keys(key_, other);
    return *agreement_.with(other);
  }

  DatagramCluster& village_;
  const crypto::Identity identity_;
  const crypto::Agreement agreement_;
  base::PublicKey key_;
  std::uint32_t nonce_;
  crypto::Sealer sealer_;
  ports::Datagrams* place_ = nullptr;
  net::Token last_;
  std::uint64_t asked_ = 0;
};

}  // namespace troupe::test
