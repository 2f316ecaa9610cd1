#pragma once
// Durable actors: where they live, how they are reached, and how what they decide becomes durable.
//
// Place    one for all of a kind: this node, another node, or the leader of a Raft group.
// Seat     tells an actor when this node is that place, and when it is no more. In a group it has a term.
// Gateway  passes what clients ask at other nodes on to the place.
// Home     the root of a domain with one durable actor: all three of these.
// Storage  the rows of one kind there: in the node's store, or as keys of the group.
// Source   Akka and Orleans (durable actors), Raft's leader as the singleton.
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/actor/part.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/net/pool.hpp"

namespace troupe::durable {

/// As `ledger.book` has it: `self`, a node's id, `group:NAME`, or nothing.
struct Place {
  enum class Kind : std::uint8_t { none, self, node, group };
  Kind kind = Kind::none;
  base::NodeId node{};
  std::string group{};

  /// Nothing if it is none of these.
  static std::optional<Place> parse(std::string_view text);
  /// The same, where the id may be that of the node itself.
  Place at(const base::NodeId& self) const { return kind == Kind::node && node == self ? Place{Kind::self} : *this; }
  std::string text() const;
  friend bool operator==(const Place&, const Place&) = default;
};

/// Follows who holds the seat. The owner is told when this node takes it, and when it is lost; a new term is both.
class Seat final : public runtime::Part {
 public:
  Seat(runtime::Actor& owner, Place place, std::shared_ptr<net::Pool> pool);

  /// Call it in the owner's receive(). `Timer` is an empty struct, of this object alone.
  template <class Timer>
  void receive(runtime::Handlers& on) {
    wait_ = [](Seat& self, base::Duration delay) { self.after<Timer>(delay); };
    on.timer<Timer>([this] { follow(); });
  }
  /// Call it in the owner's start().
  void start(base::Callback<void()> taken, base::Callback<void()> lost);

  const Place& place() const { return place_; }
  bool here() const { return here_; }
  /// Of the group; 0 without one. What is decided under an older one is void (Storage).
  std::uint64_t term() const { return term_; }
  /// Whether an operator of that node may do what an operator of the place may: it is a member of the group.
  bool trusts(const base::NodeId& node) const { return members_.contains(node); }
  /// Of the group; empty without one, and at a node that is none of them.
  const std::set<base::NodeId>& members() const { return members_; }
  /// The leader, where this node is a member that knows it.
  const std::optional<base::NodeId>& leader() const { return leader_; }

 private:
  void follow();
  void became(bool here, std::uint64_t term);

  const Place place_;
  const std::shared_ptr<net::Pool> pool_;
  void (*wait_)(Seat&, base::Duration) = nullptr;
  base::Callback<void()> taken_, lost_;
  runtime::Subscription following_;
  bool here_ = false;
  std::uint64_t term_ = 0;
  std::optional<base::NodeId> leader_;
  std::set<base::NodeId> members_;
};

/// Passes questions on to the actor of the same path at the place. Each may be sent again until its deadline: what is
/// asked through a gateway has the same effect once and twice.
class Gateway final : public runtime::Part {
 public:
  static constexpr std::size_t kWaitingMax = 1'024;  // our choice: questions that wait for a way
  Gateway(runtime::Actor& owner, const Seat& seat, std::shared_ptr<net::Pool> pool, std::string path)
      : Part(owner), seat_(seat), pool_(std::move(pool)), path_(std::move(path)) {}

  template <class Timer>
  void receive(runtime::Handlers& on) {
    wait_ = [](Gateway& self, base::Duration delay) { self.after<Timer>(delay); };
    on.timer<Timer>([this] { again(); });
  }
  /// What the owner does with a question that waited for a way, once this node is the place.
  using Here = base::Callback<void(const runtime::Envelope&, runtime::AnyReply, const runtime::Caller&)>;
  void when_here(Here here) { here_ = std::move(here); }
  /// Answers for the question at hand. One of another node is refused: it is not passed on twice.
  void pass(const runtime::Envelope& question, runtime::AnyReply reply);
  /// The actor at the place, for a stream; null while no way is known.
  runtime::Handle there();
  /// Why nothing is asked there; empty: it answers.
  const std::string& why() const { return why_; }

 private:
  struct Passing {
    runtime::Envelope question;
    runtime::AnyReply reply;
    runtime::Caller from;
  };
  void send(std::shared_ptr<Passing> passing);
  void park(std::shared_ptr<Passing> passing, const std::string& why);
  void again();
  void look_for_leader();

