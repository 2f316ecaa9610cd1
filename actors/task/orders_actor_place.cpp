// The known nodes, and the choice of a node for each task.
#include <algorithm>

#include "actors/reputation/api.hpp"
#include "actors/task/logic/loader.hpp"
#include "actors/task/logic/network.hpp"
#include "actors/task/orders_actor.hpp"
#include "messages/codec.hpp"
#include "messages/reputation.capnp.h"
#include "runtime/base/whole_units.hpp"

namespace troupe::task {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

constexpr std::chrono::minutes kLookIdle{2};  // a region of the registry in which some nodes do not respond
constexpr std::chrono::seconds kRateDue{10};
constexpr std::uint64_t kSoonMs = 60'000;                 // our choice: how long a new task has nodes listed every 2 s
constexpr int kUnknownToBookMax = 12;                     // our choice: a minute, for the ledger's node to start
constexpr int kOwnReputation = 100;                       // a node trusts itself
constexpr std::size_t kMovesAtOnce = 16;                  // our choice: each costs a check of every free node
constexpr std::size_t kChoicesEach = 3;                   // away from address groups, from nodes, from nothing
constexpr std::size_t kAheadMin = 2, kAheadEachCore = 2;  // our choice: a node need not wait for its next task

/// Returns why an order fits no node. If only a loader is missing, the order itself is at fault.
Error misfit(std::span<const Candidate> all, const Order& order, const Policy& policy, const Choice& choice) {
  Order static_one = order;
  std::string& need = static_one.need;
  if (need.ends_with(kUsrCapability)) {
    need.resize(need.size() - kUsrCapability.size());
    if (need.ends_with(',')) need.pop_back();
    if (choose(all, static_one, TaskId{}, policy, {}, 1).possible())
      return {Code::refused, "no known node has the program's loader: none shows its /usr (task.host_usr)"};
  }
  const bool closed = choice.lacking(Lack::accept) > 0;
  return {Code::unavailable,
          (closed ? "no known node accepts the task: " : "no known node could ever run it: ") + choice.why()};
}

}  // namespace

// -- nodes

void OrdersActor::look() {
  if (looking_) return;
  looking_ = true;
  looked_.clear();
  looked_sites_ = base::ShareBudget<base::NodeId>(kNodesMax, {.reserve = base::Reserve::none});
  look_ = subscribe<registry::wire::ListNodes, registry::wire::NodeRows>(
      node().find(settings_.registry), kLookIdle, [](registry::wire::ListNodes::Builder) {},
      [this](registry::wire::NodeRows::Reader part) { take(part); },
      [this](const base::Result<void, Error>&) {  // what was found until then counts
        scored_.clear();
        rate_next(std::nullopt);
      });
}

void OrdersActor::take(registry::wire::NodeRows::Reader part) {
  for (const auto row : part.getRows()) {
    auto one = registry::read(row);
    if (!one) continue;
    const base::NodeId id = one->registration.id();
    const base::User<base::NodeId> node{id, settings_.each_node_alone ? registry::group_alone(id) : one->site};
    const bool known = looked_.contains(id);
    if (!known && !looked_sites_.fits(node, 1)) continue;
    if (!known) looked_sites_.hold(node, 1);
    looked_.insert_or_assign(id, std::move(*one));
  }
}

/// Requests this node's scores of them, page by page.
void OrdersActor::rate_next(const std::optional<base::NodeId>& behind) {
  ask<reputation::wire::ListScores, reputation::wire::Scores>(
      node().find(settings_.reputation), now() + kRateDue,
      [&](reputation::wire::ListScores::Builder out) {
        if (behind) out.setBehind(data_of(behind->view()));
      },
      [this, behind](runtime::Answer<reputation::wire::Scores> answer) {
        if (!answer.ok()) return looked();
        std::optional<base::NodeId> last;
        for (const auto row : answer.value().getRows()) {
          last = node_of(row.getNode());
          if (last) scored_.insert_or_assign(*last, reputation::points(static_cast<std::int32_t>(row.getScore())));
        }
        if (answer.value().getMore() && last && (!behind || *behind < *last)) return rate_next(last);
        looked();
      });
}

