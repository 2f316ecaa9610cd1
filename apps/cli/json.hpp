#pragma once
// Writes the outputs of messages/output as JSON, on one line.
//
// Rules   64-bit integers are numbers. Every field is there, in the schema's order; unset text is null, an unset list
//         is []. A union of `none` and `value` is null or the value; unset members of other unions are null. A struct
//         whose only field is `entries`, each with a name and a union `value`, is an object. Data is lower-case hex. An
//         enum is its name in the schema, or a number if the schema has no name. A number that JSON lacks (NaN) is
//         null.
// Text    becomes valid UTF-8 with control characters escaped.
// Why     Cap'n Proto's own codec prints 64-bit integers as strings, omits unset text and passes broken UTF-8.
#include <capnp/dynamic.h>
#include <capnp/message.h>

#include <ostream>
#include <string>

#include "runtime/base/bytes.hpp"

namespace troupe::apps {

/// Writes a struct; also takes a typed reader. Capabilities and AnyPointer are broken invariants.
void write_json(std::ostream& out, const capnp::DynamicStruct::Reader& value);

/// Writes the same with a line end; an output may be a list.
void write_json_line(std::ostream& out, const capnp::DynamicStruct::Reader& value);
void write_json_line(std::ostream& out, const capnp::DynamicList::Reader& values);

/// These convert bytes and text between messages and this program; bytes are printed as lower-case hex.
inline capnp::Data::Reader data(base::ByteView bytes) { return {bytes.data(), bytes.size()}; }
inline std::string text(capnp::Text::Reader from) { return {from.begin(), from.size()}; }
inline std::string text(capnp::Data::Reader from) { return {from.asChars().begin(), from.size()}; }
std::string hex(capnp::Data::Reader data);

/// An output of type `T`, to fill and then to print as one line.
template <class T>
class JsonLine {
 public:
  typename T::Builder* operator->() { return &root_; }
  typename T::Builder& operator*() { return root_; }
  void print(std::ostream& out) { write_json_line(out, root_.asReader()); }

 private:
  capnp::MallocMessageBuilder message_;
  typename T::Builder root_ = message_.initRoot<T>();
};

}  // namespace troupe::apps
