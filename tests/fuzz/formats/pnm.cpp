#include "fuzz/source.hpp"
#include "fuzz/target.hpp"

namespace lockstep::fuzz {
namespace {

std::vector<std::string> seeds() {
  return {"P6\n# c\n2 1\n255\nabcdef", "P5 2 2 200 abcd", "P5\n1\n1\n127\na"};
}

bool accepts(const std::string& input) {
  static const MemoryFile file;
  file.write(input);
  return accepted([&] { (void)load(source_of("pnm", file)); });
}

}  // namespace

extern const Target kPnm{"pnm", accepts, seeds, {"P5", "P6", "#", "65536", "255", "\n", " "}};

}  // namespace lockstep::fuzz
