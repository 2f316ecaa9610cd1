// troupe audit …
#include <deque>

#include "actors/audit/api.hpp"
#include "actors/audit/logic/head.hpp"
#include "apps/cli/client.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/json_read.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/wallet/typed.hpp"
#include "messages/codec.hpp"
#include "messages/output/audit.capnp.h"
#include "runtime/config/forms.hpp"

namespace troupe::apps {
namespace {

namespace wire = audit::wire;
using base::Code;

constexpr std::chrono::seconds kPageDue{30};
constexpr std::uint64_t kListed = 10'000;  // our choice
constexpr std::uint64_t kListedMax = 1'000'000;

constexpr const char* kListNotes = R"(
records
  what operators did at this node; what API keys changed, with the status of the answer; and refused requests
  a record is a line of DIR/audit/*.jsonl with the hash of the record before it
)";

constexpr const char* kVerifyNotes = R"(
what it does
  reads the whole trail, checks the hash of each record and that it follows the record before it, and compares the last
  record with the record that the node's store knows
exits
  1 if a record was changed or removed; the output names the first such record
)";

/// Hands each line of the trail to `take`, oldest first.
template <class F>
Client::Outcome<void> each_line(Client& client, std::uint64_t since, const std::string& key, F take) {
  base::Bytes next;
  do {
    auto page =
        client.ask<wire::ListRecords, wire::Records>(audit::kPath, kPageDue, [&](wire::ListRecords::Builder out) {
          out.setSince(since);
          out.setKey(key);
          out.setNext(data_of(next));
        });
    if (!page.ok()) return page.error();
    for (const auto line : page.value().root().getLines()) take(text_of(line));
    const auto more = bytes_of(page.value().root().getNext());
    next.assign(more.begin(), more.end());
  } while (!next.empty() && !client.interrupted());
  if (client.interrupted()) return client.interruption();
  return {};
}

base::Result<std::uint64_t, Failure> since_of(const Invocation& invocation) {
  const auto typed = invocation.text("--since");
  if (!typed) return std::uint64_t{0};
  const auto time = wallets::time_typed(*typed, "troupe help audit ls");
  if (!time.ok()) return time.error();
  const auto now = wallets::unix_now();
  const auto at = time.value().is_date ? time.value().value : now - std::min(now, time.value().value);
  return static_cast<std::uint64_t>(at.count());
}

/// Returns a record's field, or an empty text.
std::string field(const JsonValue& record, const char* name) {
  const JsonValue* value = record.find(name);
  return value != nullptr ? value->text : "";
}

void write(output::wire::AuditRecord::Builder out, const std::string& line) {
  const auto record = read_json(line);
  if (!record) return;  // damaged: `audit verify` names it
  const auto number = [&](const char* name) { return config::parse_count(field(*record, name)).value_or(0); };
  out.setSeq(number("seq"));
  out.setTime(number("time"));
  const auto set = [&](const char* name, auto setter) {
    if (const std::string value = field(*record, name); !value.empty()) (out.*setter)(value);
  };
  using Builder = output::wire::AuditRecord::Builder;
  set("key", static_cast<void (Builder::*)(capnp::Text::Reader)>(&Builder::setKey));
  set("address", static_cast<void (Builder::*)(capnp::Text::Reader)>(&Builder::setAddress));
  set("command", static_cast<void (Builder::*)(capnp::Text::Reader)>(&Builder::setCommand));
  set("name", static_cast<void (Builder::*)(capnp::Text::Reader)>(&Builder::setName));
  set("purpose", static_cast<void (Builder::*)(capnp::Text::Reader)>(&Builder::setPurpose));
  set("rule", static_cast<void (Builder::*)(capnp::Text::Reader)>(&Builder::setRule));
  out.setStatus(static_cast<std::uint32_t>(number("status")));
  const auto digest = [&](const char* name) { return base::Digest::from_hex(field(*record, name)); };
  if (const auto hash = digest("hash")) out.setHash(data_of(hash->view()));
  if (const auto prev = digest("prev")) out.setPrev(data_of(prev->view()));
}

Ending list(const Invocation& invocation, Console& console) {
  const auto since = since_of(invocation);
  if (!since.ok()) return since.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const std::uint64_t limit = invocation.number("--limit").value_or(kListed);
  std::deque<std::string> lines;
  const auto read = each_line(*client.value(), since.value(), invocation.text("--key").value_or(""), [&](auto line) {
    if (lines.size() >= limit) lines.pop_front();
    lines.push_back(std::move(line));
  });
  if (!read.ok()) return read.error();
  JsonLine<output::wire::AuditRecords> out;
  auto rows = out->initRows(size32(lines));
  for (unsigned i = 0; i < rows.size(); ++i) write(rows[i], lines[i]);
  if (invocation.globals.json) {
    write_json_line(console.out, capnp::toDynamic(rows.asReader()));
    return Exit::done;
  }
  TextTable table({{"SEQ", Align::right}, {"TIME (UTC)"}, {"KEY"}, {"STATUS", Align::right}, {"COMMAND"}, {"NAME"}});
  for (const auto row : rows.asReader())
    table.add({std::to_string(row.getSeq()), wallets::date_of(wallet::UnixMs(row.getTime())), text_of(row.getKey()),
               std::to_string(row.getStatus()), text_of(row.getCommand()),
               text_of(row.getName()) + (row.hasRule() ? " (" + text_of(row.getRule()) + ')' : "")});
  table.print(console.out);
  return Exit::done;
}

Ending verify(const Invocation& invocation, Console& console) {
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto told = client.value()->ask<wire::GetHead, wire::Head>(audit::kPath, kPageDue, [](wire::GetHead::Builder) {});
  if (!told.ok()) return told.error();
  audit::Head head;
  head.first = told.value().root().getFirst();
  head.first_prev = base::Digest::from(bytes_of(told.value().root().getFirstPrev())).value_or(base::Digest{});
  head.last = {told.value().root().getLast(),
               base::Digest::from(bytes_of(told.value().root().getLastHash())).value_or(base::Digest{})};
  audit::Verifier verifier(head);
  const auto read = each_line(*client.value(), 0, "", [&](const std::string& line) { verifier.take(line); });
  if (!read.ok()) return read.error();
  const auto bad = verifier.bad();
  if (invocation.globals.json) {
    JsonLine<output::wire::AuditVerified> line;
    line->setRecords(verifier.records());
    line->setFrom(head.first);
    line->setOk(!bad);
    if (bad) line->getBadSeq().setValue(*bad);
    line.print(console.out);
  } else if (bad) {
    console.out << "record " << *bad << " was changed or removed; " << verifier.records()
                << " records before it are intact\n";
  } else {
    console.out << "intact: " << verifier.records() << " records from " << head.first << '\n';
  }
  return bad ? Exit::failed : Exit::done;
}

}  // namespace

Commands audit_commands() {
  return {
      {.name = "audit ls",
       .summary = "List the records of the audit trail, oldest first",
       .options = {{.name = "--since", .value = "T", .help = "records since a date, or of the last T, such as 24h"},
                   {.name = "--key", .value = "ID", .help = "records of this key"},
                   number_option("--limit", "N", "list the last N of them (default 10000)", 1, kListedMax)},
       .needs = Needs::view,
       .notes = kListNotes,
       .route = Route{.role = Role::operator_, .prints = {"List(AuditRecord)"}},
       .run = list},
      {.name = "audit verify",
       .summary = "Check that no record of the audit trail was changed or removed",
       .needs = Needs::view,
       .notes = kVerifyNotes,
       .route = Route{.role = Role::operator_, .prints = {"AuditVerified"}},
       .run = verify},
  };
}

}  // namespace troupe::apps
