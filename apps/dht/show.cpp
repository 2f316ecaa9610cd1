#include "apps/dht/show.hpp"

#include <algorithm>

#include "actors/dht/api.hpp"
#include "actors/dht/logic/lookup_types.hpp"
#include "actors/dht/logic/range.hpp"
#include "apps/cli/copy_same.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/shell_word.hpp"
#include "apps/cli/terminal.hpp"
#include "messages/contact.hpp"
#include "runtime/base/text.hpp"
#include "runtime/crypto/identity.hpp"

namespace troupe::apps::dht_command {
namespace {

double milliseconds(std::uint64_t micros) { return static_cast<double>(micros) / 1'000; }

std::string text_of_ms(std::uint64_t micros) { return fixed(milliseconds(micros), 1) + " ms"; }

/// Returns how many leading bits the asked node shares with the key.
std::size_t bits_shared(dht::wire::Question::Reader question) {
  const auto distance = dht::Key::from({question.getDistance().begin(), question.getDistance().size()});
  return dht::shared_bits(distance.value_or(dht::Key{}), dht::Key{});
}

bool can_change(dht::wire::GotValue::Reader got) { return got.hasOwner() && got.getOwner().size() > 0; }
}  // namespace

base::NodeId id_of(messages::wire::Contact::Reader contact) {
  const base::Contact where = messages::read_contact(contact);
  return crypto::node_id(where.key, where.nonce);
}

void print_contact(std::ostream& out, messages::wire::Contact::Reader contact) {
  out << id_of(contact).hex() << '@' << messages::read_contact(contact).endpoint.text() << '\n';
}

void write(output::wire::DhtContact::Builder out, messages::wire::Contact::Reader contact) {
  out.setNode(data(id_of(contact).view()));
  out.setAddress(messages::read_contact(contact).endpoint.text());
}

void write(output::wire::DhtSearch::Builder out, dht::wire::SearchResult::Reader search) {
  copy_same(search, out);
  out.setTookMs(milliseconds(search.getMicroseconds()));
  auto questions = out.getQuestions();
  const auto asked = search.getQuestions();  // followed once: a reader's traversal limit counts each access
  for (unsigned i = 0; i < questions.size(); ++i) {
    const auto from = asked[i];
    auto to = questions[i];
    to.setNode(data(id_of(from.getContact()).view()));
    to.setAddress(messages::read_contact(from.getContact()).endpoint.text());
    to.setSharedBits(static_cast<std::uint32_t>(bits_shared(from)));
    to.setTookMs(milliseconds(from.getMicroseconds()));
    if (from.getHasValue()) to.getSequence().setValue(from.getSequence());
    to.setContacts(from.getTaken());
  }
}

void write(output::wire::DhtValue::Builder out, const std::string& typed, dht::wire::GotValue::Reader got) {
  const auto value = got.getValue();
  const std::string words = text(value);
  out.setKey(typed);
  // Compared with the size: a NUL is text too. A sealed container is not text.
  if (!got.hasError() && !got.getSealed() && base::is_utf8(words)) out.setValue({words.data(), words.size()});
  if (!got.hasError()) out.setValueHex(value);
  out.setBytes(value.size());
  out.setSealed(got.getSealed());
  if (can_change(got)) {
    out.setOwner(got.getOwner());
    out.setName(text(got.getName()));
    out.getExpires().setValue(static_cast<std::uint64_t>(std::max<std::int64_t>(got.getExpires(), 0)));
  }
  out.setSequence(got.getSequence());
}

void write(output::wire::DhtValue::Builder out, const Invocation& get, const std::string& typed,
           dht::wire::GotValue::Reader got) {
  write(out, typed, got);
  const std::uint32_t holders = got.getSearch().getHolders();
  out.setHolders(holders);
  if (can_change(got)) {
    const std::uint64_t quorum = get.number("--quorum").value_or(dht::LookupQuestion{}.quorum);
    out.getQuorum().setValue(static_cast<std::uint32_t>(quorum));
    out.getAgreed().setValue(holders >= quorum);
  }
  write(out.initSearch(), got.getSearch());
}

std::string quorum_note(const Invocation& get, dht::wire::GotValue::Reader got) {
  const auto quorum = get.number("--quorum");
  const unsigned holders = got.getSearch().getHolders();
  if (!quorum || !can_change(got) || holders >= *quorum) return {};
  return std::to_string(holders) + (holders == 1 ? " other node agrees" : " other nodes agree") +
         " on it, fewer than the " + std::to_string(*quorum) + " asked for\n";
}

void print_value(const Invocation& invocation, Console& console, const std::string& typed,
                 dht::wire::GotValue::Reader got) {
  if (invocation.globals.json) return print_one_value(invocation, console, typed, got);
  if (!got.hasError()) print_raw(console, text(got.getValue()));
  console.out.flush();  // before the notes about it
  if (invocation.has("--explain")) explain(console.err, got.getSearch());
  console.err << quorum_note(invocation, got);
}

void print_one_value(const Invocation& invocation, Console& console, const std::string& typed,
                     dht::wire::GotValue::Reader got) {
  if (invocation.globals.json) {
    JsonLine<output::wire::DhtValue> line;
    write(*line, invocation, typed, got);
    return line.print(console.out);
  }
  console.out << typed << ' ' << base::printable(text(got.getValue())) << '\n';
  if (const std::string note = quorum_note(invocation, got); !note.empty())
    console.err << base::printable(typed) << ": " << note;
}

void print_put(const Invocation& invocation, Console& console, dht::Space space, dht::wire::PutOne::Reader done) {
  const std::string key = space_name(space) + hex(space == dht::Space::cid ? done.getDigest() : done.getKey());
  JsonLine<output::wire::DhtPut> line;
  copy_same(done, *line);  // its key has a different type
  line->setKey(key);
  if (invocation.globals.json) line.print(console.out);
  else console.out << key << '\n';
}

void print_put(const Invocation& invocation, Console& console, const std::string& key,
               dht::wire::PutDone::Reader done) {
  const auto search = done.getSearch();
  if (invocation.globals.json) {
    JsonLine<output::wire::DhtPut> line;
    line->setKey(key);
    line->setSequence(done.getSequence());
    line->setStored(search.getStored());
    line->setAsked(search.getStores());
    write(line->initSearch(), search);
    return line.print(console.out);
  }
  console.out << key << '\n';
  if (invocation.has("--explain")) explain(console.err, search);
  console.err << "stored at " << search.getStored() << " of " << search.getStores() << " nodes\n";
}

std::string alone_note(dht::wire::SearchResult::Reader put) {
  if (put.getStores() != 1 || put.getNearest().size() > 0) return {};
  return "note: no other node has it yet; this node publishes it again once it has a peer\n";
}

std::string kept_note(capnp::List<dht::wire::AuditSum>::Reader sums) {
  std::uint64_t kept = 0;
  for (const auto sum : sums) kept += sum.getExpired() - std::min(sum.getExpired(), sum.getRemoved());
  if (kept == 0) return {};
  return "note: expired rows that stay: " + std::to_string(kept) +
         "; they are deleted only after an hour without a start or a step of the clock, because a wrong date would "
         "delete everything\n";
}

Failure for_names_alone(const std::string& option) {
  return usage_failure(
      option + " needs a NAME, whose values this node signs: values under /cid and /pk do not change or expire",
      "troupe help dht put");
}

Failure wrong_reader(const std::string& typed) {
  return usage_failure("a reader must be a node's id of 40 hexadecimal digits, or its public key of 64, got \"" +
                           base::shortened(typed, 80) + '"',
                       "at the reader's node: troupe status");
}

std::string put_try(base::Code why, dht::Space space) {
  if (why == base::Code::no_space)
    return space == dht::Space::kv
               ? "later, when values there have expired; or use another NAME, which other nodes store"
               : "later, when values there have expired; or store it as a file: troupe help file put";
  const bool doubt = why == base::Code::unknown_outcome || why == base::Code::timeout || why == base::Code::dropped;
  return doubt ? "again; repeating it is safe" : "";
}

Failure wrong_key(const std::string& typed) {
  if (const auto digits = wrong_digits(typed)) return usage_failure(*digits, "troupe help dht get");
  if (const auto too_long = long_name(typed)) return usage_failure(*too_long, "troupe help dht put");
  return usage_failure(
      "invalid key: expected NAME, NAME@ID, /kv/NAME, /kv/ and 40 digits, /cid/ and 64 digits, or /pk/ and 40 digits, "
      "got \"" +
          typed + '"',
      "troupe help dht get");
}

Failure sealed_to_others(std::string outcome) {
  return {
      {base::Code::refused, "the value is sealed, but not for this node"},
      std::move(outcome),
      "at a node that is a reader: `troupe dht put NAME VALUE --reader KEY` names readers by their ids or public keys"};
}

Failure not_got(base::Error why, const std::string& typed, const std::string& way) {
  if (why.code != base::Code::not_found) return {std::move(why)};
  const auto key = parse_key(typed);
  const auto file_get = [&way](const base::Digest& cid) {
    return "troupe file get " + cid.hex() + ' ' + way + ", if it is the id of a file";
  };
  if (key && key->digest) return {std::move(why), {}, file_get(*key->digest)};
  if (!key || key->name.empty()) return {std::move(why), {}, "troupe help dht get"};
  if (const auto digest = base::Digest::from_hex(key->name))
    return {std::move(why), {}, "troupe dht get /cid/" + key->name + ' ' + way + "; " + file_get(*digest)};
  why.message += "; a NAME is a value of this node, NAME@ID a value of another node";
  return {std::move(why), {}, "troupe help dht get"};
}

Failure not_put(base::Error why, const TypedKey& key, const std::string& typed, const std::string& way) {
  const std::string get = "troupe dht get " + shell_word(typed) + ' ' + way + " --json";
  const base::Code code = why.code;
  Failure out{std::move(why), {}, {}};
  // Some nodes may have stored it without a response.
  if (code == base::Code::conflict || code == base::Code::no_space || code == base::Code::refused)
    out.outcome = "no node has confirmed that it stored it";
  if (code == base::Code::conflict) {
    out.outcome += "; --expect takes the `sequence` of the current value, or 0 if there is none";
    out.try_ = get;
    return out;
  }
  out.try_ = put_try(code, key.space);
  // Only under a name can a different value already exist.
  if (key.space == dht::Space::kv && exit_of(out, Effect::write) == Exit::unknown)
    out.try_ = get + " shows the current value";
  return out;
}

std::string space_name(dht::Space space) {
  return space == dht::Space::pk ? "/pk/" : space == dht::Space::kv ? "/kv/" : "/cid/";
}

void explain(std::ostream& out, dht::wire::SearchResult::Reader search) {
  TextTable table({{"NODE"},
                   {"ADDRESS"},
                   {"PATH", Align::right},
                   {"HOP", Align::right},
                   {"BITS", Align::right},
                   {"WHY ASKED"},
                   {"NAMED BY"},
                   {"WHAT CAME"},
                   {"AFTER", Align::right}});
  for (const auto one : search.getQuestions()) {
    const base::NodeId id = id_of(one.getContact());
    std::string came(one.getFate().begin(), one.getFate().size());
    if (came == "answered") {
      came = one.getHasValue()
                 ? "the value" + (one.getSequence() > 0 ? ", sequence " + std::to_string(one.getSequence()) : "")
                 : std::to_string(one.getTaken()) + " contacts";
    }
    table.add({id.hex().substr(0, 8), messages::read_contact(one.getContact()).endpoint.text(),
               std::to_string(one.getPath()), std::to_string(one.getDepth()), std::to_string(bits_shared(one)),
               std::string(one.getChosen().begin(), one.getChosen().size()),
               one.hasNamedBy() ? hex(one.getNamedBy()).substr(0, 8) : "our table", came,
               text_of_ms(one.getMicroseconds())});
  }
  table.print(out);
  for (const auto one : search.getRefused())
    out << "refused: " << hex(one.getNode()).substr(0, 8) << ", named by " << hex(one.getNamedBy()).substr(0, 8) << ": "
        << std::string(one.getWhy().begin(), one.getWhy().size()) << '\n';
  out << std::string(search.getEnding().begin(), search.getEnding().size()) << ": " << search.getAsked() << " asked, "
      << search.getUnanswered() << " without a response, " << search.getHops() << " hops, "
      << text_of_ms(search.getMicroseconds()) << '\n';
}

}  // namespace troupe::apps::dht_command
