#include "actors/inspect/inspect_actor.hpp"

#include <algorithm>

#include "actors/inspect/row_of.hpp"
#include "messages/codec.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/base/whole_units.hpp"

namespace troupe::inspect {
namespace {

using base::Code;
using base::Error;

Error wrong_filter(std::string_view filter, const observe::Mistake& mistake) {
  return {Code::malformed, told("the filter", filter, mistake)};
}

std::size_t limit_of(std::uint32_t asked) { return std::min(asked == 0 ? kRowsDefault : asked, kRowsMax); }

// Size limit of ActorRows: its kind's limit less the warnings; and the size of a row without its two paths.
constexpr std::size_t kRowsBytesMax = (4u << 20) - (128u << 10);
constexpr std::size_t kRowBytes = 320;

constexpr std::size_t kSurveyStep = 256;  // our choice: actors per step of a walk

}  // namespace

/// Closes all taps in any case: an open tap would cost time at each message, and a slot.
InspectActor::~InspectActor() {
  for (const Followed& one : followed_) node().taps().close(one.tap);
}

void InspectActor::receive(runtime::Handlers& on) {
  on.ask<wire::ListActors, wire::ActorRows>(
      [this](wire::ListActors::Reader question, runtime::Reply<wire::ActorRows> reply) {
        list(question, std::move(reply));
      });
  on.ask<wire::ListEnded, wire::EndedRows>(
      [this](wire::ListEnded::Reader question, runtime::Reply<wire::EndedRows> reply) {
        list_ended(question, std::move(reply));
      });
  on.ask<wire::LookAt, wire::Looked>([this](wire::LookAt::Reader question, runtime::Reply<wire::Looked> reply) {
    look_at(question, std::move(reply));
  });
  on.stream<wire::FollowMessages, wire::FollowItem>(
      [this](wire::FollowMessages::Reader question, runtime::Sink<wire::FollowItem> sink) {
        follow(question, std::move(sink));
      });
  on.ask<wire::ActOn, messages::wire::Nothing>(
      [this](wire::ActOn::Reader order, runtime::Reply<messages::wire::Nothing> reply) {
        act_on(order, std::move(reply));
      });
  on.stream<wire::PauseActor, wire::PauseItem>(
      [this](wire::PauseActor::Reader order, runtime::Sink<wire::PauseItem> sink) { pause(order, std::move(sink)); });
  on.timer<PauseDue>([this] { look_after_pauses(); });
  on.timer<SurveyDue>([this] { begin_survey(); });
  on.timer<Stirred>([this] { survey_later(); });
  on.timer<NextSlice>([this] { next_slice(); });
  on.timer<Follow>([this] { pump(); });
  on.describe<wire::InspectState>([this](wire::InspectState::Builder out) {
    out.setSurveys(surveys_);
    out.setSurveyUs(base::milliseconds(survey_took_) * 1'000);
    out.setFollowing(static_cast<std::uint32_t>(followed_.size()));
    out.setWaiting(static_cast<std::uint32_t>(lists_.size()));
    out.setLensBytes(node().recent_pool().bytes());
  });
}

void InspectActor::start() {
  for (std::size_t i = 0; setup_.health != nullptr && i < kWarnings; ++i)
    setup_.health->clear(name(static_cast<Warning>(i)));
  node().publish<wire::ListActors, wire::ListEnded, wire::LookAt, wire::FollowMessages, wire::ActOn, wire::PauseActor>(
      kPath, self());
  after<SurveyDue>(setup_.period);
}

void InspectActor::stop() {
  for (Followed& one : followed_) end(one, "the node is stopping");
}

void InspectActor::check() const {
  base::ensure(lists_.size() <= kWaitingMax, "lists that wait are limited");
  base::ensure(followed_.size() <= runtime::kTapsMax, "streams of messages are limited");
}

// -- lists -----------------------------------------------------------------------------------------------------------

void InspectActor::list(wire::ListActors::Reader question, runtime::Reply<wire::ActorRows> reply) {
  if (lists_.size() >= kWaitingMax)
    return reply.refuse(
        {Code::overloaded, "too many lists of actors in progress (limit 16)", std::chrono::milliseconds(500)});
  auto filter = observe::Filter::parse(text_of(question.getFilter()));
  if (!filter.ok()) return reply.refuse(wrong_filter(text_of(question.getFilter()), filter.error()));
  const std::string top = text_of(question.getTop());
  const observe::Field* column = top.empty() ? nullptr : observe::find_field(top);
  if (!top.empty() && column == nullptr)
    return reply.refuse({Code::malformed, "there is no column \"" + top + "\"; did you mean \"" +
                                              std::string(observe::nearest_field(top)) + "\"? There are " +
                                              observe::field_names()});
  lists_.push_back({{},
                    {},
                    now(),
                    Screen(std::move(filter).value(), column, limit_of(question.getLimit()),
                           question.getReversed() ? Screen::Order::reversed : Screen::Order::usual),
                    std::move(reply)});
  if (lists_.size() == 1) next_slice();
}

/// Continues the first list and the survey in turn, so that neither blocks the other.
void InspectActor::next_slice() {
  const base::Instant until = now() + kSlice;
  while ((!lists_.empty() || surveying_) && now() < until) {
    if (!lists_.empty()) list_on(until);
    if (surveying_) survey_on();
  }
  if (!lists_.empty() || surveying_) after<NextSlice>(base::Duration::zero());
}

void InspectActor::list_on(base::Instant until) {
  List& first = lists_.front();
  const base::Instant at = now();
  const auto stuck = node().long_turns();
  const auto turns = runtime::turns();
  const auto show = [&](const runtime::Listing& one) {
    const bool hangs = std::ranges::any_of(stuck, [&](const auto& turn) { return turn.record == one.record.get(); });
    first.screen.show(row_of(one.path, one.kind, *one.record, at, hangs, runtime::turn_of(one.record.get(), turns)),
                      one.record);
  };
  if (!first.screen.slow()) {
    node().registry().walk_on(first.place, show);
  } else {  // such a filter may take a millisecond per actor: not under a lock that other threads wait for
    if (first.copied.empty())
      node().registry().walk_on(first.place, [&](const runtime::Listing& one) { first.copied.push_back(one); });
    while (!first.copied.empty() && now() < until) {
      show(first.copied.back());
      first.copied.pop_back();
    }
  }
  if (!first.place.at_end() || !first.copied.empty()) return;
  List done = std::move(lists_.front());
  lists_.pop_front();
  answer(done);
}

void InspectActor::survey_on() {
  const base::Instant at = now();
  const auto turns = runtime::turns();
  // Most steps of a walk show a few actors, so the threads' turns are fetched once for many of them.
  for (std::size_t shown = 0; !surveying_->at_end() && shown < kSurveyStep;) {
    node().registry().walk_on(*surveying_, [&](const runtime::Listing& one) {
      const auto turn = runtime::turn_of(one.record.get(), turns);
      any_runs_ = any_runs_ || (turn && one.handle != self());
      survey_.look(one, at, turn);
      ++shown;
    });
  }
  survey_took_ += now() - at;
  if (surveying_->at_end()) end_survey();
}

void InspectActor::answer(List& done) {
  const base::Instant at = now();
  const std::uint64_t total = done.screen.total(), matched = done.screen.matched();
  const auto rows = std::move(done.screen).rows();
  std::vector<std::uint64_t> senders(rows.size());  // senders of their oldest messages; read once, because they change
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (rows[i].row.mailbox > 0) senders[i] = rows[i].record->head(at).from;
  const auto names = names_of(senders);
  const auto turns = runtime::turns();
  const auto name_of = [&](std::size_t row) {
    const auto known = names.find(senders[row]);
    return known == names.end() ? std::string_view() : std::string_view(known->second);
  };
  std::size_t fitting = 0;
  for (std::size_t bytes = 0; fitting < rows.size(); ++fitting) {
    bytes += kRowBytes + rows[fitting].path.size() + name_of(fitting).size();
    if (bytes > kRowsBytesMax) break;
  }
  done.reply.send([&](wire::ActorRows::Builder out) {
    out.setNode(kj::arrayPtr(setup_.node.bytes.data(), setup_.node.bytes.size()));
    out.setTotal(total);
    out.setMatched(matched);
    auto list = out.initActors(static_cast<unsigned>(fitting));
    for (unsigned i = 0; i < list.size(); ++i) {
      write_row(list[i], rows[i].row, *rows[i].record, at, runtime::turn_of(rows[i].record.get(), turns));
      list[i].setHeadFrom(std::string(name_of(i)));
    }
    const auto reasons = setup_.health != nullptr ? setup_.health->reasons() : std::vector<observe::HealthReason>{};
    auto warnings = out.initWarnings(static_cast<unsigned>(reasons.size()));
    for (unsigned i = 0; i < warnings.size(); ++i) warnings.set(i, reasons[i].source + ": " + reasons[i].text);
    if (setup_.process_usage) {
      const node::ProcessUsage usage = setup_.process_usage();
      auto process = out.initProcess();
      process.setCpuMs(base::milliseconds(usage.cpu));
      process.setResidentBytes(usage.resident_bytes);
      process.setDescriptorsOpen(usage.descriptors_open);
      process.setDescriptorsMax(usage.descriptors_max);
    }
    out.setTookUs(
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now() - done.began).count()));
  });
}

