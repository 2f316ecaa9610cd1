#pragma once
// The rows of one keyspace, for the actor that owns this object: read at its start, written as they change.
//
// Load    Each row is passed to `take`. Rows that it cannot use are erased, slice by slice, before reading continues.
// Policy  The same for all domains (row_loading.hpp). Damaged rows are not requested again, because they stay damaged.
//         Every other error may pass, and the request is repeated at least every 5 s: that is cheap, and the domain
//         works soon after its device does. From the first failure on, the cause is a health reason.
// Due     A read has a short deadline (kReadDue), because it can be repeated. A commit has a long deadline (kSaveDue),
//         because a time-out does not say whether it was done.
// Save    A change is one commit, or several if it is larger. After an error nothing has changed, unless it is
//         unknown_outcome. Rows saved for other nodes must leave `Setup::leave` bytes of the device free.
// Behind  Changes passed to write() wait here (write_behind.hpp) and are retried until the store accepts them.
#include <map>
#include <memory>
#include <span>
#include <string>

#include "messages/common.capnp.h"
#include "messages/store.capnp.h"
#include "runtime/actor/part.hpp"
#include "runtime/observe/health.hpp"
#include "runtime/store/logic/row_loading.hpp"
#include "runtime/store/logic/write_behind.hpp"

namespace troupe::store {

inline constexpr std::chrono::seconds kReadDue{10};
inline constexpr std::chrono::seconds kSaveDue{60};
inline constexpr std::uint32_t kLoadRows = 512;  // our choice: some milliseconds of the owner's time
inline constexpr std::uint32_t kLoadBytes = 1024 * 1024;
inline constexpr std::size_t kSaveRows = 8192;  // per commit, and as many erased; our choice

/// What to do with a row that was read.
enum class Use : std::uint8_t { keep, erase };

/// What happens to an owner if it is unknown whether a change was saved.
enum class Doubt : std::uint8_t {
  told,        ///< the owner receives `unknown_outcome`
  ends_owner,  ///< the owner throws base::StateUnknown, and its next incarnation reads its rows
};

/// For whom rows are saved.
enum class Whose : std::uint8_t {
  own,             ///< for this node
  strangers,       ///< for another node: `no_space` unless Setup::leave stays free
  strangers_kept,  ///< for another node, about data already stored for it: as above, with Setup::leave_kept
};

class Rows final : public runtime::Part {
 public:
  struct Setup {
    std::string store;     ///< path of the store actor; empty: there is no disk, nothing is read, every save succeeds
    std::string keyspace;  ///< name of the keyspace, as in messages/store.capnp
    std::string what;      ///< the name of the rows for people: "the catalogue of files"
    std::string source;    ///< of the health reason
    observe::Health* health = nullptr;  ///< outlives the owner; null: nothing is reported
    observe::HealthState unread_is = observe::HealthState::failing;
    Unread unread = Unread::waits;
    Doubt doubt = Doubt::told;
    std::uint64_t leave = 0;       ///< bytes of the device that rows saved for other nodes leave free
    std::uint64_t leave_kept = 0;  ///< the same for rows about data already stored for other nodes
    base::Bytes first{};           ///< the key to read from
    base::Bytes prefix{};          ///< common prefix of the keys to read
    const char* waited = nullptr;  ///< the rare path to note when rows had to wait for the store
  };
  using Done = base::Callback<void(base::Outcome<void>)>;
  using Take = base::Callback<Use(base::ByteView key, base::ByteView value)>;
  struct Page {
    capnp::List<wire::Row>::Reader rows;
    std::optional<base::Bytes> next;  ///< the key to continue from; nullopt at the end
  };

  Rows(runtime::Actor& owner, Setup setup) : Part(owner), setup_(std::move(setup)), loading_(setup_.unread) {}

  /// Call it in the owner's receive(). `Timer` is an empty struct, used by this object only.
  template <class Timer>
  void receive(runtime::Handlers& on) {
    wait_ = [](Rows& self, base::Duration delay) { self.after<Timer>(delay); };
    on.timer<Timer>([this] { again(); });
  }
  /// Call it in the owner's stop(). It sends the waiting rows once more; the store still runs, because it ends after
  /// the domains.
  void stop();
  void check() const;

  // -- read

  /// Reads all rows, then calls `loaded` once: with an error if rows are damaged, or the owner starts without them.
  void load(Take take, Done loaded);
  bool reading() const { return loading_.reading(); }
  /// Returns whether all rows were read.
  bool complete() const { return loading_.complete(); }
  /// Calls back when load() ends or fails for the first time; replaces an earlier call.
  void when_settled(base::Callback<void()> settled);
  /// Returns the error for a request that needs rows which are not read.
  base::Error refusal() const;

