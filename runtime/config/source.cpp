#include "runtime/config/source.hpp"

#include <filesystem>
#include <fstream>
#include <string_view>

#include "runtime/config/forms.hpp"

namespace troupe::config {

base::Outcome<TextFile> read_text_file(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  const auto kind = fs::status(path, error).type();
  if (kind == fs::file_type::not_found) return base::Error{base::Code::not_found, "no such file"};
  if (kind == fs::file_type::none) return base::Error{base::Code::refused, error.message()};
  if (kind != fs::file_type::regular) return base::Error{base::Code::malformed, "not a regular file"};
  std::ifstream in(path, std::ios::binary);
  if (!in) return base::Error{base::Code::refused, "cannot be opened for reading"};
  std::string text(kFileBytesMax + 1, '\0');  // one byte more than allowed, to detect an oversized file
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return base::Error{base::Code::refused, "cannot be read"};
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kFileBytesMax)
    return base::Error{base::Code::malformed, "longer than " + bytes_text({kFileBytesMax})};
  return TextFile{path, std::move(text)};
}

std::vector<std::pair<std::string, std::string>> troupe_variables(const char* const* environment) {
  std::vector<std::pair<std::string, std::string>> out;
  for (; environment && *environment; ++environment) {
    const std::string_view entry = *environment;
    const auto equals = entry.find('=');
    if (!entry.starts_with("TROUPE_") || equals == std::string_view::npos) continue;
    out.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return out;
}

}  // namespace troupe::config