void InspectActor::list_ended(wire::ListEnded::Reader question, runtime::Reply<wire::EndedRows> reply) {
  const auto filter = observe::Filter::parse(text_of(question.getFilter()));
  if (!filter.ok()) return reply.refuse(wrong_filter(text_of(question.getFilter()), filter.error()));
  auto ended = node().ended().list();
  std::erase_if(ended, [&](const runtime::Ended& one) {
    observe::ActorRow row;
    row.path = one.path;
    row.kind = one.kind;
    row.state = "ended";
    row.handled = one.handled;
    row.restarts = one.restarts;
    if (one.code != Code{}) row.last_error = base::name(one.code);
    return !filter.value().holds(row);
  });
  ended.resize(std::min(ended.size(), limit_of(question.getLimit())));
  reply.send([&](wire::EndedRows::Builder out) {
    out.setNode(kj::arrayPtr(setup_.node.bytes.data(), setup_.node.bytes.size()));
    out.setInAll(node().ended().count());
    auto list = out.initEnded(static_cast<unsigned>(ended.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      const runtime::Ended& one = ended[i];
      list[i].setPath(one.path);
      list[i].setKind(one.kind);
      list[i].setAgoMs(base::milliseconds(now() - one.at));
      list[i].setDecision(std::string(name(one.decision)));
      if (one.code != Code{}) list[i].setCode(std::string(base::name(one.code)));
      list[i].setWhy(one.why);
      if (one.last != nullptr) list[i].setLastMessage(std::string(one.last->name));
      list[i].setHandled(one.handled);
      list[i].setRestarts(one.restarts);
    }
  });
}

/// Returns the paths of live and recently ended actors, by CAF's numbers. One walk for all new numbers, and none for a
/// while if it took long.
InspectActor::Names InspectActor::names_of(std::vector<std::uint64_t> ids) {
  constexpr std::chrono::seconds kNamesKept{10};
  constexpr std::size_t kNamesMax = 10'000;
  if (now() - names_at_ >= kNamesKept || names_.size() >= kNamesMax) {
    names_.clear();
    names_at_ = now();
  }
  std::erase(ids, 0);  // no actor
  std::ranges::sort(ids);
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  Names out;
  std::vector<std::uint64_t> unknown;
  for (const std::uint64_t id : ids) {
    if (const auto known = names_.find(id); known != names_.end()) out.insert(*known);
    else unknown.push_back(id);
  }
  if (unknown.empty()) return out;
  if (node().remote_names) {  // few, and in no registry
    out.merge(node().remote_names(unknown));
    std::erase_if(unknown, [&](const std::uint64_t id) { return out.contains(id); });
  }
  const base::Instant began = now();
  if (began < names_again_) {  // short-lived actors are met often; a walk for each would take all the time
    for (const std::uint64_t id : unknown) out.try_emplace(id, "#" + std::to_string(id));
    return out;
  }
  runtime::Registry::Cursor place;
  while (!place.at_end() && out.size() < ids.size()) {
    node().registry().walk_on(place, [&](const runtime::Listing& one) {
      if (std::ranges::binary_search(unknown, one.handle.id())) out.emplace(one.handle.id(), one.path);
    });
  }
  if (out.size() < ids.size())
    for (const runtime::Ended& one : node().ended().list())
      if (std::ranges::binary_search(unknown, one.number)) out.try_emplace(one.number, one.path);
  for (const std::uint64_t id : unknown) out.try_emplace(id, "#" + std::to_string(id));
  for (const auto& one : out) names_.insert(one);
  names_again_ = now() + (now() - began) * kSurveyShare;
  return out;
}

}  // namespace troupe::inspect
