#include "lockstep/io/hdf5.hpp"

#include "fuzz/source.hpp"
#include "fuzz/target.hpp"

namespace lockstep::fuzz {
namespace {

std::vector<std::string> seeds() {
  Hdf5Writer writer;
  writer.dataset("/inputs", std::vector<Index>{2, 2}, std::vector<float>{1, 2, 3, 4});
  writer.dataset("/targets", std::vector<Index>{2}, std::vector<std::int64_t>{0, 1});
  const auto bytes = writer.finish();
  return {{reinterpret_cast<const char*>(bytes.data()), bytes.size()}};
}

bool accepts(const std::string& input) {
  static const MemoryFile file;
  file.write(input);
  return accepted([&] { (void)load(source_of("hdf5", file)); });
}

}  // namespace

extern const Target kHdf5{
    "hdf5", accepts, seeds, {"\x89HDF\r\n\x1a\n", "TREE", "HEAP", "SNOD", "inputs", "targets"}};

}  // namespace lockstep::fuzz
