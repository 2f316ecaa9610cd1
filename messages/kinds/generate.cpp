// A plug-in of the Cap'n Proto compiler: reads its request from standard input and writes into the current folder
// `kinds.gen.cpp`, the table behind messages/kinds.hpp.
#include <capnp/serialize.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>

#include "messages/kinds/table.hpp"

namespace troupe::messages::build {
namespace {

constexpr const char* kNote = "// Generated from messages/*.capnp by messages/kinds; do not edit.\n";

std::string hex(std::uint64_t id) {
  char out[17];
  std::snprintf(out, sizeof out, "%016lx", static_cast<unsigned long>(id));
  return out;
}

std::string table_source(const Table& table) {
  std::ostringstream out;
  out << kNote << "#include \"messages/kinds.hpp\"\n\n#include <capnp/raw-schema.h>\n\nnamespace capnp::schemas {\n";
  for (const auto id : table.schemas) out << "extern const ::capnp::_::RawSchema s_" << hex(id) << ";\n";
  out << "}  // namespace capnp::schemas\n\nnamespace troupe::messages {\nnamespace {\n\n"
      << "constexpr KindInfo kKinds[] = {\n";
  for (const KindRow& kind : table.kinds) {
    out << "    {0x" << hex(kind.id) << ", \"" << kind.name << "\", Lane::" << kind.lane << ", Roles{" << kind.from
        << "}, " << kind.bytes_max << ", WhenFull::" << kind.when_full << ", " << (kind.datagram ? "true" : "false")
        << "},\n";
  }
  out << "};\n\nSchemaInfo schema(const ::capnp::_::RawSchema& raw) {\n"
      << "  return {raw.id, {reinterpret_cast<const std::uint8_t*>(raw.encodedNode),\n"
      << "                   raw.encodedSize * sizeof(::capnp::word)}};\n}\n\n}  // namespace\n\n"
      << "std::span<const KindInfo> all_kinds() { return kKinds; }\n\n"
      << "std::span<const SchemaInfo> all_schemas() {\n  static const SchemaInfo schemas[] = {\n";
  for (const auto id : table.schemas) out << "      schema(::capnp::schemas::s_" << hex(id) << "),\n";
  out << "  };\n  return schemas;\n}\n\n}  // namespace troupe::messages\n";
  return out.str();
}

void write(const char* name, const std::string& text) {
  std::ofstream file(name, std::ios::trunc);
  file << text << std::flush;
  if (!file) throw std::runtime_error(std::string(name) + ": cannot be written");
}

int run() {
  capnp::ReaderOptions trusted;
  trusted.traversalLimitInWords = 1u << 30;  // the compiler's own output, read many times over
  capnp::StreamFdMessageReader request(STDIN_FILENO, trusted);
  const Table table = read_table(request.getRoot<capnp::schema::CodeGeneratorRequest>());
  write("kinds.gen.cpp", table_source(table));
  return 0;
}

}  // namespace
}  // namespace troupe::messages::build

int main() {
  try {
    return troupe::messages::build::run();
  } catch (const std::exception& bad) {
    std::cerr << "error: " << bad.what() << "\n";
    return 1;
  }
}