  using Value = std::optional<base::ByteView>;
  /// Calls back with an Outcome<Value>: the value of a row, nullopt if there is none, or an error.
  template <class F>
  void get(const base::Bytes& key, F found) {
    ask<wire::Get, wire::Found>(
        store(), now() + kReadDue,
        [&](wire::Get::Builder out) {
          out.setKeyspace(setup_.keyspace);
          out.setKey({key.data(), key.size()});
        },
        [found = std::move(found)](runtime::Answer<wire::Found> answer) mutable {
          if (answer.ok()) {
            const auto value = answer.value().getValue();
            return found(base::Outcome<Value>(Value({value.begin(), value.size()})));
          }
          if (answer.error().code == base::Code::not_found) return found(base::Outcome<Value>(Value()));
          found(base::Outcome<Value>(answer.error()));
        });
  }
  /// Calls `found` with the values of the first keys, then of the following keys, in their order. Finally calls `done`,
  /// with an error if a row could not be read. The values are valid during the call.
  using FoundSome = base::Callback<void(std::span<const Value> values)>;
  void get_all(std::vector<base::Bytes> keys, FoundSome found, Done done);
  /// Calls back with an Outcome<Page> of rows from a key on. For an owner that reads at its own pace.
  template <class F>
  void scan(const base::Bytes& from, std::uint32_t rows_max, std::uint32_t bytes_max, F read) {
    ask<wire::Scan, wire::Slice>(
        store(), now() + kReadDue,
        [&](wire::Scan::Builder out) {
          out.setKeyspace(setup_.keyspace);
          out.setFrom({from.data(), from.size()});
          out.setPrefix({setup_.prefix.data(), setup_.prefix.size()});
          out.setRowsMax(rows_max);
          out.setBytesMax(bytes_max);
        },
        [from, read = std::move(read)](runtime::Answer<wire::Slice> answer) mutable {
          if (!answer.ok()) return read(base::Outcome<Page>(answer.error()));
          const auto slice = answer.value();
          auto next = next_slice(from, slice.getMore(), {slice.getNext().begin(), slice.getNext().size()});
          if (!next.ok()) return read(base::Outcome<Page>(next.error()));
          read(base::Outcome<Page>(Page{slice.getRows(), std::move(next).value()}));
        });
  }

  // -- save now

  using Fill = base::Callback<void(wire::Commit::Builder)>;
  /// Calls back when the change is durable. If the change takes several commits, rows to save go before rows to erase.
  /// The last saved rows and the first erasures share a commit. `fill` may add blobs to the first commit.
  void save(std::shared_ptr<const RowChange> change, Done done, Fill fill = {}, Whose whose = Whose::own);
  void save(
      RowChange change, Done done = [](const base::Outcome<void>&) {}) {
    save(std::make_shared<const RowChange>(std::move(change)), std::move(done));
  }
  /// Does the same for a change about row `key`. An empty change waits for a save_row() of that row in flight.
  void save_row(const base::Bytes& key, RowChange change, Done done, Whose whose = Whose::own);
  /// Returns whether a save_row() of that row is in flight: reading it may show the old or the new value.
  bool changing(const base::Bytes& key) const { return changing_.contains(key); }

  // -- write behind

  /// Saves the change as soon as the store accepts it. Calls `erased` once all erasures so far are done, or with an
  /// error when they fail for the first time. `erased` does not wait for values.
  void write(RowChange change, Done erased = {});
  /// Returns the rows that are not written yet. See WriteBehind.
  const WriteBehind& behind() const { return behind_; }
  std::uint32_t writes_failed() const { return writes_failed_; }

 private:
  struct Getting;
  struct Saving;
  struct Changing {
    std::size_t saves = 0;  // in flight
    std::vector<Done> waiting;
  };

  runtime::Handle store() const { return node().find(setup_.store); }
  bool on_disk() const { return !setup_.store.empty(); }
  void perform(RowLoading::Step step);
  void read_slice();
  void took(const Page& page);
  void settled();
  void get_next(std::shared_ptr<Getting> getting);
  void write_row(wire::Change::Builder out, const base::Bytes& key, const base::Bytes* value) const;
  void erase(RowChange useless, Done done);
  void save_next(std::shared_ptr<Saving> saving, Fill fill);
  void not_saved(Saving& saving, bool first, const base::Error& why);
  template <class F>
  void commit(const WriteBehind::Changes& changes, F then);
  void write_next();
  void written(const runtime::Answer<messages::wire::Nothing>& answer);
  void again();
  void arm();
  void show();

  const Setup setup_;
  void (*wait_)(Rows&, base::Duration) = nullptr;

  RowLoading loading_;
  Take take_;
  Done loaded_;
  bool settled_ = false;  // loaded, or failed once
  base::Callback<void()> when_settled_;
  base::Instant load_at_ = base::Instant::max();

  std::map<base::Bytes, Changing> changing_;

  WriteBehind behind_;
  RowRetry write_retry_;
  base::Instant write_at_ = base::Instant::max();
  std::vector<Done> to_erase_;  // callbacks that wait for waiting erasures
  std::vector<Done> erasing_;   // callbacks that wait for the batch in flight, and perhaps for later erasures
  std::uint32_t writes_failed_ = 0;

  std::optional<base::Error> unread_;   // why the rows are not read
  std::optional<base::Error> unsaved_;  // why rows are not written
  bool shown_ = true;                   // a health reason is shown, perhaps by an earlier incarnation
};

}  // namespace troupe::store
