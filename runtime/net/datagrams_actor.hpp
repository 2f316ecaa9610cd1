#pragma once
// The actor `/datagrams`: owns the datagram socket, seals this node's requests, and opens other nodes' requests.
//
// Asking     A proxy's request (datagrams.hpp) is sent sealed, with an unpredictable token. Its response must come from
//            the requested address, with that token, under the right key, and from the requested id.
// Answering  A request that DatagramAdmission admits goes to the published service that it names, if its kind allows
//            datagrams. The response goes back to the request's address, which is proven.
// Hearsay    An address at which no node has proven itself gets at most kHearsayPerSecond requests per second.
// Limits     kServedMax pending requests of other nodes, kServedOfOneMax per node, each for at most kServedFor; also
//            the limits of the admission and the table.
// Why        README.md, "Questions by datagram": fallback, cookies, hearsay, replay, violations, load, restart.
#include <array>
#include <map>
#include <memory>
#include <vector>

#include "messages/links.capnp.h"
#include "runtime/actor/actor.hpp"
#include "runtime/actor/budget_alarm.hpp"
#include "runtime/base/address_group.hpp"
#include "runtime/base/rate_limit.hpp"
#include "runtime/net/datagrams.hpp"
#include "runtime/net/logic/datagram_admission.hpp"
#include "runtime/net/random_pool.hpp"

namespace troupe::net {

class DatagramsActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "datagrams";
  static constexpr std::size_t kServedMax = 10'000;  // our choice: as many as a mailbox holds
  static constexpr std::size_t kBatchMax = 32;       // our choice: beyond it a larger system call saves nothing
  static constexpr std::size_t kServedOfOneMax =
      256;  // as over a link (LinkLimits): one node must not use up the shared limit
  static constexpr std::size_t kOthersMax = 4'096;       // as many as there are sessions (logic/sessions.hpp)
  static constexpr std::uint32_t kHearsayPerSecond = 4;  // our choice: requests to 20 silent nodes take 5 s
  static constexpr std::uint32_t kHearsayBurst = 64;     // our choice: requests that a first contact gets at once
  static constexpr std::size_t kHearsayMax = 4'096;  // addresses (/64 for IPv6); the least recently used is forgotten
  static constexpr std::chrono::seconds kSweep{1};

  struct Setup {
    std::shared_ptr<Pool> pool;
    std::shared_ptr<Datagrams> table;
    AdmissionLimits limits;
    /// Called in the actor's context with the address at which it listens, or with the reason why it cannot; then all
    /// requests use links.
    std::function<void(const base::Outcome<base::Endpoint>&)> listening = [](const base::Outcome<base::Endpoint>&) {};
  };
  explicit DatagramsActor(Setup setup) : setup_(std::move(setup)) {}
  ~DatagramsActor() override;

  void receive(runtime::Handlers& on) override;
  void start() override;
  void check() const override;
  void event(ports::StreamEvent&& event) override;
  void outbound(runtime::Outbound&& message) override;

 private:
  struct Flush {};
  struct Sweep {};
  struct Sent {
    std::uint64_t number;  // of the request in the table
    base::Endpoint to;
  };
  /// Another node. Its requests keep this object alive: their responses are sent even if its session is forgotten.
  struct Other {
    caf::strong_actor_ptr answers;  // the proxy that takes our actors' responses
    base::Endpoint at;              // where its latest question came from
    crypto::SealingKey key;         // of its latest question
    std::size_t served = 0;         // its pending requests
  };
  /// A datagram's destination and our source address: a response goes back the way that its request came.
  struct ReturnRoute {
    base::Endpoint there;
    std::array<std::uint8_t, 16> here{};
  };
  struct Served {
    ReturnRoute back;
    Token token;
    base::Instant forget_at;
    std::shared_ptr<Other> other;
  };
  enum class Lost : std::uint8_t { broken, forged, unasked, crowded, banned };  // why a datagram was not used

  // Asking.
  void ask(std::uint64_t number, const Cookie& cookie, const Token& token);
  bool may_ask(const base::Contact& contact);
  const crypto::DatagramKeys* keys_with(const Datagrams::Route& route);
  void take(const ReturnRoute& from, std::span<std::uint8_t> datagram, const AnswerHead& head);
  void take(const ReturnRoute& from, std::span<std::uint8_t> datagram, const CookieReply& reply);
  void give(const Datagrams::Asked& asked, const Answer& answer);

  // Answering.
  void take(const ReturnRoute& from, std::span<std::uint8_t> datagram, const QuestionHead& head);
  std::optional<crypto::DatagramKeys> keys_for(const QuestionHead& head, const Decision& decision) const;
  void serve(const ReturnRoute& from, const Token& token, const base::NodeId& id, const std::shared_ptr<Other>& other,
             const Question& question);
  void refuse(const base::NodeId& id, DatagramError why);
  void reply(std::uint64_t number, const runtime::Envelope& envelope);
  void answer(const ReturnRoute& to, const Token& token, const Other& other, const runtime::Envelope& envelope);
  void answer(const ReturnRoute& to, const Token& token, const Other& other, const Answer& sealed);
  const std::shared_ptr<Other>& other(const base::NodeId& id, const base::Endpoint& at);
  caf::strong_actor_ptr answers_to(const base::NodeId& id, const base::Endpoint& at);

  std::optional<crypto::DatagramKeys> agree(const base::PublicKey& key) const;
  void send(const ReturnRoute& to, base::Bytes datagram);
  void flush();
  void sweep();
  void lost(Lost how) { ++lost_[static_cast<std::size_t>(how)]; }
  void misbehaved(const base::NodeId& id, wire::Violation how, std::string_view what);
  void describe(wire::DatagramsState::Builder out) const;

  const Setup setup_;
  std::unique_ptr<ports::Datagrams> socket_;  // null: all questions go over links
  std::optional<DatagramAdmission> admission_;
  std::optional<crypto::Agreement> agreement_;
  std::optional<RandomPool> random_;
  crypto::Sealer sealer_;
  std::map<Token, Sent> sent_;
  LruMap<base::AddressGroup, base::RateLimit> hearsay_{kHearsayMax};  // by address (/64 for IPv6)
  std::map<std::uint64_t, Served> served_;
  LruMap<base::NodeId, std::shared_ptr<Other>> others_{kOthersMax};
  std::vector<ports::Datagram> out_;
  runtime::BudgetAlarm agreements_full_{"key agreements"}, questions_full_{"questions by datagram"};
  bool sweeps_ = false;
  std::uint64_t asked_ = 0, answered_ = 0;
  std::array<std::uint64_t, 5> lost_{};
};

}  // namespace troupe::net
