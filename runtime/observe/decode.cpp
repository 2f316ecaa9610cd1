#include "runtime/observe/decode.hpp"

#include <capnp/dynamic.h>
#include <capnp/message.h>
#include <capnp/schema-loader.h>
#include <capnp/serialize.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <map>
#include <string_view>
#include <vector>

#include "messages/contact.hpp"
#include "runtime/base/text.hpp"
#include "runtime/crypto/identity.hpp"
#include "runtime/observe/schema_copy.hpp"

namespace troupe::observe {
namespace {

using capnp::DynamicList;
using capnp::DynamicStruct;
using capnp::DynamicValue;

constexpr int kDepthMax = 16;                // nested structs and groups; our schemas nest at most 8 deep
constexpr std::uint32_t kStepsMax = 10'000;  // fields and elements read for one line: some milliseconds
constexpr std::uint32_t kBrokenSteps = 200;  // a broken field costs an exception, which is that much slower
constexpr std::size_t kBrokenBytesMax = 100;

/// Returns limits for a reader: each part may be read a few times, so that shared parts cannot inflate a small message.
capnp::ReaderOptions limits(std::size_t words) { return {words * 8 + 128, 32}; }

/// Words that Cap'n Proto can read: in place if they are aligned, otherwise a copy.
class Words {
 public:
  explicit Words(base::ByteView bytes) {
    const std::size_t count = bytes.size() / sizeof(capnp::word);
    if (reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(capnp::word) == 0) {
      words_ = {reinterpret_cast<const capnp::word*>(bytes.data()), count};
      return;
    }
    copy_ = kj::heapArray<capnp::word>(count);
    std::memcpy(copy_.begin(), bytes.data(), count * sizeof(capnp::word));
    words_ = copy_;
  }
  kj::ArrayPtr<const capnp::word> get() const { return words_; }

 private:
  kj::Array<capnp::word> copy_;
  kj::ArrayPtr<const capnp::word> words_;
};

bool whole_words(base::ByteView bytes) { return bytes.size() % sizeof(capnp::word) == 0; }

/// Returns Cap'n Proto's message without the condition that failed: "expected a <= b; Message contained …".
std::string reason(const kj::Exception& broken) {
  std::string_view all(broken.getDescription().begin(), broken.getDescription().size());
  const std::size_t told = all.find("; ");
  if (all.starts_with("expected ") && told != all.npos) all.remove_prefix(told + 2);
  return base::printable(all, kBrokenBytesMax);
}

std::string number(double value) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.begin(), digits.end(), value).ptr;
  return {digits.begin(), end};
}

/// Returns the number of the member in use. Cap'n Proto's own which() only gives the member, by its position.
std::uint16_t member_of(const DynamicStruct::Reader& value) {
  const auto data = static_cast<capnp::AnyStruct::Reader>(value).getDataSection();
  const std::uint64_t at = std::uint64_t{value.getSchema().getProto().getStruct().getDiscriminantOffset()} * 2;
  if (at + 2 > data.size()) return 0;  // not sent: zeros at the end may be omitted
  return static_cast<std::uint16_t>(data[at] | data[at + 1] << 8);
}

/// Returns the fields in the order of their source.
std::vector<capnp::StructSchema::Field> in_order(const capnp::StructSchema& type) {
  std::vector<capnp::StructSchema::Field> fields;
  for (const auto field : type.getFields()) fields.push_back(field);
  std::ranges::sort(fields, {}, [](const auto& field) { return field.getProto().getCodeOrder(); });
  return fields;
}

enum class TypeKind : std::uint8_t { structure, enumeration };

/// The learnt types. The loader itself also has placeholders for types that were only mentioned.
using Types = std::map<std::uint64_t, TypeKind>;

bool is_structure(const Types& types, std::uint64_t id) {
  const auto found = types.find(id);
  return found != types.end() && found->second == TypeKind::structure;
}

/// Writes one line. Ends early if the line is full or too much was read.
class Line {
 public:
  Line(const Types& types, std::size_t bytes_max) : types_(types), bytes_max_(bytes_max) {}

  void message(const DynamicStruct::Reader& root) { fields(root, 0); }

  std::string finish() && {
    if (steps_ >= kStepsMax) out_ += " …";
    return base::shortened(out_, bytes_max_);
  }

