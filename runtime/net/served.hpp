#pragma once
// The memory of messages that other nodes sent and that actors of this node have not dropped yet.
//
// Served  A message counts from its arrival until its last envelope is gone: in a mailbox, and while a service keeps
//         it. It still counts after its requester has cancelled it or ended its link.
// Limits  ServedBytes counts messages of at least kSharedMin in a ShareBudget by node and address group, and refuses
//         new messages above it. Smaller messages are only counted; mailboxes limit them. Responses to this node's
//         requests have a separate budget, which messages pushed by other nodes cannot use.
// Safety  Any thread; belongs_to() before the first charge.
#include <atomic>
#include <memory>
#include <mutex>

#include "runtime/actor/envelope.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/share_budget.hpp"

namespace troupe::net {

/// The memory of all links.
class ServedBytes {
 public:
  /// Our choice: 4 KiB, so that requests for contacts and values need no lock. A full mailbox of 10,000 smaller
  /// messages takes at most 40 MiB.
  static constexpr std::size_t kSharedMin = 4 * 1024;

  using User = base::User<base::NodeId>;
  enum class Sort : std::uint8_t { pushed, answers };

  /// `whole`: the limit in bytes for each sort of messages.
  explicit ServedBytes(std::size_t whole) : pushed_(whole), answers_(whole) {}

  /// Returns false if there is no space for it; then nothing has changed.
  bool take(Sort sort, const User& user, std::size_t bytes);
  void give_back(Sort sort, const User& user, std::size_t bytes);
  /// Returns the bytes of both sorts.
  std::size_t all() const { return all_.load(std::memory_order_relaxed); }

 private:
  base::ShareBudget<base::NodeId>& shares(Sort sort) { return sort == Sort::pushed ? pushed_ : answers_; }

  std::atomic<std::size_t> all_{0};
  std::mutex lock_;
  base::ShareBudget<base::NodeId> pushed_, answers_;
};

/// The memory of one link. Its messages keep it alive.
class Served : public std::enable_shared_from_this<Served> {
 public:
  explicit Served(std::shared_ptr<ServedBytes> all) : all_(std::move(all)) {}

  void belongs_to(const base::User<base::NodeId>& user) { user_ = user; }

  /// Charges a new envelope. Returns false if there is no space for it; then nothing has changed.
  bool charge_question(runtime::Envelope& question) { return charge(questions_, question); }
  bool charge_tell(runtime::Envelope& message) { return charge(tells_, message); }
  bool charge_answer(runtime::Envelope& answer) { return charge(answers_, answer); }

  /// Returns the requests that have not been dropped, whether or not they were answered.
  std::size_t questions() const { return questions_.count.load(std::memory_order_relaxed); }
  /// Returns the bytes of all messages.
  std::size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  struct Account final : runtime::Envelope::Account {
    Account(Served& owner, ServedBytes::Sort its_sort) : of(owner), sort(its_sort) {}
    void freed(std::size_t bytes) noexcept override;
    Served& of;
    const ServedBytes::Sort sort;
    std::atomic<std::size_t> count{0};
  };
  bool charge(Account& account, runtime::Envelope& envelope);

  const std::shared_ptr<ServedBytes> all_;
  base::User<base::NodeId> user_;
  std::atomic<std::size_t> bytes_{0};
  Account questions_{*this, ServedBytes::Sort::pushed}, tells_{*this, ServedBytes::Sort::pushed},
      answers_{*this, ServedBytes::Sort::answers};
};

}  // namespace troupe::net