void OrdersActor::looked() {
  looking_ = false;
  looked_at_ = now();
  nodes_ = std::move(looked_);
  scores_ = std::move(scored_);
  nodes_.erase(settings_.self());  // this node knows itself better
  make_candidates();
  const auto all = candidates();
  for (Parked& one : std::exchange(parked_, {})) {
    if (answer_known(one.order, one.reply)) continue;
    const Choice choice = choose(all, one.order, TaskId{}, policy(), {}, 1);
    if (choice.possible()) accept(std::move(one.order), one.array, std::move(one.reply));
    else one.reply.refuse(misfit(all, one.order, policy(), choice));
  }
  place();
}

Candidate OrdersActor::own() const {
  Candidate out{.node = settings_.self(), .owner = *registry::Owner::from(settings_.identity->public_key().view())};
  constexpr std::uint64_t kCore = 1'000;
  const std::uint64_t cores = (settings_.slots_of(has_).thousandths + kCore - 1) / kCore;
  registry::put(out.capabilities, {"cpu", cores});
  const std::uint64_t memory = settings_.memory_of(has_);
  registry::put(out.capabilities, {"disk", memory});  // a task's files are in memory
  registry::put(out.capabilities, {"memory", memory});
  if (!has_.arch.empty()) registry::put(out.capabilities, {"arch", has_.arch});
  registry::put(out.capabilities, {"runtimes", registry::Texts(has_.runtimes)});
  if (!settings_.slots || settings_.slots->thousandths > 0)
    registry::put(out.capabilities,
                  {std::string(kTasksCapability), Provider().told()});  // its own tasks are always taken
  if (settings_.host_usr) registry::put(out.capabilities, {std::string(kUsrCapability), registry::Flag{}});
  if (!settings_.network.empty()) registry::put(out.capabilities, {std::string(kNetworkCapability), settings_.network});
  out.status = registry::Status::healthy;
  out.reputation = kOwnReputation;
  out.verified = true;
  return out;
}

std::size_t OrdersActor::ahead(const Candidate& node) const {
  return kAheadMin + kAheadEachCore * static_cast<std::size_t>(
                                          std::min<std::uint64_t>(registry::number(node.capabilities, "cpu"), 64));
}

void OrdersActor::make_candidates() {
  candidates_.clear();
  candidates_.reserve(nodes_.size() + 1);
  candidates_.push_back(own());
  for (const auto& [id, listed] : nodes_) {
    const registry::Registration& told = listed.registration;
    Candidate& one = candidates_.emplace_back(Candidate{.node = id, .owner = told.owner, .group = listed.site});
    if (settings_.each_node_alone) one.group = registry::group_alone(id);
    one.capabilities = told.capabilities;
    one.price = told.price;
    one.status = listed.status;
    one.load = listed.beat.load;
    const auto score = scores_.find(id);
    one.reputation = score == scores_.end() ? reputation::points(reputation::kStart) : score->second;
  }
}

std::span<const Candidate> OrdersActor::candidates() {
  const std::uint64_t now_ms = unix_ms();
  auto listed = nodes_.begin();
  for (Candidate& one : candidates_) {
    const auto busy = busy_.find(one.node);
    one.running = busy == busy_.end() ? 0 : busy->second;
    if (&one == &candidates_.front()) continue;
    one.verified = now_ms < listed->second.verified_until_ms;
    ++listed;
  }
  return candidates_;
}

bool OrdersActor::is_free(const Candidate& node) const {
  const auto alone = left_alone_.find(node.node);
  if ((alone != left_alone_.end() && now() < alone->second.until) || node.running >= ahead(node)) return false;
  return !node.price || !pays_again_ || now() >= *pays_again_;
}

