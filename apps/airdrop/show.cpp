// troupe airdrop check | ls | show
#include <filesystem>

#include "actors/airdrop/api.hpp"
#include "apps/airdrop/airdrop.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "messages/codec.hpp"
#include "runtime/base/text.hpp"

namespace troupe::apps {
namespace {

using namespace airdrops;
using namespace wallets;
namespace drop = airdrop::wire;

constexpr const char* kAirdropCheckHelp = "troupe help airdrop check";

/// A share together with its objections.
struct Row {
  Share share;
  std::string state;
};

void print_rows(std::ostream& out, const std::vector<Row>& rows) {
  TextTable table({{"TO"}, {"AMOUNT", Align::right}, {"STATE"}, {"WEIGHT", Align::right}, {"OBJECTIONS"}});
  for (const auto& [share, state] : rows) {
    std::string reasons;
    if (share.objected != nullptr)
      for (const airdrop::Objection& one : share.objected->objections)
        reasons += (reasons.empty() ? "" : "; ") + base::printable(one.reason);
    table.add({text(share.recipient.to), share.amount.text(), state, std::to_string(share.recipient.weight),
               reasons.empty() ? "-" : reasons});
  }
  table.print(out);
}

void write_rows(output::wire::AirdropShown::Builder out, const std::vector<Row>& rows) {
  auto list = out.initRecipients(size32(rows));
  for (unsigned i = 0; i < list.size(); ++i) write_recipient(list[i], rows[i].share, rows[i].state);
}

/// `rows` is the whole list, or the requested rows.
void print_airdrop(const Invocation& invocation, Console& console, const airdrop::AirdropId& id,
                   const airdrop::Seen& seen, const std::vector<Row>& rows) {
  const airdrop::Airdrop& airdrop = seen.airdrop;
  const bool published = airdrop.state != airdrop::State::filling;
  if (invocation.globals.json) {
    JsonLine<output::wire::AirdropShown> line;
    line->setAirdrop(data(id.view()));
    line->setState(std::string(name(airdrop.state)));
    line->setPool(airdrop.pool.text());
    line->setPaid(airdrop.cursor.paid.text());
    write_rows(*line, rows);
    line->setOwner(text(airdrop.owner));
    line->setAddress(text(airdrop::account_of(id)));
    line->setCreated(airdrop.created.count());
    if (published) line->getObjectionsUntil().setValue(airdrop.ends.count());
    if (!airdrop.why.empty()) line->setWhy(airdrop.why);
    return line.print(console.out);
  }
  console.out << "airdrop     " << id.hex() << "\nstate       " << name(airdrop.state) << "\npool        "
              << airdrop.pool.text() << ", of " << text(airdrop.owner) << "\npaid        " << airdrop.cursor.paid.text()
              << "\nrecipients  " << airdrop.recipients << ", " << airdrop.struck << " struck\n";
  if (airdrop.state == airdrop::State::published)
    console.out << "objections  until " << date_of(airdrop.ends)
                << "; then all recipients are paid except those that were struck\n";
  if (!airdrop.why.empty()) console.out << "returned    " << base::printable(airdrop.why) << '\n';
  print_rows(console.out, rows);
}

Ending check_file(const Invocation& invocation, Console& console, const std::string& path) {
  auto promise = promise_in(path, kAirdropCheckHelp);
  if (!promise.ok()) return promise.error();
  if (promise.value().uptime) {
    auto client = Client::connect(invocation, console);
    if (!client.ok()) return client.error();
    if (const auto listed = complete(promise.value(), *client.value(), Keep::no); !listed.ok()) return listed.error();
  }
  const auto terms = terms_of(promise.value(), kAirdropCheckHelp);
  if (!terms.ok()) return terms.error();
  for (const std::string& note : promise.value().notes) console.err << "note: " << note << '\n';
  airdrop::Shares shares(terms.value().pool, terms.value().weights);
  std::vector<Row> rows;
  for (const airdrop::Recipient& one : promise.value().list) {
    Share share{static_cast<std::uint32_t>(rows.size()), one, shares.next(one.weight)};
    rows.push_back({share, share.amount == wallet::Amount() ? "none" : "waiting"});
  }
  if (!invocation.globals.json) {
    console.out << "pool        " << terms.value().pool.text() << "\nrecipients  " << rows.size() << '\n';
    print_rows(console.out, rows);
    return Exit::done;
  }
  JsonLine<output::wire::AirdropShown> line;
  line->setPool(terms.value().pool.text());
  line->setPaid("0");
  write_rows(*line, rows);
  line.print(console.out);
  return Exit::done;
}

/// Shows the airdrop with all of its recipients, or with one recipient.
Ending show(const Invocation& invocation, Console& console, const airdrop::AirdropId& id,
            const std::optional<wallet::Address>& only) {
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto seen = airdrop_seen(*client.value(), id);
  if (!seen.ok()) return seen.error();
  const auto objected = objected_seen(*client.value(), id, seen.value().terms);
  if (!objected.ok()) return objected.error();
  std::vector<Row> rows;
  const auto walked = walk_shares(*client.value(), id, seen.value(), objected.value(), [&](const Share& share) {
    if (!only || share.recipient.to == *only) rows.push_back({share, state_of(seen.value().airdrop, share)});
    return !only || rows.empty();
  });
  if (!walked.ok()) return walked.error();
  if (only && rows.empty())
    return Failure{.error = {base::Code::not_found, "this account is not in the list of the airdrop: it gets nothing"},
                   .try_ = "troupe airdrop show " + id.hex()};
  print_airdrop(invocation, console, id, seen.value(), rows);
  return Exit::done;
}

}  // namespace

Ending airdrop_check(const Invocation& invocation, Console& console) {
  const std::string typed = *invocation.text("FILE|ID");
  const auto id = airdrop::AirdropId::from_hex(typed);
  if (!id || std::filesystem::exists(typed)) return check_file(invocation, console, typed);
  const auto account = account_typed(console, invocation.text("--wallet"), kAirdropCheckHelp);
  if (!account.ok()) return account.error();
  return show(invocation, console, *id, account.value());
}

Ending airdrop_show(const Invocation& invocation, Console& console) {
  const auto id = id_typed(*invocation.text("ID"), "troupe airdrop ls");
  if (!id.ok()) return id.error();
  return show(invocation, console, id.value(), std::nullopt);
}

Ending airdrop_list(const Invocation& invocation, Console& console) {
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  JsonLine<output::wire::AirdropSummaries> line;
  struct Listed {
    airdrop::AirdropId id;
    wallet::Address owner;
    wallet::Amount pool, paid;
    std::string state;
    std::uint32_t recipients = 0;
    std::uint64_t ends = 0;
  };
  std::vector<Listed> all;
  base::Bytes from;
  do {
    auto page = ask_book<drop::ListAirdrops, drop::Airdrops>(
        *client.value(), airdrop::kPath, [&](drop::ListAirdrops::Builder out) { out.setFrom(data_of(from)); });
    if (!page.ok()) return page.error();
    for (const auto row : page.value().root().getRows()) {
      const auto id = airdrop::AirdropId::from(bytes_of(row.getId()));
      const auto owner = wallet::Address::from(bytes_of(row.getOwner()));
      const auto pool = wallet::Amount::from(row.getPool()), paid = wallet::Amount::from(row.getPaid());
      if (!id || !owner || !pool || !paid) return odd_answer("it lists an entry that is not an airdrop");
      all.push_back({*id, *owner, *pool, *paid, text_of(row.getState()), row.getRecipients(), row.getEnds()});
    }
    const auto next = bytes_of(page.value().root().getNext());
    if (!next.empty() && !std::ranges::lexicographical_compare(from, next))
      return odd_answer("its pages do not continue");
    from.assign(next.begin(), next.end());
  } while (!from.empty());
  if (!invocation.globals.json) {
    TextTable table({{"AIRDROP"},
                     {"STATE"},
                     {"POOL", Align::right},
                     {"PAID", Align::right},
                     {"RECIPIENTS", Align::right},
                     {"OBJECTIONS UNTIL"}});
    for (const Listed& one : all)
      table.add({one.id.hex(), base::printable(one.state), one.pool.text(), one.paid.text(),
                 std::to_string(one.recipients), one.state == "created" ? "-" : date_of(wallet::UnixMs(one.ends))});
    table.print(console.out);
    return Exit::done;
  }
  auto rows = line->initRows(size32(all));
  for (unsigned i = 0; i < rows.size(); ++i) {
    rows[i].setAirdrop(data(all[i].id.view()));
    rows[i].setState(all[i].state);
    rows[i].setPool(all[i].pool.text());
    rows[i].setPaid(all[i].paid.text());
    rows[i].setRecipients(all[i].recipients);
    rows[i].setOwner(text(all[i].owner));
    if (all[i].state != "created") rows[i].getObjectionsUntil().setValue(all[i].ends);
  }
  write_json_line(console.out, capnp::toDynamic(rows.asReader()));
  return Exit::done;
}

}  // namespace troupe::apps
