#include "runtime/sandbox/hosts.hpp"

#include <map>

namespace troupe::sandbox {

std::vector<base::Endpoint> inside_of(std::span<const base::HostPort> hosts) {
  std::map<std::string, base::Endpoint> names;
  std::vector<base::Endpoint> out;
  for (const base::HostPort& host : hosts) {
    auto at = base::Endpoint::parse(host.text());
    if (!at) {
      auto next = *base::Endpoint::parse("127.1.0.0:0");
      next.address.back() = static_cast<std::uint8_t>(names.size() + 1);  // kHostsMax is below 255
      at = names.try_emplace(host.host, next).first->second;
      at->port = host.port;
    }
    out.push_back(*at);
  }
  return out;
}

std::string names_file(std::span<const base::HostPort> hosts) {
  const auto inside = inside_of(hosts);
  std::map<std::string, std::string> names;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    if (base::Endpoint::parse(hosts[i].text())) continue;
    const std::string at = inside[i].text();
    names.emplace(hosts[i].host, at.substr(0, at.rfind(':')));
  }
  std::string out = names.contains("localhost") ? "" : "127.0.0.1 localhost\n::1 localhost\n";
  for (const auto& [name, at] : names) out += at + ' ' + name + '\n';
  return out;
}

}  // namespace troupe::sandbox
