#include "data/data_testing.hpp"
#include "fuzz/source.hpp"
#include "fuzz/target.hpp"

namespace lockstep::fuzz {
namespace {

std::vector<std::string> seeds() { return {cifar_record(1, 2, 3, 4) + cifar_record(9, 8, 7, 6)}; }

bool accepts(const std::string& input) {
  static const MemoryFile file;
  file.write(input);
  return accepted([&] { (void)load(source_of("cifar10", file)); });
}

}  // namespace

extern const Target kCifar10{"cifar10", accepts, seeds};

}  // namespace lockstep::fuzz
