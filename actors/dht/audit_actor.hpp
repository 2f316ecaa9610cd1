#pragma once
// Reads back what the DHT has on disk, for `troupe dht check`, `clean` and `list`: `/dht/audit`, one run at a time.
//
// Check   judges each row (logic/audit.hpp) and compares it with the index of `/dht`, then looks for each entry of the
//         index among the rows. A difference is read again, kLooks times, because rows change. Nothing is repaired.
// Clean   the same, and drops expired and damaged rows with their entries; no expired ones while the clock is doubted,
//         and none that was published with a higher sequence meanwhile. What exceeds a limit stays.
// List    what each sound row is about (logic/row_summary.hpp).
// Pace    slices of kAuditRows, each in a handler of its own. A slow reader stops it.
// Memory  the keys of one keyspace, 45 B each, and the sums of each owner, provider and announced key.
// End     with its reader, or with an error if a store does not answer.
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

inline constexpr std::uint32_t kAuditRows = 64;             // 6 ms of signatures
inline constexpr std::uint32_t kAuditBytes = 512 * 1024;    // the same of large values
inline constexpr unsigned kLooks = 3;                       // our choice
inline constexpr std::size_t kAuditItemsMax = 256;          // wait for credit
inline constexpr std::chrono::seconds kAuditDue{10};        // of `/dht`
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
    std::uint64_t sequence = 0;  // of what is published
  };
  struct Item {
    AuditSpace space;
    base::Bytes row;
    RowState state;
    std::optional<RowSummary> summary{};  // in place of a trouble
  };
  struct Run {
    Run(runtime::Sink<wire::AuditItem> to, Effect what, const AuditTerms& terms)
        : sink(std::move(to)), effect(what), audit(terms) {}
    runtime::Sink<wire::AuditItem> sink;
    Effect effect;
    Audit audit;
    std::string space{};  // to list; empty: all
    bool cancelled = false;
    bool waits = false;                               // for an answer
    std::size_t keyspace = 0;                         // of kAuditedKeyspaces
    std::optional<base::Bytes> from = base::Bytes();  // of the next slice; nothing: all rows were read
    std::vector<base::Bytes> read;                    // their keys, in order
    std::uint8_t listed = 0;          // pages of the index: of the space that it is the number of; zero: not begun
    base::Bytes after;                // the last key of the page before
    std::deque<AuditedRow> doubtful;  // not what the index says
    unsigned looks = 0;               // at the first of them
    std::vector<AuditedRow> drop;
    std::deque<Item> items;  // for credit
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

  /// A callback for one answer: it goes on with the next step after `answered(answer)`, or fails.
  template <class Take>
  auto then(Take answered);
  /// Asks, and goes on with the next step after `answered(Answer<A>&)`, or fails.
  template <class Q, class A, class Fill, class Take>
  void ask_then(const runtime::Handle& whom, Fill&& fill, Take answered);

  const std::shared_ptr<const DhtSettings> settings_;
  std::array<store::Rows, std::size(kAuditedKeyspaces)> rows_;
  std::unique_ptr<Run> run_;
  std::uint64_t runs_ = 0, rows_read_ = 0;
};

}  // namespace troupe::dht
