#include "lockstep/io/hdf5.hpp"
#include "io/testing.hpp"
#include "lockstep/data/formats.hpp"

namespace lockstep {
namespace {

std::string example() {
  Hdf5Writer writer;
  for (const std::string group : {"", "/train"}) {
    writer.dataset(group + "/inputs", std::vector<Index>{2, 1, 2},
                   std::vector<float>{1, 2, 3, group.empty() ? 4.0f : 5.0f});
    writer.dataset(group + "/targets", std::vector<Index>{2}, std::vector<std::int64_t>{0, 3});
  }
  writer.dataset("/y", std::vector<Index>{2, 1}, std::vector<double>{0.5, 1.5});
  return text_of(writer.finish());
}

TEST(Hdf5, ReadsFileAndGroup) {
  const TemporaryDirectory directory;
  Source source;
  source.path = directory.write("data.h5", example());
  const Dataset root = load(source);
  EXPECT_EQ(root.shape(), (Shape{1, 2, 1}));
  EXPECT_EQ(root.float_inputs()[3], 4.0f);
  EXPECT_EQ(root.label(1), 3);
  source.path += ":train";
  EXPECT_EQ(load(source).float_inputs()[3], 5.0f);
}

TEST(Hdf5, ReadsNamedDatasets) {
  const TemporaryDirectory directory;
  Source source;
  source.path = directory.write("a:b.h5", example());
  source.targets_name = "y";
  source.classification = false;
  EXPECT_EQ(load(source).target(1)[0], 1.5f);
}

}  // namespace
}  // namespace lockstep