  /// Appends the output of `write`, or the reason why it cannot be read.
  template <class Write>
  void guarded(Write write) {
    const std::size_t begin = out_.size();
    try {
      write();
    } catch (const kj::Exception& broken) {
      out_.resize(begin);
      out_ += "(broken: " + reason(broken) + ')';
      steps_ += kBrokenSteps;
    }
  }

 private:
  bool goes_on() const { return steps_ < kStepsMax && out_.size() <= bytes_max_; }

  void fields(const DynamicStruct::Reader& value, int depth) {
    if (depth == kDepthMax) {
      out_ += "…";
      return;
    }
    const auto node = value.getSchema().getProto().getStruct();
    steps_ += node.getFields().size() + 1;  // all fields are read before the first is shown
    if (!goes_on()) return;
    const std::size_t begin = out_.size();
    const bool has_union = node.getDiscriminantCount() != 0;
    const std::uint16_t member = has_union ? member_of(value) : 0;
    for (const auto& field : in_order(value.getSchema())) {
      if (!goes_on()) return;
      const std::uint16_t which = field.getProto().getDiscriminantValue();
      const bool in_use = has_union && which == member;
      if (which != capnp::schema::Field::NO_DISCRIMINANT && !in_use) continue;
      const std::size_t before = out_.size();
      if (before != begin) out_ += ' ';
      if (!shown(value, field, in_use, depth)) out_.resize(before);
    }
    if (has_union && member >= node.getDiscriminantCount()) {
      if (out_.size() != begin) out_ += ' ';
      out_ += "(unknown member " + std::to_string(member) + ')';
    }
  }

  /// Appends the field. Returns false if the field is to be omitted.
  bool shown(const DynamicStruct::Reader& value, const capnp::StructSchema::Field& field, bool in_use, int depth) {
    const auto proto = field.getProto();
    const auto name = proto.getName();
    out_.append(name.begin(), name.size());
    if (proto.isGroup()) return group(value, field, in_use, depth);
    if (proto.getSlot().getType().isVoid()) return in_use;
    if (!in_use && !value.has(field, capnp::HasMode::NON_DEFAULT)) return false;
    out_ += '=';
    guarded([&] { single(value.get(field), depth); });
    return true;
  }

  bool group(const DynamicStruct::Reader& value, const capnp::StructSchema::Field& field, bool in_use, int depth) {
    if (!is_structure(types_, field.getProto().getGroup().getTypeId())) {
      out_ += "=?";
      return true;
    }
    out_ += "={";
    const std::size_t begin = out_.size();
    guarded([&] { fields(value.get(field).as<DynamicStruct>(), depth + 1); });
    const bool empty = out_.size() == begin;
    out_ += '}';
    return in_use || !empty;
  }

  void single(const DynamicValue::Reader& value, int depth) {
    switch (value.getType()) {
      case DynamicValue::VOID: out_ += "void"; return;
      case DynamicValue::BOOL: out_ += value.as<bool>() ? "true" : "false"; return;
      case DynamicValue::INT: out_ += std::to_string(value.as<std::int64_t>()); return;
      case DynamicValue::UINT: out_ += std::to_string(value.as<std::uint64_t>()); return;
      case DynamicValue::FLOAT: out_ += number(value.as<double>()); return;
      case DynamicValue::TEXT: text(value.as<capnp::Text>()); return;
      case DynamicValue::DATA: data(value.as<capnp::Data>()); return;
      case DynamicValue::LIST: list(value.as<DynamicList>(), depth); return;
      case DynamicValue::ENUM: enumerant(value.as<capnp::DynamicEnum>()); return;
      case DynamicValue::STRUCT: structure(value.as<DynamicStruct>(), depth); return;
      case DynamicValue::CAPABILITY:
      case DynamicValue::ANY_POINTER:
      case DynamicValue::UNKNOWN: break;
    }
    out_ += '?';
  }

  void text(capnp::Text::Reader value) {
    const std::string_view all(value.begin(), value.size());
    out_ += base::quoted(base::shortened(all, kTextShown));
    if (all.size() > kTextShown) out_ += " (" + std::to_string(all.size()) + " B)";
  }

  void data(capnp::Data::Reader value) {
    const base::ByteView all(value.begin(), value.size());
    out_ += base::hex(all.first(std::min(all.size(), kDataShown)));
    if (all.size() > kDataShown) out_ += "…";
    out_ += (all.empty() ? "(" : " (") + std::to_string(all.size()) + " B)";
  }

