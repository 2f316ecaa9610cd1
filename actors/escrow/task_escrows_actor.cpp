#include "actors/escrow/task_escrows_actor.hpp"

#include <algorithm>

#include "actors/escrow/codec.hpp"
#include "messages/codec.hpp"
#include "runtime/actor/user.hpp"

namespace troupe::escrow {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

constexpr std::chrono::minutes kTasksLookEvery{1};         // our choice
constexpr std::chrono::milliseconds kTasksOpenAgain{500};  // our choice
constexpr const char* kIdIs = "invalid escrow id: expected 32 bytes";

}  // namespace

TaskEscrowsActor::TaskEscrowsActor(TaskEscrowSetup setup)
    : setup_(std::move(setup)),
      storage_(*this, setup_.place, kTaskKeyspace, setup_.term),
      escrows_(*this, kAwakeMax,
               {.begin =
                    [this](const std::string& name) {
                      const runtime::Handle actor = spawn<TaskEscrowActor>(name, setup_, *TaskEscrowId::from_hex(name));
                      watch(actor);
                      return actor;
                    },
                .end = [this](const runtime::Handle& actor) { stop_child(actor); },
                .may_end = [this](const std::string& name) { return !open_.has(*TaskEscrowId::from_hex(name)); }}) {}

void TaskEscrowsActor::receive(runtime::Handlers& on) {
  on.tell<wire::TaskEscrowIdle>([this](wire::TaskEscrowIdle::Reader told) {
    const auto id = TaskEscrowId::from(bytes_of(told.getEscrow()));
    if (!id) return;
    escrows_.sleepy(id->hex());
    // It may have new requests.
    if (escrows_.ends(id->hex())) open_.release(*id);
  });
  on.timer<Again>([this] { take(); });
  on.timer<Look>([this] {
    // Starts actors that could not be started before.
    for (const auto& [id, buyer] : open_.holders()) wake(id);
    after<Look>(kTasksLookEvery);
  });
  on.other([this](const runtime::Envelope& question, runtime::AnyReply reply) {
    Question asked{question, std::move(reply), caller()};
    if (ready_) return serve(std::move(asked));
    if (early_.size() >= kEarlyMax)
      return asked.reply.refuse({Code::overloaded, "the escrows are being read: try again"});
    early_.push_back(std::move(asked));
  });
  on.describe<wire::TaskEscrowsState>([this](wire::TaskEscrowsState::Builder state) {
    state.setAwake(static_cast<std::uint32_t>(escrows_.awake()));
    state.setOpen(static_cast<std::uint32_t>(open_.size()));
  });
}

/// Restarts an escrow that waits for something, whatever ended its actor.
void TaskEscrowsActor::down(const runtime::Handle& ended, const std::optional<Error>&) {
  const auto name = escrows_.down(ended);
  const auto id = name ? TaskEscrowId::from_hex(*name) : std::nullopt;
  if (id && open_.has(*id)) wake(*id);
}

// -- opening

void TaskEscrowsActor::take() {
  storage_.take([this](const base::Outcome<void>& taken) {
    if (!taken.ok()) return after<Again>(kTasksOpenAgain);
    open_ = base::SharePlaces<TaskEscrowId, Address>(kOpenMax);
    find_open();
  });
}

void TaskEscrowsActor::find_open() {
  storage_.each(
      {static_cast<std::uint8_t>('u')}, {},
      [this](const durable::Storage::Row& row) -> std::optional<base::Error> {
        const auto id = TaskEscrowId::from(base::ByteView(row.key).subspan(1));
        const auto buyer = Address::from(row.value);
        if (id && buyer) open_.hold(*id, {.id = *buyer});  // its caller is unknown
        return std::nullopt;
      },
      [this](const base::Outcome<void>& done) {
        if (!done.ok()) return after<Again>(kTasksOpenAgain);
        ready_ = true;
        after<Look>(kTasksLookEvery);
        for (const auto& [id, buyer] : open_.holders()) wake(id);
        for (Question& question : std::exchange(early_, {})) serve(std::move(question));
      });
}

void TaskEscrowsActor::wake(const TaskEscrowId& id) {
  escrows_.ask(id.hex(), {runtime::Envelope::build<wire::GetTaskEscrow>(
                              {.due = now() + kTasksLookEvery},
                              [&](wire::GetTaskEscrow::Builder out) { out.setEscrow(data_of(id.view())); }),
                          {}});
}

// -- requests

void TaskEscrowsActor::serve(Question question) {
  try {
    if (question.envelope.kind() == &messages::kind_of<wire::TakeTaskAct>()) return act(std::move(question));
    if (question.envelope.kind() == &messages::kind_of<wire::GetTaskEscrow>()) {
      runtime::Envelope::Reading<wire::GetTaskEscrow> reading(question.envelope);
      const auto id = TaskEscrowId::from(bytes_of(reading.root().getEscrow()));
      if (!id) return question.reply.refuse({Code::malformed, kIdIs});
      return escrows_.ask(id->hex(), {question.envelope, std::move(question.reply)});
    }
  } catch (const kj::Exception&) {
    return question.reply.refuse({Code::malformed, "the request cannot be decoded"});
  }
  question.reply.refuse({Code::unsupported, "escrows of tasks do not support this request"});
}

void TaskEscrowsActor::act(Question question) {
  runtime::Envelope::Reading<wire::TakeTaskAct> reading(question.envelope);
  const auto given = read_task_act(reading.root().getAct());
  if (!given.ok()) return question.reply.refuse(given.error());
  const TaskAct& act = given.value();
  if (std::holds_alternative<Engage>(act.what) && !open_.has(act.escrow)) {
    const auto by = runtime::user_of(question.from, act.by);
    if (!open_.fits(by))
      return question.reply.refuse(
          {Code::overloaded, "too many open escrows of tasks, in all, of this account, or from this caller's network",
           std::chrono::seconds(10)});
    if (const auto wait = by.reserved ? std::nullopt : opened_.take(by, now()))
      return question.reply.refuse(
          {Code::overloaded, "the limit of escrows of tasks opened by other nodes is reached",
           std::chrono::ceil<std::chrono::milliseconds>(std::min<base::Duration>(*wait, std::chrono::seconds(10)))});
    open_.hold(act.escrow, by);  // an escrow without a durable row goes to sleep and reports that
  }
  escrows_.ask(act.escrow.hex(), {question.envelope, std::move(question.reply), {}, question.from});
}

}  // namespace troupe::escrow
