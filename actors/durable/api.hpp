#pragma once
// Durable actors: where they live, how they are reached, and how their decisions become durable.
//
// Place    where all actors of a kind are: at this node, at another node, or at the leader of a Raft group.
// Seat     notifies an actor when this node becomes that place and when it no longer is. In a group a seat has a term.
// Gateway  forwards requests of clients at other nodes to the place.
// Room     limits other nodes' writes, so that free space remains on the device.
// Home     the root of a domain with one durable actor; combines all of these.
// Opening  the requests that wait while an actor reads its rows.
// Storage  the rows of one kind there: in the node's store, or as keys of the group.
// StateRow a state that is one of these rows, changed by one commit at a time.
// Keyed    the actors that have a key each: a request starts an actor, and restarts it if it is ending.
// Source   Akka and Orleans (durable actors), Raft's leader as the singleton.
#include <array>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/durable/opening.hpp"
#include "runtime/actor/budget_alarm.hpp"
#include "runtime/actor/links.hpp"
#include "runtime/actor/part.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/base/rate_budget.hpp"
#include "runtime/base/share_budget.hpp"
#include "runtime/store/left_free.hpp"

namespace troupe::durable {

/// The value of `ledger.book`: `self`, `chain`, a node's id, `group:NAME`, or empty.
struct Place {
  enum class Kind : std::uint8_t { none, self, node, group };
  Kind kind = Kind::none;
  base::NodeId node{};
  std::string group{};
  bool chain = false;  ///< for `self`: money is on this node's chain, all other state in its rows

  /// Returns nullopt if `text` has none of these forms.
  static std::optional<Place> parse(std::string_view text);
  /// Returns the same place, or `self` if it is the node `self`.
  Place at(const base::NodeId& self) const { return kind == Kind::node && node == self ? Place{Kind::self} : *this; }
  std::string text() const;
  /// Returns whether moving money there uses resources that are shared between users: space in blocks, or the memory of
  /// a group's members.
  bool has_shares() const { return chain || kind == Kind::group; }
  friend bool operator==(const Place&, const Place&) = default;
};

/// Follows which node holds the seat. Notifies the owner when this node takes or loses it; a new term does both.
class Seat final : public runtime::Part {
 public:
  Seat(runtime::Actor& owner, Place place, std::shared_ptr<runtime::Links> links);

  /// Call it in the owner's receive(). `Timer` is an empty struct that only this object uses.
  template <class Timer>
  void receive(runtime::Handlers& on) {
    wait_ = [](Seat& self, base::Duration delay) { self.after<Timer>(delay); };
    on.timer<Timer>([this] { follow(); });
  }
  /// Call it in the owner's start().
  void start(base::Callback<void()> taken, base::Callback<void()> lost);

  const Place& place() const { return place_; }
  bool here() const { return here_; }
  /// Returns the group's term, or 0 without a group. Decisions of an older term are void (Storage).
  std::uint64_t term() const { return term_; }
  /// Returns whether operators of `node` have the rights of the place's operators, because `node` is a member of the
  /// group.
  bool trusts(const base::NodeId& node) const { return members_.contains(node); }
  /// Returns the user that sent a request. Members of the group are reserved users, as this node is.
  base::User<base::NodeId> user(const runtime::Caller& from) const;
  /// Returns the caller that a child of the owner sees: the node itself instead of a reserved user.
  runtime::Caller behind(const runtime::Caller& from) const { return user(from).reserved ? runtime::Caller{} : from; }
  /// Returns the group's members. Empty without a group, and at a node that is not a member.
  const std::set<base::NodeId>& members() const { return members_; }
  /// Returns the leader if this node is a member and knows it.
  const std::optional<base::NodeId>& leader() const { return leader_; }

 private:
  void follow();
  void became(bool here, std::uint64_t term);

