// Replays the inputs of a fuzz target without a fuzzer: the files given, and all files of the folders given.
// An input that breaks its target ends the process. A path without inputs is a failure: something was misnamed.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using std::filesystem::path;

std::vector<path> inputs_at(const path& place) {
  if (std::filesystem::is_regular_file(place)) return {place};
  std::error_code absent;
  std::vector<path> inputs;
  for (const auto& entry : std::filesystem::directory_iterator(place, absent)) inputs.push_back(entry.path());
  std::sort(inputs.begin(), inputs.end());
  return inputs;
}

void replay(const path& input) {
  std::cerr << input.string() << "\n";  // the last one named is the one that broke
  std::ifstream file(input, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const auto inputs = inputs_at(argv[i]);
    if (inputs.empty()) {
      std::cerr << "error: no inputs at " << argv[i] << "\n";
      return 1;
    }
    for (const path& input : inputs) replay(input);
  }
  return 0;
}
