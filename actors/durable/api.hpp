#pragma once
// Durable actors: where they live, how they are reached, and how what they decide becomes durable.
//
// Place    one for all of a kind: this node, another node, or the leader of a Raft group.
// Seat     tells an actor when this node is that place, and when it is no more. In a group it has a term.
// Gateway  passes what clients ask at other nodes on to the place.
// Room     what of the device other nodes leave free.
// Home     the root of a domain with one durable actor: all of these.
// Opening  the questions that wait while an actor reads its rows.
// Storage  the rows of one kind there: in the node's store, or as keys of the group.
// StateRow a state that is one of these rows, changed by one commit at a time.
// Keyed    the actors that have a key each: begun when they are asked, and again when they were ending.
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

/// As `ledger.book` has it: `self`, `chain`, a node's id, `group:NAME`, or nothing.
struct Place {
  enum class Kind : std::uint8_t { none, self, node, group };
  Kind kind = Kind::none;
  base::NodeId node{};
  std::string group{};
  bool chain = false;  ///< of `self`: money is on the chain of this node, all else in its rows

  /// Nothing if it is none of these.
  static std::optional<Place> parse(std::string_view text);
  /// The same, where the id may be that of the node itself.
  Place at(const base::NodeId& self) const { return kind == Kind::node && node == self ? Place{Kind::self} : *this; }
  std::string text() const;
  /// Whether money that is moved there takes of what those who ask have shares of: places in blocks, and the memory of
  /// a group's members.
  bool has_shares() const { return chain || kind == Kind::group; }
  friend bool operator==(const Place&, const Place&) = default;
};

/// Follows who holds the seat. The owner is told when this node takes it, and when it is lost; a new term is both.
class Seat final : public runtime::Part {
 public:
  Seat(runtime::Actor& owner, Place place, std::shared_ptr<runtime::Links> links);

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
  /// Who is behind a question; members of the group are reserved, as this node is.
  base::User<base::NodeId> user(const runtime::Caller& from) const;
  /// The caller that a child of the owner is to see: a reserved one is the node itself.
  runtime::Caller behind(const runtime::Caller& from) const { return user(from).reserved ? runtime::Caller{} : from; }
  /// Of the group; empty without one, and at a node that is none of them.
  const std::set<base::NodeId>& members() const { return members_; }
  /// The leader, where this node is a member that knows it.
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

/// Whether a question may have an effect: what viewers may ask has none.
bool changes(const runtime::Envelope& question);

/// The part of this node's device that what other nodes ask of durable actors leaves free, so that no stranger fills
/// it.
///
/// Look   at most once in kLookEvery, and only if it is asked. What comes before the answer is judged by the look
///        before: what is written meanwhile is part of what is left.
/// Group  of devices that of the leader alone counts. Its rows are in the memory of all members, and most of them stay
///        for ever: they have a limit (kv.rows_max), and what other nodes have written has a rate. What an order will
///        write is guessed when it begins; each look tells what all have written, and those that were done meanwhile
///        share it by their guesses, twice its own guess each at most: deadlines write as well. A refusal may have
///        written something, too.
/// Shares are small there, for what one site has filled stays: half of it is the first one's, and of the rest 64 sites
///        have their part.
class Room final : public runtime::Part {
 public:
  using User = base::User<base::NodeId>;
  enum class For : std::uint8_t { begins, begun };
  static constexpr std::uint64_t kLeft = store::kOrdersLeave;
  static constexpr std::uint64_t kLeftByBegun = store::kBegunLeave;
  /// Our choice: that part of the limit of rows is beyond it for what was begun, and is written at once, and in a day.
  static constexpr std::uint64_t kRowsPart = 32;
  static constexpr std::uint32_t kRowsShare = 64;   // our choice: a part of that is the share of a site, or of an id
  static constexpr std::uint32_t kRowsOfOrder = 5;  // measured, about: bytes of rows for each byte of an order
  static constexpr std::chrono::seconds kLookEvery{1};  // our choice: strangers write some MiB in it
  /// `kinds`: of the rows of the domain (Storage).
  Room(runtime::Actor& owner, const Place& place, std::vector<std::string> kinds)
      : Part(owner), group_(place.group), kinds_(std::move(kinds)) {}

  /// Why what another node asks is not done: it `changes()` something, and there is no room for it.
  std::optional<base::Error> refusal(const runtime::Envelope& question, const User& user, For what = For::begins);
  /// Whether what goes on without end should not: there is no room to begin anything.
  bool tight() const { return free_ && *free_ < kLeft; }
  /// What is asked is about to be done: end() it once it has been answered.
  struct Order {
    User user;
    std::uint32_t guess = 0;
    base::RateBudget<base::NodeId>::Spent spent{};
  };
  Order begin(std::size_t question_bytes, const User& user);
  void end(const Order& order);

