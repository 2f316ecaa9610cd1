// troupe dht check | clean
#include "actors/dht/api.hpp"
#include "apps/cli/client.hpp"
#include "apps/cli/copy_same.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/dht/dht.hpp"
#include "apps/dht/show.hpp"
#include "messages/output/dht.capnp.h"
#include "runtime/base/text.hpp"

namespace troupe::apps {
namespace {

namespace wire = dht::wire;
using base::Code;

constexpr std::chrono::minutes kAuditIdle{1};  // the node sends something every second

void add(output::wire::DhtAudited::Builder out, wire::AuditSum::Reader sum) {
  out.setRows(out.getRows() + sum.getRows());
  out.setBytes(out.getBytes() + sum.getBytes());
  out.setExpired(out.getExpired() + sum.getExpired());
  out.setTroubles(out.getTroubles() + sum.getTroubles());
  out.setRemoved(out.getRemoved() + sum.getRemoved());
  out.setRemovedBytes(out.getRemovedBytes() + sum.getRemovedBytes());
}

/// Prints problems as they come, and the sum.
class AuditPrinter {
 public:
  AuditPrinter(Console& console, bool json) : console_(console), json_(json) {}

  Client::Outcome<void> take(wire::AuditItem::Reader item) {
    switch (item.which()) {
      case wire::AuditItem::PROGRESS: return {};
      case wire::AuditItem::TROUBLE: print(item.getTrouble()); break;
      case wire::AuditItem::ROW: return {};  // of `dht list`
      case wire::AuditItem::SUM: print(item.getSum()); break;
    }
    console_.out.flush();
    if (!console_.out) return unwritten(console_, "");
    return {};
  }

  bool summed() const { return summed_; }
  std::uint64_t troubles() const { return troubles_; }
  /// Returns the line that `dht clean` adds.
  const std::string& kept_note() const { return kept_note_; }

 private:
  void print(wire::RowTrouble::Reader trouble) {
    const auto row = trouble.getRow();
    if (!json_) {
      console_.out << text(trouble.getSpace()) << ' ' << (row.size() == 0 ? "all of it" : hex(row)) << ' '
                   << base::printable(text(trouble.getWhat())) << '\n';
      return;
    }
    JsonLine<output::wire::DhtTrouble> line;
    line->setSpace(trouble.getSpace());
    if (row.size() > 0) line->setRow(row);
    line->setTrouble(trouble.getWhat());
    line.print(console_.out);
  }

  void print(capnp::List<wire::AuditSum>::Reader sums) {
    summed_ = true;
    JsonLine<output::wire::DhtAudited> line;
    line->setSummary(true);
    auto spaces = line->initSpaces(sums.size());
    TextTable table({{"SPACE"},
                     {"HELD", Align::right},
                     {"BYTES", Align::right},
                     {"EXPIRED", Align::right},
                     {"IN TROUBLE", Align::right},
                     {"REMOVED", Align::right},
                     {"FREED", Align::right}});
    for (unsigned i = 0; i < sums.size(); ++i) {
      const auto sum = sums[i];
      copy_same(sum, spaces[i]);
      add(*line, sum);
      table.add({text(sum.getSpace()), std::to_string(sum.getRows()), bytes_for_people(sum.getBytes()),
                 std::to_string(sum.getExpired()), std::to_string(sum.getTroubles()), std::to_string(sum.getRemoved()),
                 bytes_for_people(sum.getRemovedBytes())});
    }
    troubles_ = line->getTroubles();
    kept_note_ = dht_command::kept_note(sums);
    if (json_) line.print(console_.out);
    else table.print(console_.out);
  }

  Console& console_;
  const bool json_;
  bool summed_ = false;
  std::uint64_t troubles_ = 0;
  std::string kept_note_;
};

template <class Question>
base::Result<AuditPrinter, Failure> audit(const Invocation& invocation, Console& console) {
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  AuditPrinter printer(console, invocation.globals.json);
  const auto read = client.value()->subscribe<Question, wire::AuditItem>(
      dht::kAuditPath, kAuditIdle, [](typename Question::Builder) {},
      [&](wire::AuditItem::Reader item) { return printer.take(item); });
  if (!read.ok()) return read.error();
  if (!printer.summed()) return Failure{{Code::corrupt, "the node ended the list early, without the sum"}};
  return printer;
}

}  // namespace

Ending dht_check(const Invocation& invocation, Console& console) {
  const auto audited = audit<wire::CheckHeld>(invocation, console);
  if (!audited.ok()) return audited.error();
  return audited.value().troubles() == 0 ? Exit::done : Exit::failed;
}

/// Problems that were found were deleted too: that is the purpose.
Ending dht_clean(const Invocation& invocation, Console& console) {
  const auto audited = audit<wire::CleanHeld>(invocation, console);
  if (!audited.ok()) return audited.error();
  if (!invocation.globals.json) console.err << audited.value().kept_note();
  return Exit::done;
}

}  // namespace troupe::apps
