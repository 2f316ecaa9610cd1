#pragma once
// The rows of one keyspace for the actor that owns this object: read at its start, written as they change.
//
// Load    row by row to `take`. Rows that it cannot use are erased, slice by slice, before reading goes on.
// Policy  the same for all domains (row_loading.hpp). Damaged rows stay damaged, so they are asked for once; everything
//         else may pass, so it is asked for again, at 5 s at the longest: that costs little inside the node, and the
//         domain is there soon after its device. From the first failure on this is a reason of health with its cause.
// Due     a question may fail early (kReadDue), because it can be repeated; a commit may not (kSaveDue), because a
//         time-out does not tell whether it was done.
// Save    one commit, or several if the change is larger. An error has changed nothing, unless it is unknown_outcome.
// Leave   rows that are saved for strangers leave `Setup::leave` bytes of the device free; erasures need no room.
// Behind  what write() is given waits here (write_behind.hpp) and is tried again until the store takes it.
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
inline constexpr std::size_t kSaveRows = 8192;  // of a commit, and as many erased; our choice

/// What becomes of a row that was read.
enum class Use : std::uint8_t { keep, erase };

/// What an owner does that cannot know whether a change was saved.
enum class Doubt : std::uint8_t {
  told,        ///< it is told `unknown_outcome`
  ends_owner,  ///< it throws base::StateUnknown, and its next incarnation reads its rows
};

/// On whose behalf rows are saved.
enum class Whose : std::uint8_t {
  own,             ///< of this node
  strangers,       ///< of another node: `no_space` unless Setup::leave stays free
  strangers_kept,  ///< of another node, about what is kept for it already: Setup::leave_kept
};

class Rows final : public runtime::Part {
 public:
  struct Setup {
    std::string store;     ///< path of the store actor; empty: nothing is on disk, nothing is read, all is saved
    std::string keyspace;  ///< as messages/store.capnp has it
    std::string what;      ///< the rows as people read of them: "the catalogue of files"
    std::string source;    ///< of the reason of health
    observe::Health* health = nullptr;  ///< outlives the owner; null: nothing is told
    observe::HealthState unread_is = observe::HealthState::failing;
    Unread unread = Unread::waits;
    Doubt doubt = Doubt::told;
    std::uint64_t leave = 0;       ///< bytes of the device that what is saved for strangers leaves free
    std::uint64_t leave_kept = 0;  ///< the same of what is saved about what is kept for them already
    base::Bytes first{};           ///< the key to read from
    base::Bytes prefix{};          ///< of the keys to read
    const char* waited = nullptr;  ///< the rare path to note when rows had to wait for the store
  };
  using Done = base::Callback<void(base::Outcome<void>)>;
  using Take = base::Callback<Use(base::ByteView key, base::ByteView value)>;
  struct Page {
    capnp::List<wire::Row>::Reader rows;
    std::optional<base::Bytes> next;  ///< the key to go on from; none at the end
  };

  Rows(runtime::Actor& owner, Setup setup) : Part(owner), setup_(std::move(setup)), loading_(setup_.unread) {}

  /// Call it in the owner's receive(). `Timer` is an empty struct, of this object alone.
  template <class Timer>
  void receive(runtime::Handlers& on) {
    wait_ = [](Rows& self, base::Duration delay) { self.after<Timer>(delay); };
    on.timer<Timer>([this] { again(); });
  }
  /// Call it in the owner's stop(): what waits is the last word, because the store ends after the domains.
  void stop();
  void check() const;

  // -- read

  /// Reads all rows, then calls `loaded` once: with an error if they are damaged, or the owner goes on without them.
  void load(Take take, Done loaded);
  bool reading() const { return loading_.reading(); }
  /// Whether all rows were read.
  bool complete() const { return loading_.complete(); }
  /// Calls back when load() has ended or failed for the first time; replaces an earlier call.
  void when_settled(base::Callback<void()> settled);
  /// What is said to those who ask for something that is in rows which are not read.
  base::Error refusal() const;

  using Value = std::optional<base::ByteView>;
  /// Calls back with an Outcome<Value>: the value of a row, nothing if there is none, or an error.
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
  /// Calls `found` with the values of some of the keys, in their order, and then of those behind them; last `done`,
  /// with an error if one could not be read. The values are valid during the call.
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
  /// Calls back when the change is durable. Of a change that takes several commits the rows to save go before those to
  /// erase, and the last of the former with the first of the latter. `fill` may add blobs to the first commit.
  void save(std::shared_ptr<const RowChange> change, Done done, Fill fill = {}, Whose whose = Whose::own);
  void save(
      RowChange change, Done done = [](const base::Outcome<void>&) {}) {
    save(std::make_shared<const RowChange>(std::move(change)), std::move(done));
  }
  /// The same for a change that is about row `key`: without any change it waits for one of that row that is under way.
  void save_row(const base::Bytes& key, RowChange change, Done done, Whose whose = Whose::own);
  /// Whether save_row() of that row is under way: reading it shows one or the other.
  bool changing(const base::Bytes& key) const { return changing_.contains(key); }

  // -- write behind

  /// Saves as soon as the store takes it. `erased` is called when all that was to be erased by now is, or with an error
  /// when that failed once. It waits for no commit of values.
  void write(RowChange change, Done erased = {});
  /// Rows as they will be: what is still to be written. See WriteBehind.
  const WriteBehind& behind() const { return behind_; }
  std::uint32_t writes_failed() const { return writes_failed_; }

 private:
  struct Getting;
  struct Saving;
  struct Changing {
    std::size_t saves = 0;  // under way
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
  std::vector<Done> to_erase_;  // those who wait for rows that wait
  std::vector<Done> erasing_;   // those who wait for the batch under way, and maybe for more
  std::uint32_t writes_failed_ = 0;

  std::optional<base::Error> unread_;   // why the rows are not read
  std::optional<base::Error> unsaved_;  // why rows are not written
  bool shown_ = true;                   // maybe by an earlier incarnation
};

}  // namespace troupe::store