 private:
  static constexpr std::size_t kDoneMax = 8'192;  // our choice: further ones have written what was guessed
  void look();
  void look_at_rows();
  void charge(std::uint64_t rows);
  std::optional<base::Error> refusal_of_rows(const runtime::Envelope& question, const User& user, For what);

  const std::string group_;  // empty: none
  const std::vector<std::string> kinds_;
  std::optional<std::uint64_t> free_;                        // bytes of the device; nothing: not known yet
  std::uint64_t rows_ = 0, rows_max_ = 0;                    // bytes of the group; 0: not known yet
  std::optional<std::uint64_t> own_rows_{};                  // of these kinds, at that look
  std::optional<base::RateBudget<base::NodeId>> written_{};  // bytes; once rows_max_ is known
  std::vector<Order> done_;                                  // since the look
  runtime::BudgetAlarm full_{"rows of the book's group"};
  base::Instant look_at_{};
};

/// Passes questions on to the actor of the same path at the place. Each may be sent again until its deadline: what is
/// asked through a gateway has the same effect once and twice.
class Gateway final : public runtime::Part {
 public:
  static constexpr std::size_t kWaitingMax = 1'024;  // our choice: questions that wait for a way
  Gateway(runtime::Actor& owner, const Seat& seat, std::shared_ptr<runtime::Links> links, std::string path)
      : Part(owner), seat_(seat), links_(std::move(links)), path_(std::move(path)) {}

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
  /// The known leader does not answer: another node is asked who leads.
  void forget_leader() { leader_.reset(); }
  /// Why nothing is asked there; empty: it answers.
  const std::string& why() const { return why_; }

 private:
  struct Passing {
    runtime::Envelope question;
    runtime::AnyReply reply;
    runtime::Caller from;
    bool in_doubt = false;  ///< it was sent, and may have been done
  };
  void send(std::shared_ptr<Passing> passing);
  void park(std::shared_ptr<Passing> passing, const std::string& why);
  /// Whether a link to the place is in service: what is sent over it may be done.
  bool linked() const;
  void again();
  void look_for_leader();

  const Seat& seat_;
  const std::shared_ptr<runtime::Links> links_;
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
  /// Our choice: questions that the child has at a time, so that one of this node is soon answered whatever strangers
  /// ask. They have shares of it; operators, this node's actors and members that pass on have its reserve.
  static constexpr std::size_t kAskedMax = 512;
  static constexpr std::size_t kUnitBytes = 512;  // our choice: a plain order, with one signature
  void start() final;
  void down(const runtime::Handle& ended, const std::optional<base::Error>& why) final;

 protected:
  /// Its rows are of the kind that is `path` without its slash. `child` is its name below `path`; `orders` what other
  /// nodes order (order_wait()), in units of kUnitBytes.
  Home(const Place& place, const std::shared_ptr<runtime::Links>& links, std::string path, std::string child,
       std::optional<base::Rate> orders = std::nullopt)
      : path_(std::move(path)),
        child_name_(std::move(child)),
        seat_(*this, place, links),
        gateway_(*this, seat_, links, path_),
        room_(*this, seat_.place(), {path_.substr(1)}) {
    if (orders) ordered_.emplace(*orders, base::Instant{});
  }

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
  /// How long an order of another node waits, as others have ordered too much; it is counted unless it waits. Only at
  /// the place: elsewhere another node's question is not passed on.
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
    /// In place of `expected`, where a head is too large to be sent a second time: revision() of it; 0: there is none.
    std::optional<std::uint64_t> revision{};

    std::size_t bytes() const;
  };

  /// Before the first commit of a term: earlier terms can commit nothing from then on. `conflict`: a later one did.
  void take(Then<void> done);
  void get(const base::Bytes& key, Then<std::optional<base::Bytes>> done);
  /// Rows whose keys begin with `prefix`, from `from` on.
  void range(const base::Bytes& prefix, const base::Bytes& from, std::uint32_t rows_max, Then<Page> done);
  /// All of them, page by page; empty `from`: from the first. `take` gives the error that ends it, if any. The storage
  /// is there until the end of it.
  using Take = base::Callback<std::optional<base::Error>(const Row&)>;
  void each(const base::Bytes& prefix, const base::Bytes& from, Take take, Then<void> done);
  /// `conflict`: nothing was changed, and the owner knows an old head. `unknown_outcome`. Others: nothing was changed.
  void commit(Commit commit, Then<void> done);
  /// Fine if this node still holds the seat: what its actors know is what was decided last.
  void confirm(Then<void> done);
  /// In what get() and commit() call when they are done: the group's revision with which the row that was read, or
  /// those that were committed, came to be as they are. 0: there is no row, or no group.
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

/// What ends the reading of rows whose owner reads them anew by now (Storage::each).
base::Error read_again();

/// What the asker is told of a commit that failed, or that ended after its owner had begun to read its rows
/// again (`reread` says so): then it may have been done.
base::Error not_committed(const base::Outcome<void>& done, const char* reread);

/// A state that is one row: a change is decided on a copy, made durable, and only then is it the state.
///
/// Row    the number of its commit (8), then the bytes of the state: no two commits leave the same head.
/// Doubt  after a commit whose end is not known, or that is void, nothing is known: the owner reads the row again.
template <class State>
class StateRow final : public runtime::Part {
 public:
  static constexpr std::size_t kWaitingMax = 1'024;  // our choice
  /// Changes the copy, and names rows that change with it; with `commit.rows[commit.head]` as nothing the row itself is
  /// erased, and the changed copy is what there is without one. An error changes nothing.
  using Change = base::Callback<base::Outcome<void>(State&, Storage::Commit&)>;
  using Done = base::Callback<void(const base::Outcome<void>&)>;
  /// `what` is named in errors: "the fund".
  StateRow(runtime::Actor& owner, Storage& storage, base::Bytes key, std::string what)
      : Part(owner), storage_(storage), key_(std::move(key)), what_(std::move(what)) {}

