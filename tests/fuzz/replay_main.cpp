// Runs a fuzz target over the files named on the command line: the stored corpus as a test.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
// Of the targets that include cut_input.hpp.
extern "C" void replay_every_cut(const std::uint8_t* data, std::size_t size);

int main(int count, char** arguments) {
  for (int i = 1; i < count; ++i) {
    std::ifstream in(arguments[i], std::ios::binary);
    if (!in) {
      std::fprintf(stderr, "cannot read %s\n", arguments[i]);
      return 1;
    }
    const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
    LLVMFuzzerTestOneInput(data, bytes.size());
#if EDDY_FUZZ_CUTS
    replay_every_cut(data, bytes.size());
#endif
  }
  std::printf("%d inputs replayed\n", count - 1);
  return count > 1 ? 0 : 1;
}
