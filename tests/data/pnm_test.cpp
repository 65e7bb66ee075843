#include "io/testing.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/data/formats.hpp"

namespace lockstep {
namespace {

TEST(Pnm, FoldersAreClasses) {
  const TemporaryDirectory directory;
  std::filesystem::create_directories(directory.path() / "set" / "cat");
  std::filesystem::create_directories(directory.path() / "set" / "ant");
  directory.write("set/cat/1.ppm", "P6 2 1 255\nabcdef");
  directory.write("set/ant/9.PPM", "P6\n# by hand\n2\t1 # two pixels\n255\nghijkl");
  directory.write("set/ant/notes.txt", "no image");
  Source source;
  source.path = directory / "set";

  const Dataset data = load(source);

  EXPECT_EQ(data.shape(), (Shape{1, 2, 3}));
  EXPECT_EQ(data.size(), 2);
  EXPECT_EQ(text_of(data.input_bytes()), "ghijklabcdef");
  EXPECT_EQ(data.class_names(), (std::vector<std::string>{"ant", "cat"}));
  EXPECT_EQ(data.label(0), 0);
  EXPECT_EQ(data.label(1), 1);

  // A pattern means the same images as the folder, whatever the files are called.
  directory.write("set/cat/2.pnm", "P6 2 1 255\nmnopqr");
  source.path = directory / "set/*/*.p*m";
  std::filesystem::rename(directory.path() / "set/ant/9.PPM", directory.path() / "set/ant/9.pnm");
  const Dataset matched = load(source);
  EXPECT_EQ(matched.class_names(), data.class_names());
  EXPECT_EQ(std::vector(matched.labels().begin(), matched.labels().end()),
            (std::vector<std::int32_t>{0, 1, 1}));

  // Where the labels of the training data were numbers, names are no labels.
  source.class_names = std::vector<std::string>{};
  EXPECT_THROW((void)load(source), Error);
}

TEST(Pnm, ABlankEndsTheHeader) {
  const TemporaryDirectory directory;
  Source source;
  source.label_pattern = "{label}.pgm";
  source.path = directory.write("3.pgm", "P5 2 1 255Xab");
  EXPECT_THROW((void)load(source), Error);
}

TEST(Pnm, TheBrightestValueBecomes255) {
  const TemporaryDirectory directory;
  Source source;
  source.label_pattern = "{label}.pgm";
  source.path = directory.write("3.pgm", "P5 4 1 2\n" + std::string("\0\1\2\n", 3) + "\2");
  const Dataset data = load(source);
  EXPECT_EQ(data.byte_inputs()[0], 0);
  EXPECT_EQ(data.byte_inputs()[1], 127);
  EXPECT_EQ(data.byte_inputs()[2], 255);
  EXPECT_EQ(data.label(0), 3);
}

TEST(Pnm, SixteenBitsAreKept) {
  const TemporaryDirectory directory;
  Source source;
  source.label_pattern = "{label}.pgm";
  source.path = directory.write("3.pgm", "P5 3 1 4095\n" + std::string("\0\0\x0f\xff\0\7", 6));
  const Dataset data = load(source);
  EXPECT_EQ(data.float_inputs()[0], 0.0f);
  EXPECT_EQ(data.float_inputs()[1], 255.0f);
  EXPECT_EQ(data.float_inputs()[2], static_cast<float>(7 * (255.0 / 4095)));
  ASSERT_EQ(data.notes().size(), 1u);
  EXPECT_NE(data.notes()[0].find("with more than 8 bits, kept as reals"), std::string::npos);
}

}  // namespace
}  // namespace lockstep
