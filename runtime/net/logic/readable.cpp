#include "runtime/net/logic/readable.hpp"

#include <capnp/dynamic.h>
#include <capnp/schema-loader.h>
#include <capnp/serialize.h>

#include <map>
#include <memory>
#include <vector>

namespace troupe::net {
namespace {

using capnp::DynamicList;
using capnp::DynamicStruct;
using capnp::StructSchema;

constexpr int kNestingMax = 32;            // as in runtime::Envelope
constexpr std::uint64_t kReadsFree = 128;  // words; default values are read too

/// The fields of a struct that are pointers, or contain pointers.
struct Plan {
  struct Step {
    StructSchema::Field field;
    const Plan* parts = nullptr;  ///< of a struct, or of the structs in a list; null: it has no pointers
    int depth = 0;                ///< of lists in lists
  };
  std::vector<Step> always;
  std::vector<Step> in_union;  ///< one of them at a time
};

class Plans {
 public:
  Plans() {
    for (const messages::SchemaInfo& one : messages::all_schemas()) {
      const kj::ArrayPtr<const capnp::word> segments[] = {
          {reinterpret_cast<const capnp::word*>(one.node.data()), one.node.size() / sizeof(capnp::word)}};
      capnp::SegmentArrayMessageReader node(segments);
      loader_.load(node.getRoot<capnp::schema::Node>());
    }
    for (const messages::KindInfo& kind : messages::all_kinds()) {
      const StructSchema schema = loader_.get(kind.id).asStruct();
      const Plan& plan = of(schema);
      kinds_.emplace(kind.id, std::pair(schema, &plan));
    }
  }
  const std::pair<StructSchema, const Plan*>& of(const messages::KindInfo& kind) const { return kinds_.at(kind.id); }

 private:
  const Plan& of(StructSchema schema) {
    const auto [at, fresh] = plans_.try_emplace(schema.getProto().getId());
    if (!fresh) return *at->second;
    at->second = std::make_unique<Plan>();
    Plan& plan = *at->second;
    for (const auto field : schema.getNonUnionFields()) add(plan.always, field);
    for (const auto field : schema.getUnionFields()) add(plan.in_union, field);
    return plan;
  }
  void add(std::vector<Plan::Step>& steps, StructSchema::Field field) {
    capnp::Type type = field.getType();
    Plan::Step step{field};
    for (; type.isList(); ++step.depth) type = type.asList().getElementType();
    if (type.isStruct()) step.parts = &of(type.asStruct());
    const bool pointer = type.isText() || type.isData() || type.isStruct() || step.depth > 0;
    if (pointer) steps.push_back(step);
  }

  capnp::SchemaLoader loader_;
  std::map<std::uint64_t, std::unique_ptr<Plan>> plans_;
  std::map<std::uint64_t, std::pair<StructSchema, const Plan*>> kinds_;
};

/// Follows all pointers of a message.
class Following {
 public:
  explicit Following(std::uint64_t elements_max) : elements_left_(elements_max) {}

  /// Returns false if it has more elements than allowed.
  bool all(const DynamicStruct::Reader& value, const Plan& plan) {
    for (const Plan::Step& step : plan.always)
      if (!one(value, step)) return false;
    if (plan.in_union.empty()) return true;
    KJ_IF_MAYBE (active, value.which()) {
      for (const Plan::Step& step : plan.in_union)
        if (step.field == *active && !one(value, step)) return false;
    }
    return true;
  }

 private:
  bool one(const DynamicStruct::Reader& value, const Plan::Step& step) {
    const auto found = value.get(step.field);
    if (step.depth > 0) return all(found.as<DynamicList>(), step.parts, step.depth);
    return step.parts == nullptr || all(found.as<DynamicStruct>(), *step.parts);
  }
  bool all(const DynamicList::Reader& list, const Plan* parts, int depth) {
    const bool texts = list.getSchema().getElementType().isText() || list.getSchema().getElementType().isData();
    if (depth == 1 && !texts && (parts == nullptr || (parts->always.empty() && parts->in_union.empty()))) return true;
    if (list.size() > elements_left_) return false;
    elements_left_ -= list.size();
    for (unsigned i = 0; i < list.size(); ++i) {
      const auto element = list[i];
      if (depth > 1 ? !all(element.as<DynamicList>(), parts, depth - 1)
                    : parts != nullptr && !all(element.as<DynamicStruct>(), *parts))
        return false;
    }
    return true;
  }

  std::uint64_t elements_left_;
};

}  // namespace

bool readable(base::ByteView payload, const messages::KindInfo& kind) {
  static const Plans plans;
  const auto& [schema, plan] = plans.of(kind);
  const kj::ArrayPtr<const capnp::word> words(reinterpret_cast<const capnp::word*>(payload.data()),
                                              payload.size() / sizeof(capnp::word));
  try {
    capnp::FlatArrayMessageReader message(words, {words.size() + kReadsFree, kNestingMax});
    return Following(words.size()).all(message.getRoot<DynamicStruct>(schema), *plan);
  } catch (const kj::Exception&) {
    return false;
  }
}

}  // namespace troupe::net