  void list(const DynamicList::Reader& value, int depth) {
    const std::size_t shown = std::min<std::size_t>(value.size(), kElementsShown);
    out_ += '[';
    for (std::size_t i = 0; i < shown; ++i) {
      ++steps_;
      if (!goes_on()) return;
      if (i != 0) out_ += ' ';
      guarded([&] { single(value[static_cast<unsigned>(i)], depth); });
    }
    if (shown < value.size()) out_ += " …+" + std::to_string(value.size() - shown);
    out_ += ']';
  }

  void enumerant(const capnp::DynamicEnum& value) {
    KJ_IF_MAYBE (named, value.getEnumerant()) {
      const auto name = named->getProto().getName();
      out_.append(name.begin(), name.size());
    } else {
      out_ += std::to_string(value.getRaw());
    }
  }

  /// The id is computed, because the words of a contact mean nothing to a person.
  void contact(const DynamicStruct::Reader& value) {
    const auto words = static_cast<capnp::AnyStruct::Reader>(value).as<messages::wire::Contact>();
    const base::Contact shown = messages::read_contact(words);
    out_ += crypto::node_id(shown.key, shown.nonce).hex() + '@' + shown.endpoint.text();
  }

  void structure(const DynamicStruct::Reader& value, int depth) {
    const std::uint64_t id = value.getSchema().getProto().getId();
    if (id == capnp::typeId<messages::wire::Contact>()) return contact(value);
    if (!is_structure(types_, id)) {
      out_ += '?';
      return;
    }
    out_ += '{';
    fields(value, depth + 1);
    out_ += '}';
  }

  const Types& types_;
  const std::size_t bytes_max_;
  std::string out_;
  std::uint32_t steps_ = 0;
};

}  // namespace

struct Decoder::Learnt {
  capnp::SchemaLoader loader;
  Types types;
  std::size_t schemas = 0;  // given to the loader, which also keeps the schemas that it refuses
  std::size_t bytes = 0;
};

Decoder::Decoder() : learnt_(std::make_unique<Learnt>()) {}
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;
Decoder::~Decoder() = default;

base::Result<void, std::string> Decoder::learn(base::ByteView node) {
  Learnt& learnt = *learnt_;
  if (node.empty() || !whole_words(node)) return std::string("the schema is not a whole number of words");
  if (node.size() > kSchemaBytesMax) return std::string("the schema is larger than 64 KiB");
  try {
    const Words words(node);
    const kj::ArrayPtr<const capnp::word> segment = words.get();
    capnp::SegmentArrayMessageReader reader(kj::arrayPtr(&segment, 1), limits(segment.size()));
    const auto given = reader.getRoot<capnp::schema::Node>();
    if (learnt.types.contains(given.getId())) return {};
    if (learnt.schemas == kSchemasMax || kSchemasBytesMax - learnt.bytes < node.size())
      return std::string("too many schemas for one decoder");
    capnp::MallocMessageBuilder copy;
    auto checked = copy.initRoot<capnp::schema::Node>();
    if (auto copied = copy_schema(given, checked); !copied.ok()) return copied;
    ++learnt.schemas;
    learnt.bytes += node.size();
    learnt.loader.load(checked.asReader());
    learnt.types.emplace(checked.getId(), checked.isStruct() ? TypeKind::structure : TypeKind::enumeration);
    return {};
  } catch (const kj::Exception& broken) {
    return reason(broken);
  }
}

std::string Decoder::line(std::uint64_t kind_id, base::ByteView words, std::size_t bytes_max) const {
  const Learnt& learnt = *learnt_;
  if (words.empty()) return base::shortened("(no words)", bytes_max);
  if (!is_structure(learnt.types, kind_id))
    return base::shortened("(unknown kind, " + std::to_string(words.size()) + " B)", bytes_max);
  if (!whole_words(words)) return base::shortened("(broken: not whole words)", bytes_max);
  Line line(learnt.types, bytes_max);
  line.guarded([&] {
    const Words flat(words);
    capnp::FlatArrayMessageReader reader(flat.get(), limits(flat.get().size()));
    line.message(reader.getRoot<DynamicStruct>(learnt.loader.get(kind_id).asStruct()));
  });
  return std::move(line).finish();
}

}  // namespace troupe::observe
