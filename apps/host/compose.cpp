#include "apps/host/compose.hpp"

#include "apps/cli/directory_access.hpp"
#include "runtime/config/forms.hpp"
#include "runtime/config/known.hpp"

namespace troupe::apps {
namespace {

std::vector<base::PublicKey> keys(const config::Texts& texts) {
  std::vector<base::PublicKey> out;
  for (const auto& text : texts)
    if (const auto key = base::PublicKey::from_hex(text)) out.push_back(*key);
  return out;
}

}  // namespace

runtime::NodeLimits node_limits(const config::Settings& settings) {
  runtime::NodeLimits limits;
  limits.mailbox_max = settings.get(config::kActorsMailboxMax);
  return limits;
}

net::NetSetup net_setup(const config::Settings& settings, std::shared_ptr<const crypto::Identity> identity) {
  net::NetSetup setup;
  setup.identity = std::move(identity);
  setup.terms.work_bits = static_cast<unsigned>(settings.get(config::kIdentityWorkBits));
  setup.operators = std::make_shared<const net::Operators>(
      net::Operators{keys(settings.get(config::kOperatorsView)), keys(settings.get(config::kOperatorsOperate))});
  setup.limits.links_max = settings.get(config::kNetLinksMax);
  setup.limits.links_per_address_max = settings.get(config::kNetLinksPerAddressMax);
  setup.limits.handshakes_per_address_max = settings.get(config::kNetHandshakesPerAddressMax);
  setup.limits.handshake_timeout = settings.get(config::kNetHandshakeTimeout);
  setup.limits.handshakes_per_second = static_cast<std::uint32_t>(settings.get(config::kNetHandshakesPerSecond));
  setup.limits.frame_bytes_max = static_cast<std::uint32_t>(settings.get(config::kNetFrameBytesMax).value);
  setup.limits.buffer_bytes_max = settings.get(config::kNetBufferBytesMax).value;
  setup.limits.questions_in_flight_max = settings.get(config::kNetQuestionsInFlightMax);
  setup.limits.questions_per_second_max = static_cast<std::uint32_t>(settings.get(config::kNetQuestionsPerSecondMax));
  setup.limits.keep_alive = settings.get(config::kNetKeepAlive);
  setup.listen = base::HostPort::parse(settings.get(config::kListen));
  setup.control_path = kControlSocket;
  return setup;
}

std::vector<node::Domain> compose(const node::DomainParts& parts, const DomainSpecs& specs) {
  std::vector<node::Domain> out;
  for (const auto* spec : specs) {
    if (spec->make == nullptr) continue;
    node::DomainParts own = parts;
    if (spec->logs && parts.log != nullptr)
      own.domain_log = observe::DomainLog(*parts.log, spec->name,
                                          [&clock = parts.pool->node().world().clock] { return clock.now(); });
    out.push_back(spec->make(own));
  }
  return out;
}

node::NodeActor::Setup root_setup(const node::DomainParts& parts, std::vector<node::Domain> made, std::string name) {
  node::NodeActor::Setup setup{.id = parts.pool->setup().identity->id(),
                               .key = parts.pool->setup().identity->public_key(),
                               .name = std::move(name)};
  setup.domains = std::move(made);
  setup.incomplete = [pool = parts.pool](bool on) { pool->services_incomplete = on; };
  setup.listen = [serving = parts.serving] { return serving->text(); };
  setup.peers = [pool = parts.pool] {
    std::size_t peers = 0;
    for (const auto& link : pool->rows()) peers += link.role == messages::Role::peer ? 1u : 0u;
    return peers;
  };
  setup.seats = [pool = parts.pool] { return pool->seats().taken; };
  setup.seats_max = parts.pool->seats().most;
  setup.health = parts.health;
  setup.log = parts.log;
  return setup;
}

}  // namespace troupe::apps
