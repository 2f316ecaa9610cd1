// troupe dht list
#include "actors/dht/api.hpp"
#include "apps/cli/client.hpp"
#include "apps/cli/copy_same.hpp"
#include "apps/cli/json.hpp"
#include "apps/dht/dht.hpp"
#include "apps/dht/show.hpp"
#include "messages/output/dht.capnp.h"
#include "runtime/base/text.hpp"
#include "runtime/observe/date.hpp"

namespace troupe::apps {
namespace {

namespace wire = dht::wire;
using base::Code;

constexpr std::chrono::minutes kListIdle{1};  // the node sends something every second

/// Returns the key as `dht get` takes it; for an announcement only the beginning of its content id is known.
std::string key_text(wire::RowSummary::Reader row) {
  const auto space = dht::space_of(row.getWhat());
  return (space ? dht_command::space_name(*space) : "") + hex(row.getKey());
}

/// Prints rows as they come, and the sum.
class RowPrinter {
 public:
  RowPrinter(Console& console, bool json) : console_(console), json_(json) {}

  Client::Outcome<void> take(wire::AuditItem::Reader item) {
    if (item.isSum()) summed_ = true;
    if (item.isRow()) {
      ++rows_;
      bytes_ += item.getRow().getBytes();
      if (json_) print_json(item.getRow());
      else print(item.getRow());
    }
    if (!console_.out) return unwritten(console_, "");
    return {};
  }

  bool end() {
    if (!summed_ || !json_) return summed_;
    JsonLine<output::wire::DhtListed> line;
    line->setSummary(true);
    line->setRows(rows_);
    line->setBytes(bytes_);
    line.print(console_.out);
    return true;
  }

 private:
  void print(wire::RowSummary::Reader row) {
    console_.out << std::string_view(row.getSpace().cStr(), row.getSpace().size()) << ' ' << key_text(row);
    if (row.getWhat() == static_cast<std::uint8_t>(dht::Space::kv))
      console_.out << " number " << row.getSequence() << " \"" << base::printable(text(row.getName())) << '"';
    if (row.getWhat() == dht::kProviderNumber) {
      if (row.getWhose().size() > 0) console_.out << " at " << hex(row.getWhose());
    } else {
      console_.out << ", " << row.getBytes() << " B";
    }
    if (row.getExpires() > 0) console_.out << ", until " << until(row.getExpires());
    console_.out << '\n';
  }

  static std::string until(std::uint64_t unix_seconds) {
    constexpr std::uint64_t kMax = std::uint64_t{1} << 33;  // in 2242: WallTime ends in 2262
    return observe::date_text(base::WallTime(std::chrono::seconds(std::min(unix_seconds, kMax))));
  }

  void print_json(wire::RowSummary::Reader row) {
    JsonLine<output::wire::DhtRow> line;
    copy_same(row, *line);
    line->setKey(key_text(row));
    const std::string name = text(row.getName());
    if (!name.empty() && base::is_utf8(name)) line->setName({name.data(), name.size()});
    if (row.getWhose().size() > 0) {
      if (row.getWhat() == dht::kProviderNumber) line->setNode(row.getWhose());
      else line->setOwner(row.getWhose());
    }
    if (row.getExpires() > 0) line->getExpires().setValue(row.getExpires());
    line.print(console_.out);
  }

  Console& console_;
  const bool json_;
  bool summed_ = false;
  std::uint64_t rows_ = 0, bytes_ = 0;
};

}  // namespace

Ending dht_list(const Invocation& invocation, Console& console) {
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  RowPrinter printer(console, invocation.globals.json);
  const auto space = invocation.text("--space");
  const auto read = client.value()->subscribe<wire::ListRows, wire::AuditItem>(
      dht::kAuditPath, kListIdle,
      [&](wire::ListRows::Builder order) {
        if (space) order.setSpace(*space);
      },
      [&](wire::AuditItem::Reader item) { return printer.take(item); });
  if (!read.ok()) return read.error();
  if (!printer.end()) return Failure{{Code::corrupt, "the node ended the list early, before its last row"}};
  return Exit::done;
}

}  // namespace troupe::apps
