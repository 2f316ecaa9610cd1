#include "actors/node/node_actor.hpp"

#include <algorithm>

#include "actors/node/status.hpp"
#include "messages/codec.hpp"
#include "messages/runtime.capnp.h"
#include "runtime/base/ensure.hpp"
#include "runtime/base/nearest.hpp"
#include "runtime/observe/version.hpp"

namespace troupe::node {
namespace {

using base::Code;

constexpr std::size_t kLogBytesMax = 600'000;         // of messages/node.capnp's 1 MiB, only for lines
constexpr std::chrono::milliseconds kDrainSoon{200};  // our choice: so that the operator receives the answer

}  // namespace

void NodeActor::receive(runtime::Handlers& on) {
  on.ask<wire::GetStatus, wire::NodeStatus>([this](wire::GetStatus::Reader, runtime::Reply<wire::NodeStatus> reply) {
    reply.send([this](wire::NodeStatus::Builder out) { status(out); });
  });
  on.ask<wire::SetLogLevel, messages::wire::Nothing>(
      [this](wire::SetLogLevel::Reader order, runtime::Reply<messages::wire::Nothing> reply) {
        set_log_level(order, std::move(reply));
      });
  on.ask<wire::GetLog, wire::LogLines>([this](wire::GetLog::Reader question, runtime::Reply<wire::LogLines> reply) {
    const auto recent = setup_.log->recent(question.getSince(), kLogBytesMax);
    reply.send([&](wire::LogLines::Builder out) {
      out.setFirst(recent.first);
      auto lines = out.initLines(static_cast<unsigned>(recent.lines.size()));
      for (unsigned i = 0; i < lines.size(); ++i) lines.set(i, recent.lines[i]);
    });
  });
  on.ask<wire::GetSettings, wire::RunningSettings>([this](auto, runtime::Reply<wire::RunningSettings> reply) {
    const auto settings = setup_.settings();
    reply.send([&](wire::RunningSettings::Builder out) {
      auto rows = out.initRows(static_cast<unsigned>(settings.size()));
      for (unsigned i = 0; i < rows.size(); ++i) {
        rows[i].setKey(settings[i].key);
        rows[i].setValue(settings[i].value);
        rows[i].setOrigin(settings[i].origin);
      }
    });
  });
  on.ask<wire::DrainNode, messages::wire::Nothing>(
      [this](wire::DrainNode::Reader, runtime::Reply<messages::wire::Nothing> reply) {
        note("drain", kPath);
        reply.done();
        after<DrainSoon>(kDrainSoon);
      });
  on.timer<DrainSoon>([this] { drain(); });
  on.tell<wire::Drain>([this](wire::Drain::Reader) { drain(); });
  on.timer<AskAgain>([this] { await_ready(); });
  on.timer<DrainDue>([this] {
    setup_.log->warn("node", "not all domains ended in time", {{"left", running_.size()}});
    finish();
  });
  on.describe<wire::NodeStatus>([this](wire::NodeStatus::Builder out) { status(out); });
}

void NodeActor::start() {
  started_ = now();
  setup_.incomplete(true);
  node().publish<wire::GetStatus, wire::SetLogLevel, wire::GetLog, wire::GetSettings, wire::DrainNode>(kPath, self());
  start_next();
}

void NodeActor::stop() { setup_.drained(); }

// -- start and end ---------------------------------------------------------------------------------------------------

void NodeActor::start_next() {
  if (running_.size() == setup_.domains.size()) {
    stage_ = wire::Stage::SERVING;
    setup_.incomplete(false);
    setup_.log->info("node", "all domains are up", {{"domains", running_.size()}});
    return setup_.serving();
  }
  const Domain& domain = setup_.domains[running_.size()];
  setup_.log->debug("node", "domain starts", {{"domain", domain.name}});
  running_.push_back(spawn(domain.name, domain.factory, domain.options));
  watch(running_.back());
  await_ready();
}

/// Asks again if a domain failed while it started: it dropped the request, and may have been restarted.
void NodeActor::await_ready() {
  if (stage_ != wire::Stage::STARTING) return;
  ask<runtime::wire::AwaitReady, messages::wire::Nothing>(
      running_.back(), now() + kReadyTimeout, [](runtime::wire::AwaitReady::Builder) {},
      [this](const runtime::Answer<messages::wire::Nothing>& answer) {
        if (stage_ != wire::Stage::STARTING) return;
        if (answer.ok()) return start_next();
        setup_.log->warn("node", "domain is not ready yet",
                         {{"domain", setup_.domains[running_.size() - 1].name}, {"why", answer.error().message}});
        after<AskAgain>(kAskAgain);
      });
}

void NodeActor::drain() {
  if (stage_ == wire::Stage::DRAINING) return;
  stage_ = wire::Stage::DRAINING;
  setup_.incomplete(true);
  setup_.log->info("node", "draining", {{"domains", running_.size()}});
  after<DrainDue>(kDrainMax);
  stop_last();
}

void NodeActor::stop_last() {
  if (running_.empty()) return finish();
  stop_child(running_.back());
}

void NodeActor::down(const runtime::Handle& whom, const std::optional<base::Error>&) {
  const auto found = std::find(running_.begin(), running_.end(), whom);
  if (found == running_.end()) return;
  base::ensure(stage_ == wire::Stage::DRAINING, "a domain ends when the node does");
  running_.erase(found);
  stop_last();
}

void NodeActor::check() const {
  base::ensure(running_.size() <= setup_.domains.size(), "each domain runs once");
  base::ensure(stage_ != wire::Stage::SERVING || running_.size() == setup_.domains.size(),
               "a node that serves has all its domains");
}

// -- requests of operators -------------------------------------------------------------------------------------------

void NodeActor::status(wire::NodeStatus::Builder out) {
  out.setNode(kj::arrayPtr(setup_.id.bytes.data(), setup_.id.bytes.size()));
  out.setPublicKey(kj::arrayPtr(setup_.key.bytes.data(), setup_.key.bytes.size()));
  out.setName(setup_.name.c_str());
  out.setVersion(std::string(observe::version()).c_str());
  out.setUptimeS(
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now() - started_).count()));
  out.setListen(setup_.listen().c_str());
  out.setPeers(static_cast<std::uint32_t>(setup_.peers()));
  out.setSeats(static_cast<std::uint32_t>(setup_.seats()));
  out.setSeatsMax(static_cast<std::uint32_t>(setup_.seats_max));
  out.setActors(static_cast<std::uint32_t>(node().registry().size()));
  out.setStage(stage_);
  write_health(out, *setup_.health);
}