void OrdersActor::leave_alone(const base::NodeId& node, base::Duration first, base::Duration asked) {
  Alone& alone = left_alone_[node];
  if (now() >= alone.until) ++alone.in_a_row;  // refusals at the same time count once
  const unsigned doubled = std::min(std::max(alone.in_a_row, 1u) - 1, kLeftAloneDoubled);
  const base::Duration wait = std::min<base::Duration>(first * (1u << doubled), kPaidForNothing);
  alone.until = std::max(alone.until, now() + std::clamp<base::Duration>(asked, wait, kLeftAloneMost));
}

Free OrdersActor::free_nodes() {
  Free out;
  const Policy by = policy();
  candidates();
  for (Candidate& one : candidates_)
    if (is_free(one)) out.add(one, by);
  return out;
}

// -- choices

void OrdersActor::place() {
  if (!ready_ || open_.empty() || placing_) return;
  const base::Duration period = await_verified_ ? base::Duration(kLookSoon) : base::Duration(kLookPeriod);
  if (!looking_ && (!looked_at_ || now() >= *looked_at_ + period)) look();
  static_assert(kLooksMax > (1 + kChoicesEach) * (kNodesMax + 1), "at least one task is placed between two ticks");
  if (looks_left_ < candidates_.size()) return;
  looks_left_ -= candidates_.size();
  placing_ = true;
  Free free = free_nodes();
  if (!place_from_) await_verified_ = false;
  const auto from = place_from_ ? open_.lower_bound(*place_from_) : open_.begin();
  place_from_.reset();
  std::vector<Rank> wanting;
  for (auto at = from; at != open_.end(); ++at) {
    const Job& job = jobs_.at(std::get<TaskId>(*at));
    if (job.written && turn_of(job) == Turn::now && job.entry.task.wanted(unix_ms()) > 0) wanting.push_back(*at);
  }
  for (const Rank& rank : wanting) {
    if (free.empty()) break;
    if (looks_left_ < kChoicesEach * free.nodes.size()) {
      place_from_ = rank;
      break;
    }
    place(std::get<TaskId>(rank), free);
  }
  placing_ = false;
}

void OrdersActor::place(const TaskId& id, Free& free) {
  Task& task = jobs_.at(id).entry.task;
  const Order& order = jobs_.at(id).entry.order;
  const std::size_t wanted = task.wanted(unix_ms());
  const auto later = [this](const std::optional<base::Instant>& at) { return at && now() < *at; };
  if (later(jobs_.at(id).placed_again)) return;  // the reason is already set
  const Policy by = policy(jobs_.at(id));
  const auto& held_until = jobs_.at(id).held_until;
  if (held_until && now() < *held_until)
    return task.waits_for("the lease of a lost attempt may not have ended, and the task talks to hosts");
  const auto away_from = [&](Task::Away away) {
    looks_left_ -= free.nodes.size();
    return choose(free, order, id, by, task.apart(away), wanted, jobs_.at(id).declined);
  };
  const bool any = !task.attempts().empty();
  Choice choice = away_from(Task::Away::sites);
  for (const Task::Away away : {Task::Away::nodes, Task::Away::none})
    if (choice.best.empty() && any) choice = away_from(away);
  // If nothing could be paid, that reason says more than that nodes are left alone.
  if (choice.best.empty() && !later(pays_again_) && !later(jobs_.at(id).pays_again)) {
    const std::string& why = jobs_.at(id).declined_why;
    task.waits_for(choice.why() + (why.empty() ? "" : "; a node did not take it: " + why));
  }
  const bool new_here = unix_ms() < task.submitted_ms() + kSoonMs;
  await_verified_ = await_verified_ || (new_here && choice.best.empty() && choice.lacking(Lack::verified) > 0);
  auto& chosen = choice.best;
  if (!chosen.empty() && task.may_believe() && believed(chosen.front()->node)) {
    task.believe();
    chosen.resize(1);
  }
  for (const Candidate* const one : chosen) {
    begin(id, *one);
    const auto at = std::ranges::find(free.nodes, one);
    ++(*at)->running;
    if (one->running >= ahead(*one)) free.nodes.erase(at);
  }
}

