#pragma once
// The audit trail of this node, at kPath. Blocks on its disk: spawn it on its own thread.
//
// Order   records that wait in the mailbox are written and synced together, then answered. Times never go back.
// Head    the store keeps the first and the last record that exist (row "h"). It is stored after the
//         sync, and before the oldest file is removed; answers do not wait for it.
// Faults  while the disk or the store fails, records wait, at most kWaitingMax; further ones are refused. The disk is
//         tried again every kRetry. A changed trail is a health reason.
#include <deque>
#include <memory>

#include "actors/audit/api.hpp"
#include "actors/audit/trail.hpp"
#include "runtime/actor/actor.hpp"
#include "runtime/observe/domain_log.hpp"
#include "runtime/observe/health.hpp"
#include "runtime/store/rows.hpp"

namespace troupe::audit {

inline constexpr const char* kHealthSource = "audit";
inline constexpr const char* kRowsHealthSource = "audit-rows";

struct AuditSettings {
  TrailLimits limits{};
  std::string directory = "audit";
  std::string store = "/store";
  observe::Health* health = nullptr;  ///< outlives the actors; null: no reports
  observe::DomainLog log{};
};

class AuditActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "audit";
  static constexpr std::size_t kWaitingMax = 1'024;  // our choice
  static constexpr std::size_t kAtOnce = 256;        // our choice: some 100 KiB per sync
  static constexpr std::chrono::seconds kRetry{5};   // our choice
  explicit AuditActor(AuditSettings settings);

  void receive(runtime::Handlers& on) override;
  void start() override;
  void stop() override;
  void check() const override;

 private:
  struct RowsAgain {};
  struct Flush {};
  struct Open {};
  struct SaveHead {};
  using Reply = runtime::Reply<wire::Appended>;

  void want(Record record, std::optional<Reply> reply);
  void open();
  void flush();
  void failed(ports::DiskError why);
  void save_head();
  void list(wire::ListRecords::Reader question, runtime::Reply<wire::Records> reply) const;
  base::Error closed() const;

  const AuditSettings settings_;
  store::Rows rows_;
  bool ready_ = false;
  std::optional<Head> head_;  // of the synced records, or what the store knew at the start
  std::optional<Head> stored_;
  bool saving_ = false;
  std::unique_ptr<Trail> trail_;
  bool writable_ = false;  // the last write succeeded
  std::deque<std::pair<Record, std::optional<Reply>>> waiting_;
  std::uint64_t last_ms_ = 0;
  std::uint64_t failed_ = 0;
};

}  // namespace troupe::audit
