#include "data/data_testing.hpp"
#include "fuzz/source.hpp"
#include "fuzz/target.hpp"

namespace lockstep::fuzz {
namespace {

const MemoryFile& image() {
  static const MemoryFile file("P5 1 1 255 a");
  return file;
}

std::vector<std::string> seeds() {
  return {image().path() + ",1\n", "b.ppm;cat\n\"" + image().path() + "\";dog\r\n",
          image().path().substr(6) + "\t2"};
}

// A table of lines FILE,LABEL: of classes, and of values.
bool accepts(const std::string& input) {
  static const MemoryFile table;
  table.write(input);
  Source source = source_of("pnm", image(), table);
  source.class_names = {"cat", "dog"};
  const bool classes = accepted([&] { (void)load(source); });
  source.classification = false;
  return accepted([&] { (void)load(source); }) || classes;
}

}  // namespace

extern const Target kLabelTable{
    "label_table", accepts, seeds, {",", ";", "\t", "\"", "\n", "/", "proc/self/fd/", "1e99"}};

}  // namespace lockstep::fuzz