  const Seat& seat_;
  const std::shared_ptr<net::Pool> pool_;
  const std::string path_;
  void (*wait_)(Gateway&, base::Duration) = nullptr;
  Here here_;
  std::deque<std::shared_ptr<Passing>> waiting_;
  std::optional<base::NodeId> leader_;  // of a group that this node is no member of
  std::optional<base::HostPort> leader_at_;
  bool looking_ = false;
  std::string why_;
};

/// The root of a domain whose durable state is one actor: a child while this node holds the seat. What is asked
/// elsewhere is passed on.
class Home : public runtime::Actor {
 public:
  void start() final;
  void down(const runtime::Handle& ended, const std::optional<base::Error>& why) final;

 protected:
  /// `child` is its name below `path`.
  Home(const Place& place, const std::shared_ptr<net::Pool>& pool, std::string path, std::string child)
      : path_(std::move(path)),
        child_name_(std::move(child)),
        seat_(*this, place, pool),
        gateway_(*this, seat_, pool, path_) {}

  /// Call it in receive(). It takes all kinds that have no handler of their own.
  void receive_home(runtime::Handlers& on);
  /// What other nodes and operators may ask.
  virtual void publish() = 0;
  /// Spawns the child under that name.
  virtual runtime::Handle begin_child(const std::string& name) = 0;
  /// Why the asker may not; it is judged where it is asked first, and at the place.
  virtual std::optional<base::Error> refusal(const runtime::Envelope& question) = 0;
  /// An operator at the local socket of the place's node, or of a member of its group.
  bool operator_of_the_place() const;

  const Seat& seat() const { return seat_; }
  const Gateway& gateway() const { return gateway_; }

 private:
  struct Follow {};
  struct Again {};
  void take(const runtime::Envelope& question, runtime::AnyReply reply);
  void ask_child(const runtime::Envelope& question, runtime::AnyReply reply);

  const std::string path_, child_name_;
  Seat seat_;
  Gateway gateway_;
  runtime::Handle child_;
};

/// The rows of one kind of durable actors, at the node that holds the seat.
///
/// Group   each row is a key of the group that no list of a client's keys shows. A commit is one transaction, void once
///         another term has taken the rows (take()).
/// Head    each actor has a row that changes with each of its commits: a commit whose head is no longer the one that
///         its owner knows is void. So what was in doubt is settled by reading again.
class Storage final : public runtime::Part {
 public:
  static constexpr std::size_t kCommitBytesMax = std::size_t{512} << 10;  // our choice; what an owner gathers
  static constexpr std::size_t kCommitRowsMax = 900;                      // below that of a transaction of a group
  /// `kind`: 1 to 16 of a-z; also the keyspace in the store.
  Storage(runtime::Actor& owner, Place place, std::string kind, std::uint64_t term);

  template <class T>
  using Then = base::Callback<void(base::Outcome<T>)>;
  struct Row {
    base::Bytes key, value;
  };
  struct Page {
    std::vector<Row> rows;
    std::optional<base::Bytes> next;  ///< where to go on from; none: that was all
  };
  struct Commit {
    base::Bytes head;                                        ///< the key of the head
    std::optional<base::Bytes> expected;                     ///< as the owner knows it; nothing: there is none
    std::map<base::Bytes, std::optional<base::Bytes>> rows;  ///< the new head too; nothing: erased

    std::size_t bytes() const;
  };

  /// Before the first commit of a term: earlier terms can commit nothing from then on. `conflict`: a later one did.
  void take(Then<void> done);
  void get(const base::Bytes& key, Then<std::optional<base::Bytes>> done);
  /// Rows whose keys begin with `prefix`, from `from` on.
  void range(const base::Bytes& prefix, const base::Bytes& from, std::uint32_t rows_max, Then<Page> done);
  /// `conflict`: nothing was changed, and the owner knows an old head. `unknown_outcome`. Others: nothing was changed.
  void commit(Commit commit, Then<void> done);
  /// Fine if this node still holds the seat: what its actors know is what was decided last.
  void confirm(Then<void> done);

 private:
  bool in_group() const { return place_.kind == Place::Kind::group; }
  base::Bytes full(const base::Bytes& key) const;
  runtime::Handle where() const;

  const Place place_;
  const std::string kind_;
  const std::uint64_t term_;
};

/// What the asker is told of a commit that failed, or that ended after its owner had begun to read its rows
/// again (`reread` says so): then it may have been done.
base::Error not_committed(const base::Outcome<void>& done, const char* reread);

/// Numbers in keys: big-endian, so that their order is that of the keys.
void append_ordered(base::Bytes& key, std::uint64_t number);
std::uint64_t ordered_at(base::ByteView key, std::size_t at);

}  // namespace troupe::durable
