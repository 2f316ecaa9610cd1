#include "apps/inspect/screens/read.hpp"

#include <map>

#include "apps/cli/copy_same.hpp"
#include "apps/cli/json.hpp"
#include "messages/contact.hpp"
#include "runtime/base/error.hpp"
#include "runtime/crypto/identity.hpp"

namespace troupe::apps::screens {
namespace {

constexpr std::size_t kStateBytesMax = 16 * 1024;   // several screens
constexpr std::size_t kMessageBytesMax = 4 * 1024;  // with 5,000 messages kept: 20 MB

std::string string_of(capnp::Data::Reader from) { return {reinterpret_cast<const char*>(from.begin()), from.size()}; }

}  // namespace

Status read(node::wire::NodeStatus::Reader from) {
  Status out{.node = hex(from.getNode()),
             .name = text(from.getName()),
             .version = text(from.getVersion()),
             .listen = text(from.getListen()),
             .health = enumerant_text(from.getHealth()),
             .stage = enumerant_text(from.getStage()),
             .uptime_s = from.getUptimeS(),
             .peers = from.getPeers(),
             .seats = from.getSeats(),
             .actors = from.getActors()};
  for (const auto one : from.getReasons()) out.reasons.push_back({text(one.getSource()), text(one.getText())});
  return out;
}

ActorRow read(inspect::wire::ActorRow::Reader from) {
  return {.path = text(from.getPath()),
          .kind = text(from.getKind()),
          .state = text(from.getState()),
          .mailbox = from.getMailbox(),
          .oldest_ms = from.getOldestMs(),
          .handled = from.getHandled(),
          .per_second = from.getPerSecond(),
          .busy = from.getBusy(),
          .p50_us = from.getP50Us(),
          .p99_us = from.getP99Us(),
          .max_us = from.getMaxUs(),
          .restarts = from.getRestarts(),
          .asking = from.getAsking(),
          .refused = from.getRefused(),
          .dead_letters = from.getDeadLetters(),
          .last_error = text(from.getLastError()),
          .head_kind = text(from.getHeadKind()),
          .head_from = text(from.getHeadFrom())};
}

ActorList read(inspect::wire::ActorRows::Reader from) {
  ActorList out{.total = from.getTotal(), .matched = from.getMatched(), .took_us = from.getTookUs()};
  if (from.hasProcess()) {
    const auto process = from.getProcess();
    out.process = {.cpu_ms = process.getCpuMs(),
                   .resident_bytes = process.getResidentBytes(),
                   .descriptors_open = process.getDescriptorsOpen(),
                   .descriptors_max = process.getDescriptorsMax()};
  }
  const auto rows = from.getActors();
  out.rows.reserve(rows.size());
  for (const auto row : rows) out.rows.push_back(read(row));
  return out;
}

std::vector<EndedRow> read(inspect::wire::EndedRows::Reader from) {
  std::vector<EndedRow> out;
  for (const auto row : from.getEnded())
    out.push_back({.path = text(row.getPath()),
                   .kind = text(row.getKind()),
                   .decision = text(row.getDecision()),
                   .code = text(row.getCode()),
                   .why = text(row.getWhy()),
                   .last_message = text(row.getLastMessage()),
                   .ago_ms = row.getAgoMs(),
                   .handled = row.getHandled(),
                   .restarts = row.getRestarts()});
  return out;
}

std::vector<PeerRow> read(peers::wire::PeerRows::Reader from) {
  std::vector<PeerRow> out;
  for (const auto row : from.getPeers()) {
    PeerRow one{.node = hex(row.getNode()),
                .address = text(row.getAddress()),
                .state = enumerant_text(row.getState()),
                .direction = enumerant_text(row.getDirection()),
                .sent = row.getSent(),
                .received = row.getReceived(),
                .score = row.getScore()};
    if (row.getRttMs().isValue()) one.rtt_ms = row.getRttMs().getValue();
    out.push_back(std::move(one));
  }
  return out;
}

std::vector<LinkRow> read(net::wire::LinkRows::Reader from) {
  std::vector<LinkRow> out;
  for (const auto row : from.getLinks())
    out.push_back({.node = hex(row.getNode()),
                   .address = text(row.getAddress()),
                   .role = enumerant_text(row.getRole()),
                   .outbound = row.getOutbound(),
                   .sent = row.getSent(),
                   .received = row.getReceived(),
                   .up_ms = row.getUpMs()});
  return out;
}

std::string id_of(messages::wire::Contact::Reader contact) {
  const base::Contact seen = messages::read_contact(contact);
  return crypto::node_id(seen.key, seen.nonce).hex();
}

RoutingTable read(dht::wire::TableRows::Reader from) {
  RoutingTable out{.nodes = from.getNodes()};
  for (const auto row : from.getBuckets()) {
    BucketRow bucket{.range = row.getRange()};
    for (const auto one : row.getContacts()) {
      const base::Contact contact = messages::read_contact(one.getContact());
      bucket.contacts.push_back(
          {crypto::node_id(contact.key, contact.nonce).hex(), contact.endpoint.text(), one.getLastSeenMs()});
    }
    out.buckets.push_back(std::move(bucket));
  }
  return out;
}

FileMap::Part read(files::wire::ViewContent::Reader from) {
  const auto content = from.getContent();
  std::string id;
  for (const std::uint64_t word : {content.getId0(), content.getId1(), content.getId2(), content.getId3()})
    for (int byte = 0; byte < 8; ++byte) id += static_cast<char>(word >> 8 * byte & 0xff);
  FileMap::Part out{.cid = hex({reinterpret_cast<const kj::byte*>(id.data()), id.size()}),
                    .offset = from.getOffset(),
                    .bytes = content.getBytes(),
                    .manifest = content.getBytes() == 0};
  for (const auto holder : from.getHolders()) out.holders.push_back(hex(holder));
  return out;
}

Look read(inspect::wire::Looked::Reader from) {
  Look out{.row = read(from.getRow()),
           .silent = text(from.getSilent()),
           .handling = text(from.getHandling()),
           .handling_ms = from.getHandlingMs()};
  if (!from.hasPortrait()) return out;
  std::map<std::uint64_t, std::string> names;
  for (const auto name : from.getNames()) names.emplace(name.getId(), text(name.getText()));
  const auto name_of = [&](std::uint64_t id) {
    const auto found = names.find(id);
    return found != names.end() ? found->second : id == 0 ? std::string() : "#" + std::to_string(id);
  };
  const auto seen = from.getPortrait();
  out.parent = text(seen.getParent());
  out.children_in_all = seen.getChildrenInAll();
  out.asks_in_all = seen.getAsksInAll();
  out.incarnation = seen.getIncarnation();
  out.timed = seen.getTimed();
  out.kept_for_ms = seen.getKeptForMs();
  out.p50_us = seen.getP50Us();
  out.p90_us = seen.getP90Us();
  out.p99_us = seen.getP99Us();
  out.max_us = seen.getMaxUs();
  for (const auto child : seen.getChildren()) out.children.push_back(text(child));
  for (const auto one : seen.getWatching()) out.watching.push_back(name_of(one));
  out.watchers_in_all = seen.getWatchersInAll();
  for (const auto one : seen.getWatchers()) out.watchers.push_back(name_of(one));
  for (const auto ask : seen.getAsks()) {
    Ask one{text(ask.getKind()), name_of(ask.getTo()), ask.getSinceMs(), std::nullopt};
    if (ask.getDueMs() >= 0) one.due_ms = static_cast<std::uint64_t>(ask.getDueMs());
    out.asks.push_back(std::move(one));
  }
  for (const auto timer : seen.getTimers())
    out.timers.push_back(
        {text(timer.getName()), static_cast<std::uint64_t>(std::max<std::int64_t>(timer.getDueMs(), 0))});
  for (const auto one : seen.getMessages())
    out.messages.push_back(
        {text(one.getKind()), name_of(one.getFrom()), one.getAgoMs(), one.getTookUs(), one.getBytes(), one.getTrace()});
  for (const auto one : seen.getErrors())
    out.errors.push_back({std::string(base::name(base::code_of(one.getCode()))), text(one.getText()), one.getAgoMs()});
  for (const auto one : seen.getHistogram()) out.histogram.push_back({one.getBelowUs(), one.getCount()});
  if (seen.getStateKind() != 0) {
    observe::Decoder decoder;
    for (const auto schema : from.getSchemas())
      (void)decoder.learn({schema.begin(), schema.size()});  // the line shows the error
    const auto state = seen.getState();
    out.state_kind = text(from.getStateName());
    out.state = decoder.line(seen.getStateKind(), {state.begin(), state.size()}, kStateBytesMax);
  }
  return out;
}

Message read(inspect::wire::FollowedMessage::Reader from, const observe::Decoder& decoder) {
  Message out{.unix_ms = from.getUnixMs(),
              .at_us = from.getAtUs(),
              .waited_us = from.getWaitedUs(),
              .took_us = from.getTookUs(),
              .trace = from.getTrace(),
              .bytes = from.getBytes(),
              .span = from.getSpan(),
              .handler = from.getHandler(),
              .way = enumerant_text(from.getWay()),
              .path = text(from.getPath()),
              .other = text(from.getOther()),
              .kind = text(from.getKind()),
              .form = enumerant_text(from.getForm())};
  const auto words = from.getWords();
  if (from.getKindId() != 0 && words.size() > 0)
    out.text = decoder.line(from.getKindId(), {words.begin(), words.size()}, kMessageBytesMax);
  if (words.size() <= kMessageBytesMax) out.words = string_of(words);
  return out;
}

}  // namespace troupe::apps::screens