  const Place place_;
  const std::shared_ptr<runtime::Links> links_;
  void (*wait_)(Seat&, base::Duration) = nullptr;
  base::Callback<void()> taken_, lost_;
  runtime::Subscription following_;
  bool here_ = false;
  std::uint64_t term_ = 0;
  std::optional<base::NodeId> leader_;
  std::set<base::NodeId> members_;
};

/// Returns whether a request may have an effect. Requests that viewers may send have none.
bool changes(const runtime::Envelope& question);

/// Keeps a part of this node's device free of other nodes' writes to durable actors, so that an untrusted node cannot
/// fill the device.
///
/// Check   at most once per kLookEvery, and only on request. Until its result arrives the previous result counts: what
///         is written in between comes out of the reserve.
/// Group   only the leader's device counts. The rows are in the memory of all members, and most stay forever. They have
///         a limit (kv.rows_max), and other nodes' writes have a rate. An order's size is estimated when it begins.
///         Each check measures the growth of all rows. The orders since the last check share this growth in proportion
///         to their estimates, at most twice the estimate each, because deadlines also write. A refused order may have
///         written something, too.
/// Shares  are small in a Raft group, because what one address group has filled stays filled: half is open to any user,
///         and 64 address groups have shares of the rest.
class Room final : public runtime::Part {
 public:
  using User = base::User<base::NodeId>;
  enum class For : std::uint8_t { begins, begun };
  static constexpr std::uint64_t kLeft = store::kOrdersLeave;
  static constexpr std::uint64_t kLeftByBegun = store::kBegunLeave;
  /// Our choice: one part in so many of the row limit. Begun work may exceed the limit by this part, and other nodes
  /// may write this part at once, and again per day.
  static constexpr std::uint64_t kRowsPart = 32;
  static constexpr std::uint32_t kRowsShare = 64;   // our choice: share of an address group or a node id
  static constexpr std::uint32_t kRowsOfOrder = 5;  // measured, approximate: bytes of rows for each byte of an order
  static constexpr std::chrono::seconds kLookEvery{1};  // our choice: untrusted nodes write a few MiB in this time
  /// `kinds`: the kinds of rows that the domain has (Storage).
  Room(runtime::Actor& owner, const Place& place, std::vector<std::string> kinds)
      : Part(owner), group_(place.group), kinds_(std::move(kinds)) {}

  /// Returns why another node's request is refused: it `changes()` something and there is no free space for it.
  /// Otherwise returns nullopt.
  std::optional<base::Error> refusal(const runtime::Envelope& question, const User& user, For what = For::begins);
  /// Returns whether unbounded work should pause, because there is no space to begin anything.
  bool tight() const { return free_ && *free_ < kLeft; }
  /// A request that is about to run. Call end() once it has been answered.
  struct Order {
    User user;
    std::uint32_t guess = 0;
    base::RateBudget<base::NodeId>::Spent spent{};
  };
  Order begin(std::size_t question_bytes, const User& user);
  void end(const Order& order);

 private:
  static constexpr std::size_t kDoneMax = 8'192;  // our choice: further orders are charged by their estimates
  void look();
  void look_at_rows();
  void charge(std::uint64_t rows);
  std::optional<base::Error> refusal_of_rows(const runtime::Envelope& question, const User& user, For what);

  const std::string group_;  // empty if there is no group
  const std::vector<std::string> kinds_;
  std::optional<std::uint64_t> free_;                        // free bytes of the device; nullopt until known
  std::uint64_t rows_ = 0, rows_max_ = 0;                    // bytes of the group; 0 until known
  std::optional<std::uint64_t> own_rows_{};                  // bytes of the rows of `kinds_` at the last check
  std::optional<base::RateBudget<base::NodeId>> written_{};  // bytes; nullopt until rows_max_ is known
  std::vector<Order> done_;                                  // orders that have ended since the last check
  runtime::BudgetAlarm full_{"rows of the account ledger's group"};
  base::Instant look_at_{};
};

/// Forwards requests to the actor of the same path at the place. A request may be resent until its deadline, so it must
/// be idempotent.
class Gateway final : public runtime::Part {
 public:
  static constexpr std::size_t kWaitingMax = 1'024;  // our choice: requests that wait for a route
  Gateway(runtime::Actor& owner, const Seat& seat, std::shared_ptr<runtime::Links> links, std::string path)
      : Part(owner), seat_(seat), links_(std::move(links)), path_(std::move(path)) {}

