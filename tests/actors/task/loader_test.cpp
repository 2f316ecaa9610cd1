#include "actors/task/logic/loader.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "runtime/base/fields.hpp"

using namespace troupe;
using namespace troupe::task;

namespace {

std::string loader(std::string_view head) {
  const auto read = loader_of(base::as_bytes(head));
  return read.ok() ? read.value() : "no: " + read.error().why;
}

/// An ELF file with one program header of that type, and behind it a text.
base::Bytes elf(std::uint32_t type, std::string_view text) {
  base::Bytes out(120, 0);
  const auto put = [&](std::size_t at, auto number) {
    for (std::size_t i = 0; i < sizeof number; ++i) out[at + i] = static_cast<std::uint8_t>(number >> (8 * i));
  };
  std::ranges::copy(base::as_bytes("\x7f"
                                   "ELF\x02\x01"),
                    out.begin());
  put(32, std::uint64_t{64});
  put(54, std::uint16_t{56});
  put(56, std::uint16_t{1});
  put(64, type);
  put(72, std::uint64_t{120});
  put(96, std::uint64_t{text.size()});
  base::append(out, base::as_bytes(text));
  return out;
}

}  // namespace

TEST_CASE("loader: of a script it is the first word of its first line") {
  CHECK(loader("#!/bin/sh\necho") == "/bin/sh");
  CHECK(loader("#! /usr/bin/env python3\n") == "/usr/bin/env");
  CHECK(loader("#!/bin/sh") == "/bin/sh");
  CHECK(loader("#!sh\n").starts_with("no: its first line names an interpreter without"));
  CHECK(loader("#!\n").starts_with("no: its first line names no"));
  CHECK(loader("#!").starts_with("no: "));
}

TEST_CASE("loader: a script with Windows line ends or a byte-order mark is refused, and the error says so") {
  for (const char* head : {"#!/bin/sh\r\necho\r\n", "#!/bin/sh\r", "#! /usr/bin/env python3\r\n"})
    CHECK_MESSAGE(loader(head).starts_with("no: its lines end in CR LF (Windows)"), head);
  CHECK(loader("#!/bin/sh\necho\r\n") == "/bin/sh");  // what the rest means is for the interpreter
  CHECK(loader("\xef\xbb\xbf#!/bin/sh\n").starts_with("no: it has a byte-order mark"));
}

TEST_CASE("loader: of an ELF file it is the interpreter that it names, and a static one needs none") {
  const auto read = [](const base::Bytes& bytes) { return loader(base::as_text(bytes)); };
  CHECK(read(elf(3, std::string("/lib64/ld.so\0", 13))) == "/lib64/ld.so");
  CHECK(read(elf(1, "")) == "");
  base::Bytes bytes = elf(3, "/lib64/ld.so");
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK_FALSE(loader_of(base::ByteView(bytes).first(size)).ok());
  bytes[4] = 1;  // 32 bits
  CHECK(read(bytes).starts_with("no: it is an ELF file, but not 64-bit"));
  std::ifstream file("/proc/self/exe", std::ios::binary);
  std::string self(kLoaderBytes, '\0');  // not the whole file: with sanitizers it has hundreds of MiB
  REQUIRE(file.read(self.data(), kLoaderBytes));
  CHECK(loader(self).starts_with("/lib"));
}

TEST_CASE("loader: what a node shows of its machine has a few folders") {
  for (const char* there : {"/usr/bin/env", "/bin/sh", "/lib64/ld.so", "/lib/x/ld.so"}) CHECK(in_usr(there));
  for (const char* not_there : {"/opt/python", "/usr", "/usrbin/env", "/home/a/usr/bin/env", "/sbin/x", ""})
    CHECK_FALSE(in_usr(not_there));
}

TEST_CASE("loader: what is no program is said so") {
  CHECK(loader("").starts_with("no: it is neither"));
  CHECK(loader("echo hello\n").starts_with("no: it is neither"));
}
