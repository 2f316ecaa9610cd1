#include "actors/escrow/task_escrows_actor.hpp"

#include <algorithm>

#include "actors/escrow/words.hpp"
#include "messages/words.hpp"

namespace troupe::escrow {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

constexpr std::chrono::minutes kTasksLookEvery{1};         // our choice
constexpr std::chrono::milliseconds kTasksOpenAgain{500};  // our choice
constexpr const char* kIdIs = "the id of an escrow has 32 bytes";

}  // namespace

TaskEscrowsActor::TaskEscrowsActor(TaskEscrowSetup setup)
    : setup_(std::move(setup)),
      storage_(*this, setup_.place, kTaskKeyspace, setup_.term),
      escrows_(
          *this, kAwakeMax,
          {.begin =
               [this](const std::string& name) {
                 const runtime::Handle actor = spawn<TaskEscrowActor>(name, setup_, *TaskEscrowId::from_hex(name));
                 watch(actor);
                 return actor;
               },
           .end = [this](const runtime::Handle& actor) { stop_child(actor); },
           .may_end = [this](const std::string& name) { return !open_.contains(*TaskEscrowId::from_hex(name)); }}) {}

void TaskEscrowsActor::receive(runtime::Handlers& on) {
  on.tell<wire::TaskEscrowIdle>([this](wire::TaskEscrowIdle::Reader told) {
    const auto id = TaskEscrowId::from(bytes_of(told.getEscrow()));
    if (!id) return;
    escrows_.sleepy(id->hex());
    // Something else may have been asked of it meanwhile.
    const auto at = escrows_.ends(id->hex()) ? open_.find(*id) : open_.end();
    if (at == open_.end()) return;
    if (const auto of = of_buyer_.find(at->second); --of->second == 0) of_buyer_.erase(of);
    open_.erase(at);
  });
  on.timer<Again>([this] { take(); });
  on.timer<Look>([this] {
    // One that could not be begun is begun now.
    for (const auto& [id, buyer] : open_) wake(id);
    after<Look>(kTasksLookEvery);
  });
  on.other([this](const runtime::Envelope& question, runtime::AnyReply reply) {
    if (ready_) return serve(question, std::move(reply));
    if (early_.size() >= kEarlyMax)
      return reply.refuse({Code::overloaded, "the escrows are being read: try again in a moment"});
    early_.emplace_back(question, std::move(reply));
  });
  on.describe<wire::TaskEscrowsState>([this](wire::TaskEscrowsState::Builder state) {
    state.setAwake(static_cast<std::uint32_t>(escrows_.awake()));
    state.setOpen(size32(open_));
  });
}

/// What waits for something goes on, whatever ended its actor.
void TaskEscrowsActor::down(const runtime::Handle& ended, const std::optional<Error>&) {
  const auto name = escrows_.down(ended);
  const auto id = name ? TaskEscrowId::from_hex(*name) : std::nullopt;
  if (id && open_.contains(*id)) wake(*id);
}

// -- opening

void TaskEscrowsActor::take() {
  storage_.take([this](const base::Outcome<void>& taken) {
    if (!taken.ok()) return after<Again>(kTasksOpenAgain);
    open_.clear();
    of_buyer_.clear();
    find_open();
  });
}

void TaskEscrowsActor::find_open() {
  storage_.each(
      {static_cast<std::uint8_t>('u')}, {},
      [this](const durable::Storage::Row& row) -> std::optional<base::Error> {
        const auto id = TaskEscrowId::from(base::ByteView(row.key).subspan(1));
        const auto buyer = Address::from(row.value);
        if (id && buyer && open_.emplace(*id, *buyer).second) ++of_buyer_[*buyer];
        return std::nullopt;
      },
      [this](const base::Outcome<void>& done) {
        if (!done.ok()) return after<Again>(kTasksOpenAgain);
        ready_ = true;
        after<Look>(kTasksLookEvery);
        for (const auto& [id, buyer] : open_) wake(id);
        for (auto& [question, reply] : std::exchange(early_, {})) serve(question, std::move(reply));
      });
}

void TaskEscrowsActor::wake(const TaskEscrowId& id) {
  escrows_.ask(id.hex(), {runtime::Envelope::build<wire::GetTaskEscrow>(
                              {}, [&](wire::GetTaskEscrow::Builder out) { out.setEscrow(data_of(id.view())); }),
                          {}});
}

// -- questions

void TaskEscrowsActor::serve(const runtime::Envelope& question, runtime::AnyReply reply) {
  try {
    if (question.kind() == &messages::kind_of<wire::TakeTaskAct>()) return act(question, std::move(reply));
    if (question.kind() == &messages::kind_of<wire::GetTaskEscrow>()) {
      runtime::Envelope::Reading<wire::GetTaskEscrow> reading(question);
      const auto id = TaskEscrowId::from(bytes_of(reading.root().getEscrow()));
      if (!id) return reply.refuse({Code::malformed, kIdIs});
      return escrows_.ask(id->hex(), {question, std::move(reply)});
    }
  } catch (const kj::Exception&) {
    return reply.refuse({Code::malformed, "the question cannot be read"});
  }
  reply.refuse({Code::unsupported, "this is not asked of escrows of tasks"});
}

void TaskEscrowsActor::act(const runtime::Envelope& question, runtime::AnyReply reply) {
  runtime::Envelope::Reading<wire::TakeTaskAct> reading(question);
  const auto given = read_task_act(reading.root().getAct());
  if (!given.ok()) return reply.refuse(given.error());
  const TaskAct& act = given.value();
  if (const auto why = crowded(act.escrow, act)) return reply.refuse(*why);
  if (std::holds_alternative<Engage>(act.what) && open_.emplace(act.escrow, act.by).second) ++of_buyer_[act.by];
  escrows_.ask(act.escrow.hex(), {question, std::move(reply)});
}

/// One that has nothing durable goes to sleep and says so: then it does not count any more.
std::optional<Error> TaskEscrowsActor::crowded(const TaskEscrowId& id, const TaskAct& act) const {
  if (!std::holds_alternative<Engage>(act.what) || open_.contains(id)) return std::nullopt;
  const auto of = of_buyer_.find(act.by);
  if (open_.size() < kOpenMax && (of == of_buyer_.end() || of->second < kOpenOfBuyer)) return std::nullopt;
  return Error{Code::overloaded, "as many escrows of tasks are open as may be: of this account, or in all",
               std::chrono::seconds(10)};
}

}  // namespace troupe::escrow
