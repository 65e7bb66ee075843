#include "data/data_testing.hpp"
#include "fuzz/source.hpp"
#include "fuzz/target.hpp"

namespace lockstep::fuzz {
namespace {

std::vector<std::string> seeds() {
  std::string second = npy_file("|u1", "(2, 2)", "abcd");  // format 2: a length of four bytes
  second[6] = 2;
  second.insert(10, 2, '\0');
  return {npy_file("<f4", "(2, 1)", little_endian(1.0f) + little_endian(2.0f)),
          npy_file("|u1", "(2,)", "ab"), npy_file(">i2", "(2, 2)", "abcdefgh"),
          npy_file("<f8", "(2,)", little_endian(1.0) + little_endian(0.0)), second};
}

// As inputs, and as the labels of two samples.
bool accepts(const std::string& input) {
  static const MemoryFile two(npy_file("|u1", "(2,)", "ab")), file;
  file.write(input);
  Source inputs = source_of("npy", file, two);
  Source labels = source_of("npy", two, file);
  const bool as_inputs = accepted([&] { (void)load(inputs); });
  return accepted([&] { (void)load(labels); }) || as_inputs;
}

}  // namespace

extern const Target kNpy{"npy",
                         accepts,
                         seeds,
                         {"'descr'", "'fortran_order'", "'shape'", "True", "False", "<f4", ">i8",
                          "(", ")", ",", "{", "}", ": ", "'", "4294967296", "9223372036854775807"}};

}  // namespace lockstep::fuzz
