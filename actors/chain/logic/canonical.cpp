#include "actors/chain/logic/canonical.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"
#include "runtime/base/fields.hpp"

namespace troupe::chain {
namespace {

constexpr std::uint64_t kStructKind = 0, kListKind = 1;
constexpr std::uint64_t kByteElements = 2, kPointerElements = 6, kStructElements = 7;
constexpr std::uint64_t kEmptyStruct = 0xffff'fffc;  // a struct without words, "at" its own pointer
constexpr std::uint64_t kElementsMax = (std::uint64_t{1} << 29) - 1;

std::size_t whole_words(std::size_t bytes) { return (bytes + 7) / 8 * 8; }

void put_word(base::Bytes& out, std::size_t at, std::uint64_t word) {
  for (std::size_t i = 0; i < 8; ++i) out[at + i] = static_cast<std::uint8_t>(word >> (8 * i));
}

std::uint64_t list_pointer(std::size_t offset_words, std::uint64_t element, std::size_t count) {
  base::ensure(count <= kElementsMax, "a list fits into its pointer");
  return std::uint64_t{count} << 35 | element << 32 | std::uint64_t{offset_words} << 2 | kListKind;
}

struct CanonWidth {
  std::size_t words = 0;
  std::size_t pointers = 0;
};

CanonWidth width_of(const CanonStruct& one) {
  CanonWidth out{one.words.size(), one.pointers.size()};
  while (out.words > 0 && one.words[out.words - 1] == 0) --out.words;
  while (out.pointers > 0 && one.pointers[out.pointers - 1].kind == CanonPointer::Kind::null) --out.pointers;
  return out;
}

class CanonWriter {
 public:
  base::Bytes out;

  std::size_t room(std::size_t words) {
    const std::size_t at = out.size();
    out.resize(at + words * 8);
    return at;
  }

  void place_struct(std::size_t pointer, const CanonStruct& one) {
    const CanonWidth width = width_of(one);
    if (width.words + width.pointers == 0) return put_word(out, pointer, kEmptyStruct);
    put_word(out, pointer,
             std::uint64_t{width.pointers} << 48 | std::uint64_t{width.words} << 32 | offset(pointer) << 2);
    const std::size_t at = room(width.words + width.pointers);
    put_words(at, one, width);
    put_pointers(at, one, width);
  }

 private:
  /// Returns the distance in words from the end of a pointer to the next object.
  std::size_t offset(std::size_t pointer) const { return (out.size() - pointer - 8) / 8; }

  void put_words(std::size_t at, const CanonStruct& one, const CanonWidth& width) {
    for (std::size_t i = 0; i < std::min(width.words, one.words.size()); ++i) put_word(out, at + i * 8, one.words[i]);
  }

  void put_pointers(std::size_t at, const CanonStruct& one, const CanonWidth& width) {
    for (std::size_t i = 0; i < std::min(width.pointers, one.pointers.size()); ++i)
      place(at + (width.words + i) * 8, one.pointers[i]);
  }

  void place(std::size_t pointer, const CanonPointer& what) {
    switch (what.kind) {
      case CanonPointer::Kind::null: return;
      case CanonPointer::Kind::bytes: return place_bytes(pointer, what.bytes.front());
      case CanonPointer::Kind::bytes_list: return place_bytes_list(pointer, what.bytes);
      case CanonPointer::Kind::object: return place_struct(pointer, what.objects.front());
      case CanonPointer::Kind::objects: return place_structs(pointer, what.objects);
    }
  }

  void place_bytes(std::size_t pointer, const base::Bytes& bytes) {
    if (bytes.empty()) return;
    put_word(out, pointer, list_pointer(offset(pointer), kByteElements, bytes.size()));
    base::append(out, bytes);
    out.resize(whole_words(out.size()));
  }

