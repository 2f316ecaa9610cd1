// troupe registry register | unregister
#include "apps/registry/registry.hpp"
#include "apps/registry/rows.hpp"
#include "apps/wallet/typed.hpp"
#include "runtime/base/text.hpp"

namespace troupe::apps {
namespace {

constexpr const char* kRegisterHelp = "troupe help registry register";
constexpr std::chrono::seconds kDue{30};

Ending print_node(const Invocation& invocation, Console& console, registry::wire::Registered::Reader answer) {
  const auto node = node_of(answer.getNode());
  const auto registration = registry::parse_registration(bytes_of(answer.getRegistration()));
  if (!node || !registration) return Failure{.error = {base::Code::corrupt, "cannot decode the node's response"}};
  if (!invocation.globals.json) {
    console.out << node->hex() << '\n';
    return Exit::done;
  }
  JsonLine<output::wire::RegistryOwn> line;
  line->setNode(data(node->view()));
  line->setRegistered(registration->registered);
  registries::write_capabilities(line->initCapabilities(), registration->capabilities);
  if (registration->price) line->setPrice(std::to_string(*registration->price));
  line.print(console.out);
  return Exit::done;
}

}  // namespace

Ending registry_register(const Invocation& invocation, Console& console) {
  registry::Capabilities added;
  for (const std::string& typed : invocation.all("--capability")) {
    const auto one = registry::capability_typed(typed);
    if (!one)
      return usage_failure(
          "invalid capability: expected a name, or a name and a value as in vram=8G (arch, cpu, disk, memory and "
          "runtimes are measured), got \"" +
              base::shortened(typed, 80) + '"',
          kRegisterHelp);
    registry::put(added, *one);
  }
  if (!registry::in_order(added))
    return usage_failure("a node has at most " + std::to_string(registry::kCapabilitiesMax) + " capabilities",
                         kRegisterHelp);
  std::uint64_t price = 0;
  if (const auto typed = invocation.text("--price")) {
    const auto amount = wallets::amount_typed(*typed, kRegisterHelp);
    if (!amount.ok()) return amount.error();
    price = amount.value().units();
  }
  std::optional<wallet::Address> pay_to;
  if (const auto typed = invocation.text("--pay-to")) {
    const auto address = wallets::address_typed(*typed, kRegisterHelp);
    if (!address.ok()) return address.error();
    pay_to = address.value();
  }
  const auto request = wallets::request_typed(invocation);
  if (!request.ok()) return request.error();
  base::Bytes bytes;
  append(bytes, added);
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto answer = client.value()->ask<registry::wire::Register, registry::wire::Registered>(
      registry::kPath, kDue, [&](registry::wire::Register::Builder out) {
        out.setCapabilities(data_of(bytes));
        out.setPrice(price);
        if (pay_to) out.setPayTo(data_of(pay_to->view()));
        out.setRequest(request.value());
      });
  if (!answer.ok()) return answer.error();
  return print_node(invocation, console, answer.value().root());
}

Ending registry_unregister(const Invocation& invocation, Console& console) {
  const auto request = wallets::request_typed(invocation);
  if (!request.ok()) return request.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto answer = client.value()->ask<registry::wire::Unregister, registry::wire::Registered>(
      registry::kPath, kDue, [&](registry::wire::Unregister::Builder out) { out.setRequest(request.value()); });
  if (!answer.ok()) return answer.error();
  return print_node(invocation, console, answer.value().root());
}

}  // namespace troupe::apps
