#include "actors/registry/registry_actor.hpp"

#include "actors/registry/list_actor.hpp"
#include "messages/codec.hpp"
#include "messages/runtime.capnp.h"
#include "runtime/crypto/hash.hpp"
#include "runtime/observe/describe_counters.hpp"

namespace troupe::registry {

using base::Code;

RegistryActor::RegistryActor(RegistrySettings settings)
    : settings_(std::move(settings)),
      rows_(*this, settings_.rows(kRows, "the registry of nodes")),
      history_(*this,
               [this] {
                 auto out = settings_.rows(kHistoryRows, "the history of nodes");
                 out.first = {0xff};  // nothing is loaded at the start: rows are read on demand
                 return out;
               }()),
      followers_(*this),
      watched_(settings_.watched),
      budget_({settings_.beats_per_second, settings_.beats_per_second}, base::Instant{}),
      registrations_(kRegistrations, base::Instant{}),
      reads_(kHistoryReads, base::Instant{}),
      lists_(kListedKiB, base::Instant{}) {}

void RegistryActor::receive(runtime::Handlers& on) {
  on.ask<wire::Beat, wire::BeatNoted>([this](wire::Beat::Reader told, auto reply) { heard(told, std::move(reply)); });
  on.ask<wire::OfferRegistration, wire::BeatNoted>(
      [this](wire::OfferRegistration::Reader told, auto reply) { offered(told, std::move(reply)); });
  on.ask<wire::HandVouch, wire::VouchTaken>(
      [this](wire::HandVouch::Reader handed, auto reply) { vouched(handed, std::move(reply)); });
  on.ask<wire::PullBeat, wire::PulledBeat>([this](wire::PullBeat::Reader question, auto reply) {
    if (beat_bytes_.empty()) return reply.refuse({Code::unavailable, "this node has not made a heartbeat yet"});
    reply.send([&](wire::PulledBeat::Builder out) {
      out.setHeartbeat(data_of(beat_bytes_));
      if (question.getRegistration() < registration_.sequence) out.setRegistration(data_of(own_.registration));
    });
  });
  on.ask<wire::ListWatched, wire::WatchedPage>(
      [this](wire::ListWatched::Reader question, auto reply) { list(question, std::move(reply)); });
  on.ask<wire::GetHistory, wire::History>(
      [this](wire::GetHistory::Reader question, auto reply) { get_history(question, std::move(reply)); });
  on.ask<wire::GetUptime, wire::UptimeIs>(
      [this](wire::GetUptime::Reader question, auto reply) { get_uptime(question, std::move(reply)); });
  on.ask<wire::Register, wire::Registered>([this](wire::Register::Reader request, auto reply) {
    base::FieldReader from(bytes_of(request.getCapabilities()));
    const Capabilities added = read_capabilities(from);
    if (!from.ended()) return reply.refuse({Code::malformed, "malformed capabilities"});
    const std::uint64_t price = request.getPrice();
    base::Bytes content(bytes_of(request.getCapabilities()).begin(), bytes_of(request.getCapabilities()).end());
    base::append_number(content, price);
    const auto pay_to = Payee::from(bytes_of(request.getPayTo()));
    if (!pay_to && request.getPayTo().size() > 0)
      return reply.refuse({Code::malformed, "invalid account address: expected 32 bytes"});
    base::append(content, pay_to.value_or(Payee{}).view());
    set_own(
        text_of(request.getRequest()), crypto::sha256(content),
        [&](Own& own) {
          own.registered = true;
          if (price > 0) own.price = price;
          if (pay_to) own.pay_to = *pay_to;
          for (const Capability& one : added) put(own.set, one);
        },
        std::move(reply));
  });
  on.ask<wire::Unregister, wire::Registered>([this](wire::Unregister::Reader request, auto reply) {
    set_own(
        text_of(request.getRequest()), crypto::sha256(base::as_bytes("unregister")),
        [](Own& own) { own.registered = false; }, std::move(reply));
  });
  on.ask<wire::GetOwnRegistration, wire::Registered>([this](auto, auto reply) {
    if (own_.registration.empty()) return reply.refuse({Code::unavailable, "this node has not registered itself yet"});
    answer(reply);
  });
  on.tell<wire::MeasuredOf>([this](wire::MeasuredOf::Reader told) {
    base::FieldReader from(bytes_of(told.getCapabilities()));
    Capabilities all = read_capabilities(from);
    if (from.ended()) measured(text_of(told.getDomain()), std::move(all));
  });
  on.ask<runtime::wire::AwaitReady, messages::wire::Nothing>(
      [this](auto, Nothing reply) { tell_ready(std::move(reply)); });
  followers_.receive(on);
  rows_.receive<RowsAgain>(on);
  history_.receive<HistoryAgain>(on);
  on.timer<Pulse>([this] { pulse(); });
  on.timer<Late>([this] { look_at_late(); });
  on.timer<Tidy>([this] { tidy(); });
  on.timer<Seek>([this] {
    if (!beat_bytes_.empty()) find_watchers();
  });
  on.describe<wire::RegistryState>([this](wire::RegistryState::Builder state) {
    state.setRegistered(ready_ && own_.registered);
    state.setSequence(registration_.sequence);
    observe::describe(table_of(*settings_.counters), state);
  });
}

void RegistryActor::start() {
  node()
      .publish<wire::Register, wire::Unregister, wire::Beat, wire::OfferRegistration, wire::PullBeat, wire::ListWatched,
               wire::GetHistory, wire::GetUptime, wire::HandVouch>(kPath, self());
  spawn<ListActor>("list", settings_);
  if (!settings_.active) return;
  started_ = now();
  rows_.load([this](base::ByteView key, base::ByteView value) { return restore(key, value); },
             [this](const base::Outcome<void>&) { loaded(); });
  history_.load([](base::ByteView, base::ByteView) { return store::Use::keep; }, [](const base::Outcome<void>&) {});
}

void RegistryActor::stop() {
  if (!ready_) return;
  std::vector<base::NodeId> all;
  for (const auto& [id, heard] : heard_) all.push_back(id);
  for (const base::NodeId& id : all) {
    flush(id, true);
    save(id, true);
  }
  save_own();
  history_.stop();
  rows_.stop();
}

void RegistryActor::check() const {
  rows_.check();
  history_.check();
  for (const auto& [id, heard] : heard_) {
    const Watch* const watch = watched_.find(id);
    base::ensure(watch == nullptr || heard.group == watch->user.group, "each history is listed in its node's group");
  }
  std::size_t places = 0;
  for (const auto& [group, all] : heard_by_group_) places += all.size();
  base::ensure(heard_.size() == places, "each history is listed once");
  base::ensure(heard_.size() <= kHistoriesMax, "at most kHistoriesMax histories are kept");
  base::ensure(pulling_ <= kPullsMax, "at most kPullsMax pulls are in progress");
}

}  // namespace troupe::registry
