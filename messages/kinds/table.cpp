#include "messages/kinds/table.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "messages/annotations.capnp.h"
#include "messages/kinds.hpp"

namespace troupe::messages::build {
namespace {

using capnp::schema::CodeGeneratorRequest;
using capnp::schema::Node;

constexpr std::uint64_t kKindAnnotation = 0xe1a5c0d37b924f68;       // messages/annotations.capnp
constexpr std::uint64_t kNamespaceAnnotation = 0xb9c6f99ebf805f2c;  // capnp/c++.capnp
constexpr std::string_view kNamespaceBegin = "troupe::";
constexpr std::string_view kNamespaceEnd = "::wire";

std::optional<capnp::schema::Value::Reader> annotation(Node::Reader node, std::uint64_t id) {
  for (const auto one : node.getAnnotations()) {
    if (one.getId() == id) return one.getValue();
  }
  return std::nullopt;
}

std::string_view lane_name(wire::Lane lane) {
  switch (lane) {
    case wire::Lane::NORMAL: return "normal";
    case wire::Lane::CONTROL: return "control";
  }
  throw BadSchema("a lane of annotations.capnp is unknown to messages/kinds");
}

std::string_view when_full_name(wire::WhenFull rule) {
  switch (rule) {
    case wire::WhenFull::DROP_NEWEST: return "drop_newest";
    case wire::WhenFull::KEEP_LATEST: return "keep_latest";
    case wire::WhenFull::CREDIT: return "credit";
  }
  throw BadSchema("a rule of annotations.capnp is unknown to messages/kinds");
}

class Reading {
 public:
  explicit Reading(CodeGeneratorRequest::Reader request) {
    for (const auto node : request.getNodes()) nodes_.emplace(node.getId(), node);
    for (const auto info : request.getSourceInfo()) {
      if (info.hasDocComment()) commented_.insert(info.getId());
    }
  }

  Table run(CodeGeneratorRequest::Reader request) {
    for (const auto file : request.getRequestedFiles()) {
      const Node::Reader node = nodes_.at(file.getId());
      const std::string domain = domain_of(node);
      for (const auto nested : node.getNestedNodes()) {
        read(nodes_.at(nested.getId()), nested.getName(), domain);
      }
    }
    for (const auto& [id, node] : nodes_) {  // ascending, as a std::map is
      if (node.isStruct() || node.isEnum()) table_.schemas.push_back(id);
    }
    std::ranges::sort(table_.kinds, {}, &KindRow::id);
    return std::move(table_);
  }

 private:
  static std::string domain_of(Node::Reader file) {
    if (const auto value = annotation(file, kNamespaceAnnotation)) {
      std::string_view space(value->getText().begin(), value->getText().size());
      if (space.starts_with(kNamespaceBegin) && space.ends_with(kNamespaceEnd)) {
        space.remove_prefix(std::min(space.size(), kNamespaceBegin.size()));
        space.remove_suffix(std::min(space.size(), kNamespaceEnd.size()));
        if (!space.empty() && space.find(':') == space.npos) return std::string(space);
      }
    }
    throw BadSchema(std::string(file.getDisplayName()) + ": needs $Cxx.namespace(\"troupe::<domain>::wire\")");
  }

  void read(Node::Reader node, const std::string& path, const std::string& domain) {
    if (const auto value = annotation(node, kKindAnnotation)) {
      read_kind(node, value->getStruct().getAs<wire::Kind>(), path, domain);
    }
    for (const auto nested : node.getNestedNodes()) {
      read(nodes_.at(nested.getId()), path + "." + std::string(nested.getName()), domain);
    }
  }

  void read_kind(Node::Reader node, wire::Kind::Reader kind, const std::string& path, const std::string& domain) {
    const auto refuse = [&](const std::string& why) {
      throw BadSchema(std::string(node.getDisplayName()) + ": " + why);
    };
    if (!commented_.contains(node.getId())) refuse("a kind says in a comment what it means");
    if (node.getIsGeneric()) refuse("a generic struct cannot be a kind");
    if (kind.getBytesMax() == 0) refuse("bytesMax is 0, which would mean that no message fits");
    if (kind.getBytesMax() > kBytesMaxLimit) {
      refuse("bytesMax is " + std::to_string(kind.getBytesMax()) + ", more than the " + std::to_string(kBytesMaxLimit) +
             " of a frame; send it as a stream");
    }
    const std::string name = domain == "messages" ? path : domain + "." + path;
    if (!names_.insert(name).second) refuse("another kind has the name " + name);

    unsigned from = static_cast<unsigned>(Role::inside);
    for (const auto role : kind.getFrom()) from |= 1u << static_cast<unsigned>(role);
    if (kind.getDatagram() && (from & static_cast<unsigned>(Role::peer)) == 0)
      refuse("a kind that no peer may send is asked by no datagram");
    table_.kinds.push_back({node.getId(), name, std::string(lane_name(kind.getLane())),
                            std::string(when_full_name(kind.getWhenFull())), from, kind.getBytesMax(),
                            kind.getDatagram()});
  }

  std::map<std::uint64_t, Node::Reader> nodes_;
  std::set<std::uint64_t> commented_;
  std::set<std::string> names_;
  Table table_;
};

}  // namespace

Table read_table(CodeGeneratorRequest::Reader request) { return Reading(request).run(request); }

}  // namespace troupe::messages::build