  template <class Timer>
  void receive(runtime::Handlers& on) {
    wait_ = [](Gateway& self, base::Duration delay) { self.after<Timer>(delay); };
    on.timer<Timer>([this] { again(); });
  }
  /// Called with a request that waited for a route, once this node is the place.
  using Here = base::Callback<void(const runtime::Envelope&, runtime::AnyReply, const runtime::Caller&)>;
  void when_here(Here here) { here_ = std::move(here); }
  /// Answers the current request. Refuses a request from another node, because requests are forwarded only once.
  void pass(const runtime::Envelope& question, runtime::AnyReply reply);
  /// Returns the actor at the place, for a stream, or null while no route is known.
  runtime::Handle there();
  /// Call it if the known leader does not respond: another node is then asked for the leader.
  void forget_leader() { leader_.reset(); }
  /// Returns why the place does not respond; empty if it does.
  const std::string& why() const { return why_; }

 private:
  struct Passing {
    runtime::Envelope question;
    runtime::AnyReply reply;
    runtime::Caller from;
    bool in_doubt = false;  ///< it was sent and may have taken effect
  };
  void send(std::shared_ptr<Passing> passing);
  void park(std::shared_ptr<Passing> passing, const std::string& why);
  /// Returns whether a link to the place is in service: a request that is sent over it may take effect.
  bool linked() const;
  void again();
  void look_for_leader();

  const Seat& seat_;
  const std::shared_ptr<runtime::Links> links_;
  const std::string path_;
  void (*wait_)(Gateway&, base::Duration) = nullptr;
  Here here_;
  std::deque<std::shared_ptr<Passing>> waiting_;
  std::optional<base::NodeId> leader_;  // the leader of a group to which this node does not belong
  std::optional<base::HostPort> leader_at_;
  bool looking_ = false;
  std::string why_;
};

/// The root of a domain whose durable state is one actor. That actor is a child while this node holds the seat.
/// Requests at other nodes are forwarded.
class Home : public runtime::Actor {
 public:
  /// Our choice: requests that the child has at a time, so that this node's own requests are soon answered under load.
  /// Untrusted nodes have quotas; operators, this node's actors and forwarding members have a reserve.
  static constexpr std::size_t kAskedMax = 512;
  static constexpr std::size_t kUnitBytes = 512;  // our choice: a plain order, with one signature
  void start() final;
  void down(const runtime::Handle& ended, const std::optional<base::Error>& why) final;

 protected:
  /// The kind of its rows is `path` without its slash. `child` is the child's name below `path`. `orders` is the rate
  /// of other nodes' orders (order_wait()), in units of kUnitBytes.
  Home(const Place& place, const std::shared_ptr<runtime::Links>& links, std::string path, std::string child,
       std::optional<base::Rate> orders = std::nullopt)
      : path_(std::move(path)),
        child_name_(std::move(child)),
        seat_(*this, place, links),
        gateway_(*this, seat_, links, path_),
        room_(*this, seat_.place(), {path_.substr(1)}) {
    if (orders) ordered_.emplace(*orders, base::Instant{});
  }

  /// Call it in receive(). Handles all kinds that have no other handler.
  void receive_home(runtime::Handlers& on);
  /// Publishes the requests that other nodes and operators may send.
  virtual void publish() = 0;
  /// Spawns the child under that name.
  virtual runtime::Handle begin_child(const std::string& name) = 0;
  /// Returns why the caller may not send this. Checked both at the node that the caller asks first and at the place.
  virtual std::optional<base::Error> refusal(const runtime::Envelope& question) = 0;
  /// Returns whether the caller is an operator at the local socket of the place's node, or of a group member.
  bool operator_of_the_place() const;
  /// Returns how long an order of another node must wait because other nodes ordered too much; otherwise counts the
  /// order. Only called at the place, because other nodes' requests are not forwarded elsewhere.
  std::optional<std::chrono::milliseconds> order_wait(const runtime::Envelope& question);