void NodeActor::note(const char* act, const std::string& what) {
  tell<wire::Note>(node().find(kNotesPath),
                   [&](wire::Note::Builder out) { fill(out, caller().who(), act, what, "done"); });
}

void NodeActor::set_log_level(wire::SetLogLevel::Reader order, runtime::Reply<messages::wire::Nothing> reply) {
  const auto level = observe::log_level(text_of(order.getLevel()));
  const std::string domain = text_of(order.getDomain());
  if (!level) return reply.refuse({Code::malformed, "invalid level: expected trace, debug, info, warn, error or off"});
  if (domain.empty()) {
    setup_.log->set_level(*level);
  } else if (!setup_.log->set_level(domain, *level)) {
    std::string known;
    for (const std::string& name : setup_.log->names()) known += (known.empty() ? "" : ", ") + name;
    const std::vector<std::string_view> names(setup_.log->names().begin(), setup_.log->names().end());
    return reply.refuse({Code::not_found, "unknown log domain \"" + domain + "\"; did you mean \"" +
                                              std::string(base::nearest(domain, names)) + "\"? There are " + known});
  }
  note("log level", std::string(observe::name(*level)) + (domain.empty() ? "" : " of " + domain));
  setup_.log->info("node", "log level was set", {{"level", observe::name(*level)}, {"domain", domain}});
  reply.done();
}

}  // namespace troupe::node