  void place_bytes_list(std::size_t pointer, const std::vector<base::Bytes>& list) {
    put_word(out, pointer, list_pointer(offset(pointer), kPointerElements, list.size()));
    const std::size_t at = room(list.size());
    for (std::size_t i = 0; i < list.size(); ++i) place_bytes(at + i * 8, list[i]);
  }

  void place_structs(std::size_t pointer, const std::vector<CanonStruct>& list) {
    CanonWidth width;
    for (const CanonStruct& one : list) {
      const CanonWidth own = width_of(one);
      width = {std::max(width.words, own.words), std::max(width.pointers, own.pointers)};
    }
    const std::size_t each = width.words + width.pointers;
    put_word(out, pointer, list_pointer(offset(pointer), kStructElements, list.size() * each));
    const std::size_t tag = room(1), at = room(list.size() * each);
    put_word(out, tag,
             std::uint64_t{width.pointers} << 48 | std::uint64_t{width.words} << 32 | std::uint64_t{list.size()} << 2);
    for (std::size_t i = 0; i < list.size(); ++i) put_words(at + i * each * 8, list[i], width);
    for (std::size_t i = 0; i < list.size(); ++i) put_pointers(at + i * each * 8, list[i], width);
  }
};

}  // namespace

CanonStruct& CanonStruct::data(base::ByteView bytes) {
  if (bytes.empty()) return null();
  pointers.push_back({CanonPointer::Kind::bytes, {base::Bytes(bytes.begin(), bytes.end())}, {}});
  return *this;
}

CanonStruct& CanonStruct::data_list(std::vector<base::Bytes> list) {
  if (list.empty()) return null();
  pointers.push_back({CanonPointer::Kind::bytes_list, std::move(list), {}});
  return *this;
}

CanonStruct& CanonStruct::object(CanonStruct one) {
  pointers.push_back({CanonPointer::Kind::object, {}, {}});
  pointers.back().objects.push_back(std::move(one));
  return *this;
}

CanonStruct& CanonStruct::object_list(std::vector<CanonStruct> list) {
  if (list.empty()) return null();
  pointers.push_back({CanonPointer::Kind::objects, {}, std::move(list)});
  return *this;
}

CanonStruct& CanonStruct::null() {
  pointers.emplace_back();
  return *this;
}

base::Bytes CanonStruct::encode() const {
  CanonWriter writer;
  writer.place_struct(writer.room(1), *this);
  return std::move(writer.out);
}

std::uint64_t CanonReader::raw(std::size_t at) const {
  return at + 8 <= bytes_.size() ? base::load<std::uint64_t>(bytes_, at) : 0;
}

std::uint64_t CanonReader::word(const Object& object, unsigned at) const {
  return at < object.words ? raw(object.at + at * 8) : 0;
}

std::uint64_t CanonReader::pointer_at(const Object& object, unsigned pointer) const {
  return pointer < object.pointers ? raw(object.at + (object.words + pointer) * 8) : 0;
}

CanonReader::Object CanonReader::root(unsigned words_max, unsigned pointers_max) {
  if (bytes_.size() < 8 || bytes_.size() % 8 != 0) {
    fail();
    return {};
  }
  next_ = 8;
  return take_object(0, words_max, pointers_max);
}

CanonReader::Object CanonReader::take_object(std::size_t at, unsigned words_max, unsigned pointers_max) {
  const std::uint64_t pointer = raw(at);
  if (!ok_ || pointer == kEmptyStruct) return {};
  Object out{next_, static_cast<std::uint16_t>(pointer >> 32), static_cast<std::uint16_t>(pointer >> 48)};
  const std::size_t bytes = (out.words + out.pointers) * std::size_t{8};
  const std::uint64_t expected = (next_ - at - 8) / 8 << 2 | kStructKind;
  const bool fits = (pointer & 0xffff'ffff) == expected && out.words <= words_max && out.pointers <= pointers_max &&
                    bytes > 0 && bytes <= bytes_.size() - next_;
  if (!fits || (out.words > 0 && word(out, out.words - 1) == 0) ||
      (out.pointers > 0 && pointer_at(out, out.pointers - 1) == 0)) {
    fail();
    return {};
  }
  next_ += bytes;
  return out;
}

std::size_t CanonReader::take_body(std::uint64_t pointer, std::size_t at, std::size_t bytes) {
  const std::uint64_t expected = (next_ - at - 8) / 8 << 2 | kListKind;
  const std::size_t body = next_;
  if (!ok_ || (pointer & 0xffff'ffff) != expected || bytes > bytes_.size() - next_) {
    fail();
    return body;
  }
  next_ += whole_words(bytes);  // the total is a multiple of words
  for (std::size_t i = body + bytes; i < next_; ++i)
    if (bytes_[i] != 0) fail();
  return body;
}

base::ByteView CanonReader::data(const Object& object, unsigned pointer, std::size_t bytes_max) {
  const std::uint64_t what = pointer_at(object, pointer);
  if (!ok_ || what == 0) return {};
  const std::size_t bytes = what >> 35;
  if ((what >> 32 & 7) != kByteElements || bytes == 0 || bytes > bytes_max) fail();
  const std::size_t at = object.at + (object.words + pointer) * std::size_t{8};
  const std::size_t body = take_body(what, at, bytes);
  return ok_ ? bytes_.subspan(body, bytes) : base::ByteView{};
}

std::vector<base::ByteView> CanonReader::data_list(const Object& object, unsigned pointer, std::size_t count_max,
                                                   std::size_t bytes_max) {
  const std::uint64_t what = pointer_at(object, pointer);
  if (!ok_ || what == 0) return {};
  const std::size_t count = what >> 35;
  if ((what >> 32 & 7) != kPointerElements || count == 0 || count > count_max) fail();
  const std::size_t body = take_body(what, object.at + (object.words + pointer) * std::size_t{8}, count * 8);
  if (!ok_) return {};
  const Object elements{body, 0, static_cast<unsigned>(count)};
  std::vector<base::ByteView> out;
  out.reserve(count);
  for (unsigned i = 0; i < count && ok_; ++i) out.push_back(data(elements, i, bytes_max));
  return out;
}

CanonReader::Object CanonReader::object(const Object& object, unsigned pointer, unsigned words_max,
                                        unsigned pointers_max) {
  if (!has(object, pointer)) fail();
  return take_object(object.at + (object.words + pointer) * std::size_t{8}, words_max, pointers_max);
}

CanonReader::List CanonReader::list(const Object& object, unsigned pointer, std::size_t count_max, unsigned words_max,
                                    unsigned pointers_max) {
  const std::uint64_t what = pointer_at(object, pointer);
  if (!ok_ || what == 0) return {};
  const std::size_t words = what >> 35;
  if ((what >> 32 & 7) != kStructElements) fail();
  const std::size_t tag_at =
      take_body(what, object.at + (object.words + pointer) * std::size_t{8}, (words + 1) * std::size_t{8});
  if (!ok_) return {};
  const std::uint64_t tag = raw(tag_at);
  List out{tag_at + 8, static_cast<unsigned>((tag & 0xffff'ffff) >> 2), static_cast<std::uint16_t>(tag >> 32),
           static_cast<std::uint16_t>(tag >> 48)};
  bool widest_words = out.words == 0, widest_pointers = out.pointers == 0;
  if ((tag & 3) != kStructKind || out.count == 0 || out.count > count_max || out.words > words_max ||
      out.pointers > pointers_max || std::uint64_t{out.count} * (out.words + out.pointers) != words) {
    fail();
    return {};
  }
  for (unsigned i = 0; i < out.count; ++i) {
    widest_words = widest_words || word(out[i], out.words - 1) != 0;
    widest_pointers = widest_pointers || pointer_at(out[i], out.pointers - 1) != 0;
  }
  if (!widest_words || !widest_pointers) fail();
  return out;
}

void CanonReader::null(const Object& object, unsigned pointer) {
  if (has(object, pointer)) fail();
}

}  // namespace troupe::chain
