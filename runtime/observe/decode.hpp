#pragma once
// Shows any message of any version as one line for people, decoded with the schemas that its sender provides.
//
// Source  capnp/schema-loader.h, capnp/dynamic.h; schema_copy.hpp for the input of the loader.
// Safety  schemas and words may be hostile. Every line is complete, plain (base/text.hpp) and within its limit; the
//         reason replaces an unreadable part. Nothing here throws, unless memory runs out.
// Owner   one stream from one node; not thread-safe.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "runtime/base/bytes.hpp"
#include "runtime/base/result.hpp"

namespace troupe::observe {

inline constexpr std::size_t kSchemaBytesMax = 64 * 1024;         // of one schema node; our largest has 2,200
inline constexpr std::size_t kSchemasMax = 4'096;                 // of one decoder; we have 600
inline constexpr std::size_t kSchemasBytesMax = 4 * 1024 * 1024;  // of one decoder; ours have 560 KB together
inline constexpr std::size_t kElementsShown = 4;                  // of a list
inline constexpr std::size_t kDataShown = 20;                     // bytes; a whole node id
inline constexpr std::size_t kTextShown = 256;                    // bytes, before escaping

class Decoder {
 public:
  Decoder();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;
  ~Decoder();

  /// Learns the type of one serialized schema::Node: one segment without a segment table, whole words, as
  /// messages::schema_bytes() returns it. Schema nodes may come in any order; a type that is already known does not
  /// change. Errors: the reason of the refusal, for people, as plain text; then no type is learnt. A schema node that
  /// the loader refused also counts towards the limits, because its memory is kept.
  base::Result<void, std::string> learn(base::ByteView node);

  /// Returns a message as one plain line of at most `bytes_max` bytes, cut after a whole character and then ended with
  /// "…". `words` is a flat array with its segment table, as runtime::Envelope::bytes() gives it, of any alignment.
  ///
  ///     name="x" node=ab12 (2 B) rows=[{a=1 state=serving} {a=2} …+12] expires={at=7}
  ///
  /// Fields come in the order of the schema's source. Left out are numbers, enums and flags with their default value,
  /// null pointers, and groups that have nothing else. A message that has nothing else is an empty line. The member in
  /// use of a union is always shown; a member of type Void is only its name. A Contact of messages/common.capnp is
  /// `id@host:port`, whatever its schema says. An enumerant without a name is its number. An AnyPointer, a capability
  /// and a value whose type was not learnt are `?`. `(unknown kind, 48 B)` if the kind was not learnt; `(no words)` if
  /// there are none, as in a signal.
  std::string line(std::uint64_t kind_id, base::ByteView words, std::size_t bytes_max) const;

 private:
  struct Learnt;
  std::unique_ptr<Learnt> learnt_;
};

}  // namespace troupe::observe
