// Fuzzing guided by coverage: fuzz FORMAT [option of libFuzzer, folder of inputs, or file]...
// With a file it parses that one, which is how a finding is looked at.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "fuzz/mutator.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

using namespace lockstep::fuzz;

const Target* target = nullptr;
std::vector<std::string> seeds;
std::vector<char*> arguments;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* count, char*** values) {
  const std::string_view name = *count > 1 ? (*values)[1] : "";
  for (const Target& known : targets()) {
    if (known.name == name) target = &known;
  }
  if (target == nullptr) {
    std::fputs("usage: fuzz FORMAT [option of libFuzzer, folder of inputs, or file]...\nformats:",
               stderr);
    for (const Target& known : targets())
      std::fprintf(stderr, " %s", std::string(known.name).c_str());
    std::fputs("\n", stderr);
    std::exit(64);
  }
  seeds = target->seeds();
  // Of options that are given twice, the last counts.
  static char defaults[][24] = {"-max_len=65536", "-len_control=0", "-rss_limit_mb=512",
                                "-timeout=10"};
  arguments = {(*values)[0]};
  for (auto& option : defaults) arguments.push_back(option);
  arguments.insert(arguments.end(), *values + 2, *values + *count);
  *count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  *values = arguments.data();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)target->accepts({reinterpret_cast<const char*>(data), size});
  return 0;
}

// Half the mutations are libFuzzer's, half know the format, and now and then one starts from a
// seed.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed) {
  constexpr unsigned kFresh = 32;
  std::mt19937 random(seed);
  if (random() % 2 == 0) return LLVMFuzzerMutate(data, size, most);
  const std::string input =
      size <= 1 || random() % kFresh == 0
          ? mutated_seed(*target, seeds, random)
          : mutated({reinterpret_cast<const char*>(data), size}, *target, random);
  const std::size_t length = std::min(input.size(), most);
  std::memcpy(data, input.data(), length);
  return length;
}
