#pragma once
// Cap'n Proto's canonical form: the only encoding of a struct that is hashed, signed or stored.
//
// Source  Cap'n Proto, "Canonicalization": one segment, objects in preorder, no zero words at the end of a data section
//         and no null pointers at the end of a pointer section; a list of structs is as wide as its widest.
// Ours    an empty Data or list is a null pointer; its body is never written.
// Read    CanonReader follows the pointers in the order of the fields. Each must lead to where the previous object
//         ended. So it accepts exactly the output of CanonStruct, provided that the caller reads every pointer of a
//         struct. It compares each size with the remaining bytes before it allocates. Throws nothing.
#include <vector>

#include "runtime/base/bytes.hpp"

namespace troupe::chain {

struct CanonStruct;

/// Null, Data, a list of Data, a struct, or a list of structs.
struct CanonPointer {
  enum class Kind : std::uint8_t { null, bytes, bytes_list, object, objects };
  Kind kind = Kind::null;
  std::vector<base::Bytes> bytes;
  std::vector<CanonStruct> objects;  // no initializer: the type is still incomplete
};

/// A struct to write. Fields are added in the order of the schema's layout.
struct CanonStruct {
  std::vector<std::uint64_t> words{};
  std::vector<CanonPointer> pointers{};

  CanonStruct& data(base::ByteView bytes);
  CanonStruct& data_list(std::vector<base::Bytes> list);
  CanonStruct& object(CanonStruct one);
  CanonStruct& object_list(std::vector<CanonStruct> list);
  CanonStruct& null();

  base::Bytes encode() const;
};

class CanonReader {
 public:
  struct Object {
    std::size_t at = 0;  // of its first word
    unsigned words = 0;
    unsigned pointers = 0;
  };
  struct List {
    std::size_t at = 0;
    unsigned count = 0;
    unsigned words = 0;
    unsigned pointers = 0;
    Object operator[](std::size_t i) const { return {at + i * (words + pointers) * 8, words, pointers}; }
  };

  explicit CanonReader(base::ByteView bytes) : bytes_(bytes) {}

  /// Returns the root struct. Fails if it has more words or pointers than the maxima.
  Object root(unsigned words_max, unsigned pointers_max);

  /// Returns a data word; words that were not written are 0.
  std::uint64_t word(const Object& object, unsigned at) const;

  // Call these for each pointer of a struct, in order, and for each struct of a list. Null pointers read as empty.
  base::ByteView data(const Object& object, unsigned pointer, std::size_t bytes_max);
  std::vector<base::ByteView> data_list(const Object& object, unsigned pointer, std::size_t count_max,
                                        std::size_t bytes_max);
  /// Fails if the pointer is null.
  Object object(const Object& object, unsigned pointer, unsigned words_max, unsigned pointers_max);
  List list(const Object& object, unsigned pointer, std::size_t count_max, unsigned words_max, unsigned pointers_max);
  /// Fails unless the pointer is null.
  void null(const Object& object, unsigned pointer);
  bool has(const Object& object, unsigned pointer) const { return pointer_at(object, pointer) != 0; }
  /// Reads Data of exactly Fixed::kBytes bytes.
  template <class Fixed>
  Fixed fixed(const Object& object, unsigned pointer) {
    const auto out = Fixed::from(data(object, pointer, Fixed::kBytes));
    if (!out) fail();
    return out.value_or(Fixed{});
  }

  void fail() { ok_ = false; }
  bool ok() const { return ok_; }
  /// Whether nothing failed and all bytes were read.
  bool ended() const { return ok_ && next_ == bytes_.size(); }

 private:
  std::uint64_t raw(std::size_t at) const;
  std::uint64_t pointer_at(const Object& object, unsigned pointer) const;
  Object take_object(std::size_t pointer_at, unsigned words_max, unsigned pointers_max);
  /// Takes the body of a list whose pointer is at `at`. Returns the offset of its first byte, or fails.
  std::size_t take_body(std::uint64_t pointer, std::size_t at, std::size_t bytes);

  base::ByteView bytes_;
  std::size_t next_ = 0;  // where the next object must start
  bool ok_ = true;
};

}  // namespace troupe::chain
