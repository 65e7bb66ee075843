#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "data/png_testing.hpp"
#include "io/testing.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/data/formats.hpp"

namespace lockstep {
namespace {

using namespace png_testing;

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Png : public testing::Test {
 protected:
  Dataset load_one(const std::string& content) {
    directory_.write("7.png", content);
    Source source;
    source.path = directory_ / "7.png";
    source.label_pattern = "{label}.png";
    return load(source);
  }

  std::vector<int> pixels_of(const std::string& content) {
    const Dataset data = load_one(content);
    return {data.byte_inputs().begin(), data.byte_inputs().end()};
  }

  void expect_bad(const std::string& content, const std::string& reason,
                  ExitCode code = ExitCode::bad_data) {
    try {
      (void)load_one(content);
      FAIL() << "expected an error with: " << reason;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code);
      EXPECT_THAT(error.what(), HasSubstr(directory_ / "7.png"));
      EXPECT_THAT(error.what(), HasSubstr(reason));
    }
  }

  TemporaryDirectory directory_;
};

TEST_F(Png, SomethingElse) {
  expect_bad("", "the file is empty");
  expect_bad("\x89PNG\n", "expected the start of a PNG");
}

#ifdef LOCKSTEP_HAS_PNG

TEST_F(Png, GreyAndColour) {
  const std::string grey_image = png(header(2, 2, 8, grey), bytes({0, 1, 2, 0, 3, 255}));
  const Dataset data = load_one(grey_image);
  EXPECT_EQ(data.shape(), (Shape{2, 2, 1}));
  EXPECT_EQ(data.label(0), 7);
  EXPECT_THAT(pixels_of(grey_image), ElementsAre(1, 2, 3, 255));
  EXPECT_THAT(pixels_of(png(header(1, 2, 8, rgb), bytes({0, 1, 2, 3, 0, 4, 5, 6}))),
              ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(Png, TransparencyIsLeftOut) {
  EXPECT_THAT(pixels_of(png(header(2, 1, 8, grey_alpha), bytes({0, 9, 0, 8, 255}))),
              ElementsAre(9, 8));
  EXPECT_THAT(pixels_of(png(header(1, 1, 8, rgb_alpha), bytes({0, 1, 2, 3, 77}))),
              ElementsAre(1, 2, 3));
  EXPECT_THAT(load_one(png(header(1, 1, 8, rgb_alpha), bytes({0, 1, 2, 3, 254}))).notes(),
              ElementsAre(HasSubstr("1 of 1 images transparent in parts")));
  EXPECT_THAT(load_one(png(header(1, 1, 8, rgb_alpha), bytes({0, 1, 2, 3, 255}))).notes(),
              IsEmpty());
  // One colour of a palette, or one of all.
  const std::string colours = chunk("PLTE", bytes({10, 20, 30})) + chunk("tRNS", bytes({7}));
  EXPECT_THAT(load_one(png(header(1, 1, 8, palette) + colours, bytes({0, 0}))).notes(),
              ElementsAre(HasSubstr("transparent in parts")));
}

TEST_F(Png, SixteenBitsAreKept) {
  const std::string deep = png(header(3, 1, 16, grey), bytes({0, 255, 255, 1, 145, 1, 144}));
  const Dataset data = load_one(deep);
  EXPECT_THAT(data.float_inputs(), ElementsAre(255.0f, 401 / 257.0f, 400 / 257.0f));
  EXPECT_THAT(data.notes(), ElementsAre(HasSubstr("1 of 1 images with more than 8 bits")));
  const Dataset clear = load_one(png(header(1, 1, 16, grey_alpha), bytes({0, 1, 0, 255, 254})));
  EXPECT_THAT(clear.float_inputs(), ElementsAre(256 / 257.0f));
  EXPECT_EQ(clear.notes().size(), 2u);

  // Beside others of 8 bits they share one scale.
  std::filesystem::create_directories(directory_.path() / "set" / "a");
  std::filesystem::create_directories(directory_.path() / "set" / "b");
  directory_.write("set/a/1.png", png(header(3, 1, 8, grey), bytes({0, 1, 2, 255})));
  directory_.write("set/b/1.png", deep);
  Source source;
  source.path = directory_ / "set";
  const Dataset mixed = load(source);
  EXPECT_THAT(mixed.float_inputs(),
              ElementsAre(1.0f, 2.0f, 255.0f, 255.0f, 401 / 257.0f, 400 / 257.0f));
  EXPECT_THAT(mixed.labels(), ElementsAre(0, 1));
  EXPECT_THAT(mixed.notes(), ElementsAre(HasSubstr("1 of 2 images with more than 8 bits")));
}

TEST_F(Png, WhatFollowsThePictureIsSaid) {
  const std::string one = png(header(1, 1, 8, grey), bytes({0, 1}));
  EXPECT_THAT(load_one(one).notes(), IsEmpty());
  EXPECT_THAT(load_one(one + one).notes(), ElementsAre(HasSubstr("more behind the first picture")));
  const std::string film = chunk("acTL", std::string(8, '\1'));
  EXPECT_THAT(load_one(png(header(1, 1, 8, grey) + film, bytes({0, 1}))).notes(),
              ElementsAre(HasSubstr("more behind the first picture")));
}

TEST_F(Png, OtherFilesByThatNameAreTold) {
  expect_bad("\xff\xd8\xff\xe0", "this is a JPEG image\n  convert the pictures");
  expect_bad("picture", "offset 0: expected the start of a PNG image, found other bytes");
}

TEST_F(Png, PalettesAndOtherDepths) {
  const std::string colours = chunk("PLTE", bytes({10, 20, 30, 40, 50, 60}));
  EXPECT_THAT(pixels_of(png(header(2, 1, 8, palette) + colours, bytes({0, 1, 0}))),
              ElementsAre(40, 50, 60, 10, 20, 30));
  // 0, 1, 2 and 3 of 3, in two bits each.
  EXPECT_THAT(pixels_of(png(header(4, 1, 2, grey), bytes({0, 0b00011011}))),
              ElementsAre(0, 85, 170, 255));
}

TEST_F(Png, WhatTheHeaderDoesNotDeclareIsDamage) {
  expect_bad(png(header(2, 1, 8, grey), bytes({0, 1, 2, 0, 3, 4})), "no intact PNG: ");
  expect_bad(png(header(2, 1, 8, grey, true), bytes({0, 1, 0, 2, 0, 3})), "no intact PNG: ");
  const std::string colours = chunk("PLTE", bytes({10, 20, 30, 40, 50, 60}));
  expect_bad(png(header(2, 1, 8, palette) + colours, bytes({0, 1, 2})),
             "a pixel has colour 2 of a palette of 2");
  expect_bad(png(header(2, 1, 2, palette) + colours, bytes({0, 0b01110000})),
             "a pixel has colour 3 of a palette of 2");
  // What fills the last byte of a row is no pixel.
  EXPECT_THAT(pixels_of(png(header(1, 1, 2, palette) + colours, bytes({0, 0b01111111}))),
              ElementsAre(40, 50, 60));
}

TEST_F(Png, Interlaced) {
  EXPECT_THAT(pixels_of(png(header(2, 2, 8, grey, true), bytes({0, 1, 0, 2, 0, 3, 4}))),
              ElementsAre(1, 2, 3, 4));
}

TEST_F(Png, FoldersAreClasses) {
  for (const char* name : {"cat", "ant"}) {
    std::filesystem::create_directories(directory_.path() / "set" / name);
    directory_.write(std::string("set/") + name + "/1.png",
                     png(header(1, 1, 8, grey), bytes({0, name[0]})));
  }
  Source source;
  source.path = directory_ / "set";
  const Dataset data = load(source);
  EXPECT_EQ(data.class_names(), (std::vector<std::string>{"ant", "cat"}));
  EXPECT_EQ(text_of(data.input_bytes()), "ac");

  directory_.write("set/cat/2.png", png(header(2, 1, 8, grey), bytes({0, 1, 2})));
  EXPECT_THROW((void)load(source), Error);
}

TEST_F(Png, Damaged) {
  const std::string good = png(header(2, 2, 8, grey), bytes({0, 1, 2, 0, 3, 255}));
  for (const std::size_t length : {9u, 20u, 40u, 50u, 60u}) {
    expect_bad(good.substr(0, length), "no intact PNG: the file ends within the image");
  }
  for (const std::size_t place : {20u, 30u, 43u, 48u}) {
    std::string flipped = good;
    flipped[place] = static_cast<char>(flipped[place] ^ 4);
    expect_bad(flipped, "no intact PNG: ");
  }
  expect_bad(png(header(2, 2, 8, grey), bytes({0, 1, 2})), "no intact PNG: ");
  expect_bad(png(header(0, 2, 8, grey), ""), "no intact PNG: ");
  expect_bad(png(header(2, 2, 7, grey), ""), "no intact PNG: ");
}

TEST_F(Png, EnormousImagesAreRefusedBeforeTheyAreUnpacked) {
  expect_bad(png(header(1u << 20, 1, 8, grey), ""), "no intact PNG: ");
  expect_bad(png(header(60000, 60000, 8, rgb), ""),
             "expected at most 134217728 bytes of pixels, the header declares 60000 x 60000");
  expect_bad(png(header(10000, 10000, 8, grey), ""),
             "the header declares 10000 x 10000, more pixels than 65 bytes can hold");
}

TEST_F(Png, PackedTextsAreNotUnpacked) {
  const std::string bomb =
      chunk("zTXt", std::string("a\0\0", 3) + packed(std::string(7 << 20, 'a')));
  std::string texts;
  for (int i = 0; i < 100; ++i) texts += bomb;
  const auto peak = [] {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024;
  };
  const auto before = peak();
  EXPECT_THAT(pixels_of(png(header(1, 1, 8, grey) + texts, bytes({0, 9}))), ElementsAre(9));
  EXPECT_LT(peak(), before + 100) << "MiB";
}

#else

TEST_F(Png, ABuildWithoutItSaysSo) {
  const std::string image = png(header(1, 1, 8, grey), bytes({0, 1}));
  expect_bad(image, "expected images as PGM or PPM, found a PNG", ExitCode::unavailable);
  expect_bad(image, "try: install libpng (Debian: libpng-dev)", ExitCode::unavailable);
}

#endif

}  // namespace
}  // namespace lockstep