  /// Call it in the constructor or in start(). `committed` follows each commit, before its asker is told; `lost` tells
  /// why the row has to be read again.
  void on(base::Callback<void()> committed, base::Callback<void(const base::Error&)> lost) {
    committed_ = std::move(committed);
    lost_ = std::move(lost);
  }

  /// Reads the row. `decode` gets its bytes, or nothing if there is no row; without a state the row is corrupt.
  /// `done` is not called if it is read again meanwhile.
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
  /// Nothing is known any more: what waits is refused, and may be asked for again.
  void forget() {
    ++run_;
    busy_ = false;
    state_.reset();
    there_ = false;
    for (Wanted& one : std::exchange(queue_, {}))
      one.done(base::Error{base::Code::unavailable, what_ + " is read again: try again"});
  }

  /// Null while it is not known.
  const State* state() const { return state_ ? &*state_ : nullptr; }
  /// Whether it was committed at least once.
  bool there() const { return there_; }
  /// Whether nothing waits or is under way.
  bool idle() const { return !busy_ && queue_.empty(); }

  /// Who wants a change: what the owner itself has begun is not turned away when others ask for too much.
  enum class Whose : std::uint8_t { asker, own };
  /// In its turn; what changes nothing is not committed.
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
  std::uint64_t run_ = 0;  // answers to an earlier one are ignored
  bool busy_ = false;
  std::optional<State> state_;
  bool there_ = false;
  std::uint64_t commits_ = 0, revision_ = 0;
  std::deque<Wanted> queue_;
};

/// The actors of a domain that have a key each, by their names. The first question begins one; an idle one may end, and
/// what is asked while it ends begins it again.
class Keyed final : public runtime::Part {
 public:
  /// What its owner does: spawns the actor and watches it; ends it. And whether one may end to make room, while
  /// nothing is asked of it; none: each may.
  struct Does {
    base::Callback<runtime::Handle(const std::string& name)> begin;
    base::Callback<void(const runtime::Handle&)> end;
    std::function<bool(const std::string& name)> may_end{};
  };
  static constexpr std::size_t kWaitingMax = 1'024;  // our choice: questions while one ends
  struct Question {
    runtime::Envelope envelope;
    runtime::AnyReply reply;         ///< none: it is not waited for
    base::Callback<void()> done{};   ///< after the answer, whatever it is
    runtime::Caller from{};          ///< who has asked: the caller that the actor finds
    base::Callback<void()> ended{};  ///< before the answer

    void refuse(const base::Error& why) {
      if (ended) ended();
      if (reply.open()) reply.refuse(why);
      if (done) done();
    }
  };
  Keyed(runtime::Actor& owner, std::size_t awake_max, Does does)
      : Part(owner), awake_max_(awake_max), does_(std::move(does)) {}

  void ask(const std::string& name, Question question);
  /// It has nothing to do: it ends, unless something is asked.
  void sleepy(const std::string& name);
  /// The same for all of them, whatever is asked: what waits is refused.
  void end_all();
  /// Call it in the owner's down(). The name, if it was one of these.
  std::optional<std::string> down(const runtime::Handle& ended);
  std::size_t awake() const { return awake_.size(); }
  bool ends(const std::string& name) const;

 private:
  struct Awake {
    runtime::Handle actor;
    std::size_t asked = 0;  // questions that it has not answered
    bool ends = false;
    std::vector<Question> waiting{};  // for the next one, while this one ends
  };
  bool make_room();

  const std::size_t awake_max_;
  Does does_;
  std::map<std::string, Awake> awake_;
  std::map<runtime::Handle, std::string> names_;
};

/// Numbers in keys: big-endian, so that their order is that of the keys.
void append_ordered(base::Bytes& key, std::uint64_t number);
std::uint64_t ordered_at(base::ByteView key, std::size_t at);

}  // namespace troupe::durable
