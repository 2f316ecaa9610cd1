// troupe validator resume
#include "apps/chain/chain.hpp"
#include "apps/cli/json.hpp"
#include "apps/wallet/on_chain.hpp"
#include "messages/codec.hpp"
#include "messages/output/chain.capnp.h"

namespace troupe::apps {
namespace {

using namespace wallets;
namespace resume_wire = chain::wire;

constexpr const char* kResumeHelp = "troupe help validator resume";
constexpr std::chrono::seconds kResumeValidatorAnswer{45};  // our choice: longer than the node waits for its disk

/// Returns the id of the validator of the client's node, if `address` operates it.
Client::Outcome<base::Bytes> own_validator(Client& client, const wallet::Address& address) {
  auto answer = ask_chain<resume_wire::ListValidators, resume_wire::ValidatorInfos>(
      client, [](resume_wire::ListValidators::Builder) {});
  if (!answer.ok()) return answer.error();
  for (const auto row : answer.value().root().getRows()) {
    if (!row.hasGuard()) continue;
    if (wallet::Address::from(bytes_of(row.getOperator())) != std::optional(address)) break;
    return base::Bytes(row.getNode().begin(), row.getNode().end());
  }
  return Failure{{base::Code::not_found, "this node has no validator with the operator " + text(address)},
                 "nothing was done",
                 "troupe validator ls"};
}

}  // namespace

Ending validator_resume(const Invocation& invocation, Console& console) {
  const auto from = invocation.number("--from");
  if (!from) return usage_failure("give the first height that it may sign with --from", kResumeHelp);
  const auto address = account_typed(console, *invocation.text("NAME"), kResumeHelp);
  if (!address.ok()) return address.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto validator = own_validator(*client.value(), address.value());
  if (!validator.ok()) return validator.error();
  auto answer = ask_chain<resume_wire::ResumeValidator, resume_wire::ValidatorResumed>(
      *client.value(), [&](resume_wire::ResumeValidator::Builder out) { out.setFrom(*from); }, kResumeValidatorAnswer);
  if (!answer.ok()) return answer.error();
  const std::uint64_t height = answer.value().root().getHeight();
  if (invocation.globals.json) {
    JsonLine<output::wire::ValidatorResumed> line;
    line->setValidator(data_of(validator.value()));
    line->setFrom(height);
    line.print(console.out);
  } else {
    console.out << "the validator signs from height " << height << " on\n";
  }
  return Exit::done;
}

}  // namespace troupe::apps
