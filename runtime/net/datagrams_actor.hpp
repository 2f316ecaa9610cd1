#pragma once
// The actor `/datagrams`: owns the socket for datagrams, seals what our actors ask and opens what others do.
//
// Asking     a question of a proxy (datagrams.hpp) goes out sealed under a token that nobody can guess. Its answer must
//            come from where it went, with that token, under the right key and from the id that was asked: of one
//            key anybody can find more ids. A cookie sends it once more, and so do two others: the first may be forged.
// Answering  what DatagramAdmission (logic/datagram_admission.hpp) lets in goes to the published service that it names,
// as over a
//            link of the role `peer`, if its kind says that it may be asked so: all else must take a link, where its
//            sender is counted, and is not run for a datagram. The answer goes back to the address that the question
//            came from, which is proven.
// Hearsay    where a node lives is what others say. An address from which nothing has proven that this node is there is
//            asked kHearsayPerSecond questions at most, whoever is said to live at it, of IPv6 all of a /64: gossip
//            must not make all who believe it flood a victim. Beyond it a question is answered `overloaded` at once.
//            Loopback is exempt, the other addresses of this machine are not.
// Load       datagrams leave in batches, once the messages at hand are done or kBatchMax are ready.
// Offences   what was sealed by a node and is no message, or none that it may send, is told to `/peers`. What is said
//            again by others opens too: so nothing counts that depends on when or how often it is said.
// Limits     kServedMax questions of others at once, beyond which they are dropped, and kServedOfOneMax of one node,
//            beyond which they are answered `overloaded`; those of the admission and the table. Nothing waits for
//            longer than kServedFor, whatever its sender says: else it would go on waiting in a mailbox uncounted.
// Restart    questions that wait are answered `unavailable`; others start anew with a cookie.
#include <array>
#include <map>
#include <memory>
#include <vector>

#include "messages/links.capnp.h"
#include "runtime/actor/actor.hpp"
#include "runtime/actor/logic/budget.hpp"
#include "runtime/net/datagrams.hpp"
#include "runtime/net/logic/datagram_admission.hpp"
#include "runtime/net/random_pool.hpp"

namespace troupe::net {

class DatagramsActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "datagrams";
  static constexpr std::size_t kServedMax = 10'000;      // our choice: as many as a mailbox holds
  static constexpr std::size_t kBatchMax = 32;           // our choice: beyond it a call of the system saves nothing
  static constexpr std::size_t kServedOfOneMax = 256;    // as over a link (LinkLimits): nobody may use up what all have
  static constexpr std::size_t kOthersMax = 4'096;       // as many as there are sessions (logic/sessions.hpp)
  static constexpr std::uint32_t kHearsayPerSecond = 4;  // our choice: 20 that are silent take five seconds
  static constexpr std::uint32_t kHearsayBurst = 64;     // our choice: what a first contact is asked at once
  static constexpr std::size_t kHearsayMax = 4'096;      // lines; one more forgets the one asked least lately
  static constexpr std::chrono::seconds kSweep{1};

  struct Setup {
    std::shared_ptr<Pool> pool;
    std::shared_ptr<Datagrams> table;
    AdmissionLimits limits;
    /// Told where it listens, or why it cannot; in the actor's own context. Then all goes over links.
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
    std::uint64_t number;  // in the table
    base::Endpoint to;
  };
  /// Another node. It is kept by its questions: their answers leave even if its session is forgotten.
  struct Other {
    caf::strong_actor_ptr answers;  // the proxy that takes what our actors answer
    base::Endpoint at;              // where its latest question came from
    crypto::SealingKey key;         // of its latest question
    std::size_t served = 0;         // its questions that wait
  };
  /// To whom a datagram goes, and from which of our addresses: an answer goes the way back that its question came.
  struct Way {
    base::Endpoint there;
    std::array<std::uint8_t, 16> here{};
  };
  struct Served {
    Way back;
    Token token;
    base::Instant forget_at;
    std::shared_ptr<Other> other;
  };
  enum class Lost : std::uint8_t { broken, forged, unasked, crowded, banned };  // a datagram that came to nothing

  // Asking.
  void ask(std::uint64_t number, const Cookie& cookie, const Token& token);
  bool may_ask(const base::Contact& contact);
  const crypto::DatagramKeys* keys_with(const Datagrams::Route& route);
  void take(const Way& from, std::span<std::uint8_t> datagram, const AnswerHead& head);
  void take(const Way& from, std::span<std::uint8_t> datagram, const CookieReply& reply);
  void give(const Datagrams::Asked& asked, const Answer& answer);

  // Answering.
  void take(const Way& from, std::span<std::uint8_t> datagram, const QuestionHead& head);
  std::optional<crypto::DatagramKeys> keys_for(const QuestionHead& head, const Decision& decision) const;
  void serve(const Way& from, const Token& token, const base::NodeId& id, const std::shared_ptr<Other>& other,
             const Question& question);
  void refuse(const base::NodeId& whom, DatagramError why);
  void reply(std::uint64_t number, const runtime::Envelope& envelope);
  void answer(const Way& to, const Token& token, const Other& other, const runtime::Envelope& envelope);
  void answer(const Way& to, const Token& token, const Other& other, const Answer& sealed);
  const std::shared_ptr<Other>& other(const base::NodeId& id, const base::Endpoint& at);
  caf::strong_actor_ptr answers_to(const base::NodeId& id, const base::Endpoint& at);

  std::optional<crypto::DatagramKeys> agree(const base::PublicKey& key) const;
  void send(const Way& to, base::Bytes datagram);
  void flush();
  void sweep();
  void lost(Lost how) { ++lost_[static_cast<std::size_t>(how)]; }
  void misbehaved(const base::NodeId& whom, wire::Offence how, std::string_view what);
  void describe(wire::DatagramsState::Builder out) const;

  const Setup setup_;
  std::unique_ptr<ports::Datagrams> socket_;  // none: all goes over links
  std::optional<DatagramAdmission> admission_;
  std::optional<crypto::Agreement> agreement_;
  std::optional<RandomPool> random_;
  crypto::Sealer sealer_;
  std::map<Token, Sent> sent_;
  LruMap<std::array<std::uint8_t, 16>, runtime::logic::RateLimit> hearsay_{kHearsayMax};  // by line
  std::map<std::uint64_t, Served> served_;
  LruMap<base::NodeId, std::shared_ptr<Other>> others_{kOthersMax};
  std::vector<ports::Datagram> out_;
  bool sweeps_ = false;
  std::uint64_t asked_ = 0, answered_ = 0;
  std::array<std::uint64_t, 5> lost_{};
};

}  // namespace troupe::net