void OrdersActor::begin(const TaskId& id, const Candidate& at) {
  Job& job = jobs_.at(id);
  const std::uint64_t token = starts_ << 32 | ++tokens_;
  if (!job.entry.task.place(token, at, unix_ms())) return;
  Running& one = job.running[token];
  one.node = at.node;
  one.left = job.entry.order.limits.disk_bytes;
  ++busy_[at.node];
  const std::uint64_t price = cost(at, job.entry.order).value_or(0);
  if (price == 0) return run(id, token, std::nullopt);
  if (std::exchange(job.entry.debt, Debt::owed) == Debt::owed) return reserve(id, token, at, price);
  // Saved first, so that the escrow is settled after a crash, whatever happened to this attempt.
  save(id, [this, id, token, at, price](const base::Outcome<void>& saved) {
    if (find(id, token) == nullptr) return;
    if (saved.ok()) return reserve(id, token, at, price);
    jobs_.at(id).entry.task.turned_away(token, "the payment of a node could not be recorded");
    changed(id);
  });
}

/// A node with a price is asked once the price is in the task's escrow.
void OrdersActor::reserve(const TaskId& id, std::uint64_t token, const Candidate& at, std::uint64_t price) {
  const auto listed = nodes_.find(at.node);
  if (listed == nodes_.end())
    return not_reserved(id, token, {Settlement::Trouble::escrow, {Code::not_found, "its node is no longer listed"}});
  const Job& job = jobs_.at(id);
  const auto due = std::min<std::uint64_t>(base::milliseconds(job.entry.order.limits.time + settings_.pay_margin),
                                           escrow::kDueMax.count() - 60'000);
  const Settlement::Attempt attempt{.task = id,
                                    .token = token,
                                    .provider = wallet::address_of(listed->second.registration.key),
                                    .pay_to = payee_of(listed->second.registration),
                                    .price = wallet::Amount::of(price),
                                    .due = wallet::UnixMs(unix_ms() + due)};
  settlement_.reserve(attempt, job.entry.order,
                      [this, id, token, node = at.node, order = job.entry.signed_order](
                          const base::Result<escrow::TaskEscrowId, Settlement::NotReserved>& reserved) {
                        if (!reserved.ok()) return not_reserved(id, token, reserved.error());
                        if (find(id, token) != nullptr) return run(id, token, reserved.value());
                        give_back(node, order, token, reserved.value());
                        owe_again(id);
                      });
}

/// A payment may fail because of the node, such as an account that no payment reaches. So other nodes come first.
void OrdersActor::not_reserved(const TaskId& id, std::uint64_t token, const Settlement::NotReserved& why) {
  if (find(id, token) == nullptr) return;
  Job& job = jobs_.at(id);
  if (why.trouble == Settlement::Trouble::escrow) {
    const Attempt& attempt = *job.entry.task.find(token);
    job.declined.add(attempt.node, attempt.group);
  }
  auto& again = why.trouble == Settlement::Trouble::account ? pays_again_ : job.pays_again;
  again = std::max(again.value_or(now()), now() + kLeftAlone);
  job.entry.task.turned_away(token, "a node could not be paid: " + why.why.message);
  changed(id);
}

void OrdersActor::paid_for_nothing(Job& job) {
  if (++job.for_nothing < 2) return;
  job.pays_again = now() + kLeftAlone * (1u << std::min(job.for_nothing - 2, kForNothingDoubled));
}

/// The task has ended in between: its node is asked without waiting, so that it resigns.
void OrdersActor::give_back(const base::NodeId& node, const Bytes& order, std::uint64_t token,
                            const escrow::TaskEscrowId& paid_by) {
  subscribe<wire::RunAttempt, wire::AttemptItem>(
      worker_at(node), settings_.lease,
      [&](wire::RunAttempt::Builder out) {
        out.setOrder(data_of(order));
        out.setToken(token);
        out.setEscrow(data_of(paid_by.view()));
      },
      [](wire::AttemptItem::Reader) {}, [](const base::Outcome<void>&) {})
      .cancel();
}

/// Settles again an escrow that was settled before this attempt was engaged.
void OrdersActor::owe_again(const TaskId& id) {
  const auto job = jobs_.find(id);
  if (job == jobs_.end() || !final(job->second.durable.state())) return;
  job->second.entry.debt = Debt::owed;
  settle_if_owing(id);
}

runtime::Handle OrdersActor::worker_at(const base::NodeId& node_id) {
  if (node_id == settings_.self()) return node().find(kPath);
  const auto listed = nodes_.find(node_id);
  if (listed == nodes_.end()) return {};
  const auto& told = listed->second.registration;
  return node().remote(base::Contact{told.key, told.nonce, told.at}, kPath);
}

void OrdersActor::run(const TaskId& id, std::uint64_t token, const std::optional<escrow::TaskEscrowId>& paid_by) {
  Job& job = jobs_.at(id);
  Running& one = job.running.at(token);
  one.paid = paid_by.has_value();
  const Order& order = job.entry.order;
  const bool fetches = order.standard_input || order.root || !order.inputs.empty();
  one.moves_at = now() + (fetches ? kFetchMax : kWaitMax) * (1u << std::min(job.moves, kMovesDoubled));
  one.stream = subscribe<wire::RunAttempt, wire::AttemptItem>(
      worker_at(one.node), settings_.lease,
      [&](wire::RunAttempt::Builder out) {
        out.setOrder(data_of(job.entry.signed_order));
        out.setToken(token);
        if (paid_by) out.setEscrow(data_of(paid_by->view()));
        out.setLeaseMs(static_cast<std::uint32_t>(base::milliseconds(lease_within(settings_.lease))));
      },
      [this, id, token](wire::AttemptItem::Reader item) { hear(id, token, item); },
      [this, id, token](const base::Outcome<void>& end) { stream_ended(id, token, end); });
}

/// Settles the escrow once the end of the task is durable.
void OrdersActor::settle_if_owing(const TaskId& id) {
  const auto job = jobs_.find(id);
  if (job == jobs_.end() || job->second.entry.debt != Debt::owed || owing_.contains(id)) return;
  if (final(job->second.durable.state())) settle(id);
}

/// Settles the escrow of an ended task: right results are paid now. Retries until the escrow responds.
void OrdersActor::settle(const TaskId& id) {
  const Job& job = jobs_.at(id);
  owing_[id].again.reset();
  std::vector<std::uint64_t> accepted;
  for (const Attempt& one : job.told().attempts())
    if (one.verdict == Verdict::right) accepted.push_back(one.token);
  std::ranges::sort(accepted);
  settlement_.settle(id, job.entry.order, std::move(accepted), [this, id](const base::Outcome<void>& done) {
    const auto known = jobs_.find(id);
    if (known == jobs_.end()) return static_cast<void>(owing_.erase(id));
    Owing& owing = owing_[id];
    const bool unknown = !done.ok() && done.error().code == Code::not_found && ++owing.unknown >= kUnknownToBookMax;
    if (done.ok() || unknown) {
      owing_.erase(id);
      known->second.entry.debt = Debt::settled;
      save(id, [](const base::Outcome<void>&) {});
    } else {
      owing.again = now() + kSettleAgain;
    }
    arm();
  });
}

// -- time

/// Schedules a tick once; repeated calls do not delay it.
void OrdersActor::arm() {
  if (armed_) return;
  const bool grow = std::ranges::any_of(arrays_, [](const auto& one) { return one.second.array.grows(); });
  armed_ = !open_.empty() || !unsaved_.empty() || !owing_.empty() || grow;
  if (armed_) after<Tick>(kTickPeriod);
}

/// Returns whether the task that it follows lets it begin.
OrdersActor::Turn OrdersActor::turn_of(const Job& job) const {
  if (!job.entry.order.after || job.entry.task.state() != State::queued) return Turn::now;
  if (const auto array = arrays_.find(*job.entry.order.after); array != arrays_.end()) return turn_after(array->second);
  const auto other = jobs_.find(*job.entry.order.after);
  if (other == jobs_.end()) return Turn::never;
  const State state = other->second.told().state();
  if (!final(state)) return Turn::later;
  return state == State::done ? Turn::now : Turn::never;
}

bool OrdersActor::tick(Job& job) {
  Task& task = job.entry.task;
  const Turn turn = turn_of(job);
  if (turn == Turn::now) return task.tick(unix_ms());
  const TaskId& after = *job.entry.order.after;
  const bool array = arrays_.contains(after);
  const std::string other = (array ? "the array " : "the task ") + after.hex() + ", which it follows, ";
  if (turn == Turn::later) {
    task.held(other + "has not ended", unix_ms());
    return false;
  }
  const auto known = jobs_.find(after);
  const std::string why = array                  ? "has members that are not done"
                          : known != jobs_.end() ? "is " + std::string(name(known->second.told().state()))
                                                 : "is no longer known";
  return task.cancel(other + why, unix_ms());
}

/// A node may let a task wait forever, so the task moves to a free node if there is one. Each move doubles the next
/// wait, so that a busy cluster does not pass its tasks around.
void OrdersActor::move_waiting() {
  std::vector<std::pair<TaskId, std::uint64_t>> waiting;
  for (const auto& [priority, since, id] : open_)
    for (auto& [token, one] : jobs_.at(id).running)
      if (now() >= one.moves_at && waiting.size() < kMovesAtOnce &&
          jobs_.at(id).entry.task.find(token)->state == AttemptState::starting) {
        one.moves_at = now() + kWaitMax;
        waiting.emplace_back(id, token);
      }
  if (waiting.empty()) return;
  Free free = free_nodes();
  for (const auto& [id, token] : waiting) {
    if (find(id, token) == nullptr) continue;
    Job& job = jobs_.at(id);
    if (job.held_until && now() < *job.held_until) continue;                             // it could not be placed
    std::erase_if(free.nodes, [this](const Candidate* one) { return !is_free(*one); });  // fewer after each move
    const Running& one = job.running.at(token);
    Task moved = job.entry.task;
    moved.turned_away(token, {});
    Apart apart = moved.apart(Task::Away::nodes);
    apart.tried.insert(one.node);
    if (choose(free, job.entry.order, id, policy(job), apart, 1).best.empty()) continue;
    if (one.paid) paid_for_nothing(job);
    leave_alone(one.node, one.paid ? base::Duration(kPaidForNothing) : base::Duration(kLeftAlone));
    job.declined.add(one.node, job.entry.task.find(token)->group);
    ++job.moves;
    job.entry.task.turned_away(token, "a node let it wait while another node was free");
    world().mutations.sometimes("task: one that waited at a node went to another");
    changed(id);
  }
}

void OrdersActor::save_gathered() {
  std::vector<std::pair<TaskId, std::uint64_t>> all;
  for (const auto& [priority, since, id] : open_)
    for (const auto& [token, one] : jobs_.at(id).running)
      if (!one.gathered[0].empty() || !one.gathered[1].empty()) all.emplace_back(id, token);
  for (const auto& [id, token] : all) save_gathered(id, token);
}

void OrdersActor::tick() {
  armed_ = false;
  looks_left_ = kLooksMax;
  save_gathered();
  end_late();
  std::vector<TaskId> ticked;
  for (const auto& [priority, since, id] : open_)
    if (tick(jobs_.at(id))) ticked.push_back(id);
  for (const TaskId& id : ticked) changed(id);
  for (const TaskId& id : std::exchange(unsaved_, {}))
    save(id, [this, id](const base::Outcome<void>&) {
      read_of(id);
      settle_if_owing(id);
    });
  for (auto at = arrays_.begin(); at != arrays_.end();) {
    const TaskId id = at->first;
    make_members(id);
    at = arrays_.upper_bound(id);
  }
  std::erase_if(left_alone_, [this](const auto& one) { return one.second.until + kDeclinedFor <= now(); });
  std::vector<TaskId> owing;
  for (const auto& [id, one] : owing_)
    if (one.again && *one.again <= now()) owing.push_back(id);
  for (const TaskId& id : owing) settle(id);
  place();
  move_waiting();
  arm();
}

}  // namespace troupe::task
