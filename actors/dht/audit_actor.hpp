#pragma once
// Reads back the DHT's rows on disk, for `troupe dht check`, `clean` and `list`: `/dht/audit`, one run at a time.
//
// Check   verifies each row (logic/audit.hpp), compares it with the index of `/dht`, then looks up each index entry
//         among the rows. A difference is read again, up to kLooks times, because rows change. Nothing is repaired.
// Clean   does the same, and drops expired and corrupt rows with their index entries. It keeps expired rows while the
//         clock is not trusted, rows republished with a higher sequence since, and rows over a limit.
// List    summarizes each valid row (logic/row_summary.hpp).
// Pace    slices of kAuditRows, each in its own handler. A slow reader pauses the run.
// Memory  the keys of one keyspace, 45 B each, and the totals per owner, provider and announced key.
// End     ends with its reader, or with an error if a store does not answer.
#include <array>
#include <deque>
#include <functional>
#include <memory>

#include "actors/dht/logic/audit.hpp"
#include "actors/dht/logic/row_summary.hpp"
#include "actors/dht/settings.hpp"
#include "messages/dht.capnp.h"
#include "runtime/actor/actor.hpp"
#include "runtime/store/rows.hpp"

namespace troupe::dht {

inline constexpr std::uint32_t kAuditRows = 64;             // 6 ms of signature checks
inline constexpr std::uint32_t kAuditBytes = 512 * 1024;    // about the same time for large values
inline constexpr unsigned kLooks = 3;                       // our choice
inline constexpr std::size_t kAuditItemsMax = 256;          // items that wait for credit
inline constexpr std::chrono::seconds kAuditDue{10};        // for an answer of `/dht`
inline constexpr std::chrono::seconds kAuditTellPeriod{1};  // messages/dht.capnp: AuditItem

class AuditActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "audit";
  explicit AuditActor(std::shared_ptr<const DhtSettings> settings)
      : settings_(std::move(settings)), rows_{rows_of(0), rows_of(1), rows_of(2)} {}

  void receive(runtime::Handlers& on) override;
  void start() override;
  void check() const override;

 private:
  struct Step {};
  enum class Effect : std::uint8_t { check, clean, list };
  struct AuditedRow {
    base::Bytes key;
    JudgedRow judged{};
    std::size_t bytes = 0;       // of key and value; zero: not on disk
    std::uint64_t sequence = 0;  // of a published row
  };
  struct Item {
    AuditSpace space;
    base::Bytes row;
    RowState state;
    std::optional<RowSummary> summary{};  // for `list`: replaces the problem
  };
  struct Run {
    Run(runtime::Sink<wire::AuditItem> to, Effect what, const AuditTerms& terms)
        : sink(std::move(to)), effect(what), audit(terms) {}
    runtime::Sink<wire::AuditItem> sink;
    Effect effect;
    Audit audit;
    std::string space{};  // the space to list; empty: all
    bool cancelled = false;
    bool waits = false;                               // it waits for an answer
    std::size_t keyspace = 0;                         // index into kAuditedKeyspaces
    std::optional<base::Bytes> from = base::Bytes();  // start of the next slice; nullopt: all rows were read
    std::vector<base::Bytes> read;                    // keys of the rows that were read, in order
    std::uint8_t listed = 0;                          // number of the index space being paged through; zero: not begun
    base::Bytes after;                                // the last key of the previous page
    std::deque<AuditedRow> doubtful;                  // rows that differ from the index
    unsigned looks = 0;                               // reads of the first doubtful row so far
    std::vector<AuditedRow> drop;
    std::deque<Item> items;  // items that wait for credit
    base::Instant told_at;
  };

  void begin(runtime::Sink<wire::AuditItem> sink, Effect effect, std::string space = {});
  void step();
  void next_keyspace();
  void end();
  void fail(const base::Error& why);
  void show();

  store::Rows rows_of(std::size_t keyspace);
  store::Rows& rows() { return rows_[run_->keyspace]; }
  void read_slice();
  void take(const store::Rows::Page& page);
  void compare(std::vector<AuditedRow> rows);
  void list(const store::Rows::Page& page);
  void list_index();
  void look_again();
  void look_again(const AuditedRow& row);
  void drop();
  void trouble(const AuditedRow& row, RowState state);
  std::string keyspace() const { return std::string(kAuditedKeyspaces[run_->keyspace]); }
  bool indexed() const { return kAuditedKeyspaces[run_->keyspace] != kPublishedRows; }
  AuditTerms terms() const { return {settings_->work_bits, settings_->held, settings_->providers}; }

  /// Returns a callback for one answer: it calls `answered(answer)` and proceeds to the next step, or fails.
  template <class Take>
  auto then(Take answered);
  /// Sends a request; calls `answered(Answer<A>&)` and proceeds to the next step, or fails.
  template <class Q, class A, class Fill, class Take>
  void ask_then(const runtime::Handle& whom, Fill&& fill, Take answered);

  const std::shared_ptr<const DhtSettings> settings_;
  std::array<store::Rows, std::size(kAuditedKeyspaces)> rows_;
  std::unique_ptr<Run> run_;
  std::uint64_t runs_ = 0, rows_read_ = 0;
};

}  // namespace troupe::dht
