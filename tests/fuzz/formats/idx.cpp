#include "data/data_testing.hpp"
#include "fuzz/source.hpp"
#include "fuzz/target.hpp"

namespace lockstep::fuzz {
namespace {

using namespace std::string_literals;

std::vector<std::string> seeds() {
  return {idx_header(8, {2}) + "\0\1"s,
          idx_header(8, {2, 2, 3}) + "abcdefghijkl",
          idx_header(0x0B, {2, 1}) + "\0\1\0\2"s,
          idx_header(0x0C, {2}) + "\0\0\0\1\0\0\0\2"s,
          idx_header(0x0D, {2, 2}) + big_endian(1.0f) + big_endian(2.0f) + big_endian(3.0f) +
              big_endian(4.0f),
          idx_header(0x0E, {2}) + big_endian(1.0) + big_endian(0.0)};
}

// As inputs, and as the labels of two samples.
bool accepts(const std::string& input) {
  static const MemoryFile two(idx_header(8, {2}) + "\0\1"s), file;
  file.write(input);
  Source inputs = source_of("idx", file, two);
  Source labels = source_of("idx", two, file);
  Source values = labels;
  values.classification = false;
  const bool as_inputs = accepted([&] { (void)load(inputs); });
  const bool as_labels = accepted([&] { (void)load(labels); });
  return accepted([&] { (void)load(values); }) || as_inputs || as_labels;
}

}  // namespace

extern const Target kIdx{"idx", accepts, seeds};

}  // namespace lockstep::fuzz