  const Seat& seat() const { return seat_; }
  Gateway& gateway() { return gateway_; }
  const Gateway& gateway() const { return gateway_; }
  using User = base::User<base::NodeId>;
  User user(const runtime::Caller& from) const { return seat_.user(from); }

 private:
  struct Follow {};
  struct Again {};
  void take(const runtime::Envelope& question, runtime::AnyReply reply);
  void ask_child(const runtime::Envelope& question, const runtime::Caller& from, runtime::AnyReply reply);

  const std::string path_, child_name_;
  Seat seat_;
  Gateway gateway_;
  Room room_;
  runtime::Handle child_;
  base::ShareBudget<base::NodeId> asked_{kAskedMax};
  std::optional<base::RateBudget<base::NodeId>> ordered_;
};

/// The rows of one kind of durable actors, at the node that holds the seat.
///
/// Group   each row is a key of the group, hidden from lists of a client's keys. A commit is one transaction, which is
///         void once another term has taken the rows (take()).
/// Head    each actor has a row that changes with each of its commits. A commit is void unless its head is the head
///         that the owner knows. Reading the rows again therefore settles a commit in doubt.
class Storage final : public runtime::Part {
 public:
  static constexpr std::size_t kCommitBytesMax = std::size_t{512} << 10;  // our choice; an owner gathers this much
  static constexpr std::size_t kCommitRowsMax = 900;                      // below the limit of a group's transaction
  /// `kind`: 1 to 16 letters a-z; also the keyspace in the store.
  Storage(runtime::Actor& owner, Place place, std::string kind, std::uint64_t term);

  template <class T>
  using Then = base::Callback<void(base::Outcome<T>)>;
  struct Row {
    base::Bytes key, value;
  };
  struct Page {
    std::vector<Row> rows;
    std::optional<base::Bytes> next;  ///< where to continue; nullopt: the page is the last
  };
  struct Commit {
    base::Bytes head;                                        ///< the head's key
    std::optional<base::Bytes> expected;                     ///< the head that the owner knows; nullopt: no head
    std::map<base::Bytes, std::optional<base::Bytes>> rows;  ///< includes the new head; nullopt erases a row
    /// Replaces `expected` if a head is too large to send again: its revision(), or 0 if there is no head.
    std::optional<std::uint64_t> revision{};

    std::size_t bytes() const;
  };

  /// Call it before a term's first commit: from then on earlier terms cannot commit. `conflict`: a later term did so.
  void take(Then<void> done);
  void get(const base::Bytes& key, Then<std::optional<base::Bytes>> done);
  /// Reads rows with the prefix `prefix`, starting at `from`.
  void range(const base::Bytes& prefix, const base::Bytes& from, std::uint32_t rows_max, Then<Page> done);
  /// Reads all rows with the prefix, page by page, from the first if `from` is empty. `take` may return an error, which
  /// ends the scan. The storage must outlive the scan.
  using Take = base::Callback<std::optional<base::Error>(const Row&)>;
  void each(const base::Bytes& prefix, const base::Bytes& from, Take take, Then<void> done);
  /// `conflict`: nothing was changed, and the owner knows an old head. `unknown_outcome`: it may have been done. After
  /// any other error nothing was changed.
  void commit(Commit commit, Then<void> done);
  /// Succeeds if this node still holds the seat: its actors then know the latest decision.
  void confirm(Then<void> done);
  /// Valid in the callbacks of get() and commit(): the group's revision at which the row that was read, or the
  /// committed rows, last changed. 0 if there is no row or no group.
  std::uint64_t revision() const { return revision_; }

 private:
  bool in_group() const { return place_.kind == Place::Kind::group; }
  base::Bytes full(const base::Bytes& key) const;
  runtime::Handle where() const;

