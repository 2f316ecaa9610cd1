// troupe airdrop object
#include "actors/airdrop/api.hpp"
#include "apps/airdrop/airdrop.hpp"
#include "apps/cli/json.hpp"
#include "apps/wallet/requests.hpp"
#include "messages/codec.hpp"

namespace troupe::apps {
namespace {

using namespace airdrops;
using namespace wallets;
namespace drop = airdrop::wire;

constexpr const char* kObjectHelp = "troupe help airdrop object";

/// The typed arguments: a reason, or the owner's decision.
struct Said {
  std::string reason;
  bool decides = false, strike = false;
};
base::Result<Said, Failure> said_typed(const Invocation& invocation) {
  const bool strike = invocation.has("--strike"), keep = invocation.has("--keep");
  Said out{invocation.text("--reason").value_or(""), strike || keep, strike};
  if (strike && keep) return usage_failure("--strike and --keep contradict each other: give one of them", kObjectHelp);
  if (out.decides && !out.reason.empty())
    return usage_failure("--reason objects, --strike and --keep decide: give only one of them", kObjectHelp);
  if (!out.decides && !airdrop::is_reason(out.reason))
    return usage_failure("--reason needs 1 to 256 bytes of text without control characters", kObjectHelp);
  return out;
}

}  // namespace

Ending airdrop_object(const Invocation& invocation, Console& console) {
  const auto id = id_typed(*invocation.text("ID"), kObjectHelp);
  if (!id.ok()) return id.error();
  const auto who = account_typed(console, *invocation.text("NODE"), kObjectHelp);
  if (!who.ok()) return who.error();
  const auto said = said_typed(invocation);
  if (!said.ok()) return said.error();
  auto request = KeptRequest::open(invocation, console);
  if (!request.ok()) return request.error();
  const auto signer = open_signer(invocation, console);
  if (!signer.ok()) return signer.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto seen = airdrop_seen(*client.value(), id.value());
  if (!seen.ok()) return seen.error();
  std::optional<Share> found;
  const auto walked = walk_shares(*client.value(), id.value(), seen.value(), {}, [&](const Share& share) {
    if (share.recipient.to == who.value()) found = share;
    return !found.has_value();
  });
  if (!walked.ok()) return walked.error();
  if (!found)
    return Failure{.error = {base::Code::not_found, "the list of the airdrop has no such recipient"},
                   .try_ = "troupe airdrop show " + id.value().hex()};

  const wallet::Address& to = found->recipient.to;
  const std::string asked = "airdrop object " + id.value().hex() + ' ' + text(to) + ' ' +
                            text(signer.value().address()) +
                            (said.value().strike    ? " strike"
                             : said.value().decides ? " keep"
                                                    : " reason " + said.value().reason);
  if (const auto kept = request.value().keep(base::as_bytes(asked)); !kept.ok()) return kept.error();
  auto answer =
      said.value().decides
          ? ask_book<drop::Decide, drop::ObjectedRow>(
                *client.value(), airdrop::kPath,
                [&](drop::Decide::Builder out) {
                  out.setId(data_of(id.value().view()));
                  out.setIndex(found->index);
                  out.setRecipient(data_of(to.view()));
                  out.setStrike(said.value().strike);
                  wallet::write(out.initBy(),
                                signer.value().approve(airdrop::decide_bytes(id.value(), to, said.value().strike)));
                })
          : ask_book<drop::Object, drop::ObjectedRow>(*client.value(), airdrop::kPath, [&](drop::Object::Builder out) {
              out.setId(data_of(id.value().view()));
              out.setIndex(found->index);
              out.setRecipient(data_of(to.view()));
              out.setReason(said.value().reason);
              wallet::write(out.initBy(),
                            signer.value().approve(airdrop::object_bytes(id.value(), to, said.value().reason)));
            });
  if (!answer.ok()) {
    request.value().failed(answer.error());
    return answer.error();
  }
  const auto objected = airdrop::decode_objected(bytes_of(answer.value().root().getObjected()));
  if (!objected || objected->recipient != found->recipient)
    return odd_answer("it is not an objection to this recipient");
  found->objected = &*objected;
  const std::string state = objected->struck() ? "struck" : objected->verdict ? "waiting" : "objected";
  if (!invocation.globals.json) {
    console.out << state << '\n';
    return Exit::done;
  }
  if (objected->struck()) found->amount = wallet::Amount();
  JsonLine<output::wire::AirdropObjected> line;
  line->setAirdrop(data(id.value().view()));
  write_recipient(line->initRecipient(), *found, state);
  line.print(console.out);
  return Exit::done;
}

}  // namespace troupe::apps
