// Whatever is asked gets one answer with an end of its headers; a page is only for who asked by GET.
#include <cstdint>
#include <cstdlib>

#include "runtime/os/http_answer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace troupe::os;
  if (size > kRequestBytesMax) return 0;  // http_pages.cpp hands in no more
  static const HttpPageMap pages{{"/metrics", [] { return HttpPage{.text = "the page\n"}; }}};
  const std::string_view request(reinterpret_cast<const char*>(data), size);
  const std::string answer = http_answer(pages, request);
  if (!answer.starts_with("HTTP/1.1 ") || answer.find("\r\n\r\n") == std::string::npos) std::abort();
  if (answer.size() > 4'096) std::abort();
  if (answer.ends_with("the page\n") && !request.starts_with("GET ")) std::abort();
  return 0;
}