  const Place place_;
  const std::string kind_;
  const std::uint64_t term_;
  std::uint64_t revision_ = 0;
};

/// Returns the error that ends a scan whose owner has since restarted its reading (Storage::each).
base::Error read_again();

/// Returns the error for a commit that failed, or that ended after its owner had begun to reread its rows (`reread`
/// says so). In the second case the commit may have been done.
base::Error not_committed(const base::Outcome<void>& done, const char* reread);

/// A state in one row. A change is made to a copy, which becomes the state once it is durable.
///
/// Row     the number of its commit (8 bytes), then the bytes of the state: no two commits leave the same head.
/// Doubt   after a void commit, or one with an unknown outcome, the state is unknown: the owner reads the row again.
template <class State>
class StateRow final : public runtime::Part {
 public:
  static constexpr std::size_t kWaitingMax = 1'024;  // our choice
  /// Changes the copy, and adds rows that change with it. A `commit.rows[commit.head]` of nullopt erases the state's
  /// row; the changed copy is then the state without a row. An error changes nothing.
  using Change = base::Callback<base::Outcome<void>(State&, Storage::Commit&)>;
  using Done = base::Callback<void(const base::Outcome<void>&)>;
  /// `what` is a name for errors, such as "the fund".
  StateRow(runtime::Actor& owner, Storage& storage, base::Bytes key, std::string what)
      : Part(owner), storage_(storage), key_(std::move(key)), what_(std::move(what)) {}

  /// Call it in the constructor or in start(). `committed` runs after each commit, before the response. `lost` runs
  /// with the reason why the row has to be read again.
  void on(base::Callback<void()> committed, base::Callback<void(const base::Error&)> lost) {
    committed_ = std::move(committed);
    lost_ = std::move(lost);
  }

  /// Reads the row. `decode` gets its bytes, or nullopt if there is no row; if it returns no state, the row is corrupt.
  /// `done` is not called if load() or forget() is called before the read ends.
  void load(base::Callback<std::optional<State>(std::optional<base::ByteView>)> decode, Done done) {
    forget();
    storage_.get(key_, [this, run = run_, decode = std::move(decode),
                        done = std::move(done)](base::Outcome<std::optional<base::Bytes>> row) mutable {
      if (run != run_) return;
      if (!row.ok()) return done(row.error());
      const bool there = row.value().has_value();
      if (there && row.value()->size() < sizeof commits_) return done(unreadable());
      const auto bytes = there ? std::optional(base::ByteView(*row.value()).subspan(sizeof commits_)) : std::nullopt;
      auto state = decode(bytes);
      if (!state) return done(unreadable());
      commits_ = there ? base::load<std::uint64_t>(*row.value()) : 0;
      revision_ = storage_.revision();
      there_ = there;
      state_ = std::move(state);
      done({});
      next();
    });
  }
  /// Forgets the state. Waiting changes are refused and may be requested again.
  void forget() {
    ++run_;
    busy_ = false;
    state_.reset();
    there_ = false;
    for (Wanted& one : std::exchange(queue_, {}))
      one.done(base::Error{base::Code::unavailable, what_ + " is being read again: retry"});
  }

  /// Returns null while the state is unknown.
  const State* state() const { return state_ ? &*state_ : nullptr; }
  /// Returns whether the state has a row.
  bool there() const { return there_; }
  /// Returns whether no change waits or is in progress.
  bool idle() const { return !busy_ && queue_.empty(); }

  /// Whose change it is: the owner's own changes are not refused under overload.
  enum class Whose : std::uint8_t { asker, own };
  /// Runs changes in order. A change that alters nothing is not committed.
  void change(Change change, Done done, Whose whose = Whose::asker) {
    if (whose == Whose::asker && queue_.size() >= kWaitingMax)
      return done(base::Error{base::Code::overloaded, "too many changes of " + what_ + " wait"});
    queue_.push_back({std::move(change), std::move(done)});
    next();
  }

 private:
  struct Wanted {
    Change change;
    Done done;
  };
  base::Error unreadable() const { return {base::Code::corrupt, "the row of " + what_ + " cannot be read"}; }

  void next() {
    while (!busy_ && state_ && !queue_.empty()) {
      const auto wanted = std::make_shared<Wanted>(std::move(queue_.front()));
      queue_.pop_front();
      const auto changed = std::make_shared<State>(*state_);
      Storage::Commit commit{.head = key_, .expected = {}, .rows = {}, .revision = revision_};
      const auto may = wanted->change(*changed, commit);
      if (may.ok() && (!commit.rows.empty() || *changed != *state_))
        return make_durable(wanted, changed, std::move(commit));
      wanted->done(may);
    }
  }
  void make_durable(const std::shared_ptr<Wanted>& wanted, const std::shared_ptr<State>& changed,
                    Storage::Commit commit) {
    const bool stays = !commit.rows.contains(key_);
    if (stays) {
      base::Bytes& row = commit.rows[key_].emplace();
      base::append_number(row, commits_ + 1);
      base::append(row, changed->encode());
    }
    busy_ = true;
    storage_.commit(std::move(commit),
                    [this, run = run_, wanted, changed, stays](const base::Outcome<void>& done) mutable {
                      if (run != run_ || !done.ok()) {
                        const base::Error why = not_committed(done, (what_ + " was read again").c_str());
                        const bool lost = run == run_;
                        if (lost) forget();
                        wanted->done(why);
                        if (lost && lost_) lost_(why);
                        return;
                      }
                      busy_ = false;
                      commits_ = stays ? commits_ + 1 : 0;
                      revision_ = stays ? storage_.revision() : 0;
                      there_ = stays;
                      state_ = std::move(*changed);
                      if (committed_) committed_();
                      wanted->done({});
                      next();
                    });
  }

  Storage& storage_;
  const base::Bytes key_;
  const std::string what_;
  base::Callback<void()> committed_;
  base::Callback<void(const base::Error&)> lost_;
  std::uint64_t run_ = 0;  // responses for an earlier value are ignored
  bool busy_ = false;
  std::optional<State> state_;
  bool there_ = false;
  std::uint64_t commits_ = 0, revision_ = 0;
  std::deque<Wanted> queue_;
};

/// The actors of a domain that have a key each, by their names. The first request starts an actor. An idle actor may
/// end; a request that arrives while it ends starts it again.
class Keyed final : public runtime::Part {
 public:
  /// The owner's actions: to spawn an actor and watch it, and to end it. `may_end` says whether an idle actor may end
  /// to free a slot; without it, any idle actor may.
  struct Does {
    base::Callback<runtime::Handle(const std::string& name)> begin;
    base::Callback<void(const runtime::Handle&)> end;
    std::function<bool(const std::string& name)> may_end{};
  };
  static constexpr std::size_t kWaitingMax = 1'024;  // our choice: requests while an actor ends
  struct Question {
    runtime::Envelope envelope;
    runtime::AnyReply reply;         ///< null: no response is needed
    base::Callback<void()> done{};   ///< runs after any response
    runtime::Caller from{};          ///< the caller that the actor sees
    base::Callback<void()> ended{};  ///< runs before the response

    void refuse(const base::Error& why) {
      if (ended) ended();
      if (reply.open()) reply.refuse(why);
      if (done) done();
    }
  };
  Keyed(runtime::Actor& owner, std::size_t awake_max, Does does)
      : Part(owner), awake_max_(awake_max), does_(std::move(does)) {}

  void ask(const std::string& name, Question question);
  /// Call it if an actor is idle: ends it unless it has requests.
  void sleepy(const std::string& name);
  /// Ends all actors, even those with requests, and refuses waiting requests.
  void end_all();
  /// Call it in the owner's down(). Returns the name if `ended` was one of these actors.
  std::optional<std::string> down(const runtime::Handle& ended);
  std::size_t awake() const { return awake_.size(); }
  bool ends(const std::string& name) const;

 private:
  struct Awake {
    runtime::Handle actor;
    std::size_t asked = 0;  // unanswered requests
    bool ends = false;
    std::vector<Question> waiting{};  // for its next run, while it ends
  };
  bool make_room();

  const std::size_t awake_max_;
  Does does_;
  std::map<std::string, Awake> awake_;
  std::map<runtime::Handle, std::string> names_;
};

/// Numbers in keys: big-endian, so that keys sort by number.
void append_ordered(base::Bytes& key, std::uint64_t number);
std::uint64_t ordered_at(base::ByteView key, std::size_t at);

}  // namespace troupe::durable
