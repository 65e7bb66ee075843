#include <gmock/gmock.h>

#include <cmath>
#include <complex>
#include <numbers>

#include "data/data_testing.hpp"
#include "data/labelled_files.hpp"
#include "data/log_mel.hpp"
#include "io/testing.hpp"
#include "lockstep/data/formats.hpp"

namespace lockstep {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A source of so many samples of sound per recording, at 1000 per second.
Source source_of(const std::string& path, int samples) {
  Source source;
  source.path = path;
  source.label_pattern = "{label}_*.wav";
  source.sound.seconds = samples / 1000.0;
  return source;
}

std::vector<float> inputs_of(const Source& source) {
  const Dataset data = load(source);
  return {data.float_inputs().begin(), data.float_inputs().end()};
}

TEST(Wav, EveryTypeOfNumberIsScaledToOne) {
  const TemporaryDirectory directory;
  const auto read = [&](int code, int bits, const std::string& bytes, int samples) {
    directory.write("0_a.wav", wav_file(wav_format(code, 1, 1000, bits), bytes));
    return inputs_of(source_of(directory / "0_a.wav", samples));
  };
  const std::vector<float> expected{0.0f, 0.5f, -1.0f};
  EXPECT_EQ(read(1, 8, "\x80\xc0\0"s, 3), expected);
  EXPECT_EQ(read(1, 16, "\0\0\0\x40\0\x80"s, 3), expected);
  EXPECT_EQ(read(1, 24, "\0\0\0\0\0\x40\0\0\x80"s, 3), expected);
  EXPECT_EQ(read(1, 32, "\0\0\0\0\0\0\0\x40\0\0\0\x80"s, 3), expected);
  EXPECT_EQ(read(3, 32, little_endian(0.0f) + little_endian(0.5f) + little_endian(-1.0f), 3),
            expected);
  EXPECT_EQ(read(3, 64, little_endian(0.0) + little_endian(0.5) + little_endian(-1.0), 3),
            expected);
  EXPECT_EQ(read(1, 16, "\1\0\xff\xff"s, 2), (std::vector<float>{0x1p-15f, -0x1p-15f}));
}

TEST(Wav, ExtensibleFormatsAndUnknownChunksAreRead) {
  const TemporaryDirectory directory;
  const std::string extensible = wav_format(0xFFFE, 1, 1000, 16) + "\x16\0"s + "\x10\0"s +
                                 "\0\0\0\0"s + "\1\0"s + std::string(14, 'g');
  directory.write("0_a.wav", wav_file(extensible, "\0\x40"s, riff_chunk("LIST", "odd")));
  EXPECT_EQ(inputs_of(source_of(directory / "0_a.wav", 1)), (std::vector<float>{0.5f}));
}

TEST(Wav, ChannelsAreMixedDown) {
  const TemporaryDirectory directory;
  directory.write("0_a.wav", wav_file(wav_format(1, 2, 1000, 8), "\xc0\x80\0\x80"s));
  const Source source = source_of(directory / "0_a.wav", 2);
  EXPECT_EQ(inputs_of(source), (std::vector<float>{0.25f, -0.5f}));
  EXPECT_THAT(load(source).notes(), ElementsAre(HasSubstr("of several channels")));
}

TEST(Wav, RecordingsAreCutAndFilledWithSilence) {
  const TemporaryDirectory directory;
  directory.write("0_a.wav", wav_file({16384}, 1000));
  directory.write("1_b.wav", wav_file({16384, 16384, 16384}, 1000));
  const Dataset data = load(source_of(directory.path().string(), 2));
  EXPECT_EQ(data.shape(), (Shape{2, 1, 1}));
  EXPECT_EQ(std::vector<float>(data.float_inputs().begin(), data.float_inputs().end()),
            (std::vector<float>{0.5f, 0, 0.5f, 0.5f}));
  EXPECT_EQ(data.label(1), 1);
}

TEST(Wav, WhatIsCutOrFilledIsCounted) {
  const TemporaryDirectory directory;
  directory.write("0_a.wav", wav_file({1, 2}, 1000));
  const Source two = source_of(directory.path().string(), 2);
  EXPECT_THAT(load(two).notes(), IsEmpty());
  directory.write("1_b.wav", wav_file({1, 2, 3}, 1000));
  directory.write("1_c.wav", wav_file(std::vector<int>(500, 1), 1000));
  directory.write("1_d.wav", wav_file({1}, 1000));
  EXPECT_THAT(
      load(two).notes(),
      ElementsAre(HasSubstr("2 of 4 recordings longer than data.seconds = 0.002 and cut, the "
                            "longest of 0.5 s: " +
                            directory / "1_b.wav"),
                  HasSubstr("1 of 4 recordings shorter than data.seconds = 0.002, filled with "
                            "silence, the shortest of 0.001 s: " +
                            directory / "1_d.wav")));
}

/// A recording of two numbers that says it has `size` bytes of sound, and what is behind them.
std::string wav_of_size(std::uint32_t size, const std::string& behind = "") {
  std::string file = wav_file({16384, -16384}, 1000);
  file.replace(40, 4, little_endian(size));
  return file + behind;
}

TEST(Wav, SizesThatNobodyFilledInGoToTheEndOfTheFile) {
  const TemporaryDirectory directory;
  Source source = source_of(directory / "0_a.wav", 2);
  for (const std::uint32_t size : {0u, 0x7FFFF000u, 0x80000000u, 0xFFFFFFFFu}) {
    directory.write("0_a.wav", wav_of_size(size, "x"));  // half a number more
    EXPECT_EQ(inputs_of(source), (std::vector<float>{0.5f, -0.5f})) << size;
    EXPECT_THAT(load(source).notes(), ElementsAre(HasSubstr("did not fill in the size"))) << size;
  }
  directory.write("0_a.wav", wav_of_size(100));
  expect_error(ExitCode::bad_data, "expected 100 bytes in chunk 'data', found 4: the file is trunc",
               [&] { (void)load(source); });
  directory.write("0_a.wav", wav_file(std::vector<int>{}, 1000) + riff_chunk("LIST", "nothing"));
  expect_error(ExitCode::bad_data, "expected sound, found none", [&] { (void)load(source); });
}

TEST(Wav, WhatFollowsTheSoundIsSaid) {
  const TemporaryDirectory directory;
  Source source = source_of(directory / "0_a.wav", 1);
  const std::string sound = wav_file({16384}, 1000);
  const auto notes = [&](const std::string& behind) {
    directory.write("0_a.wav", sound + behind);
    return load(source).notes();
  };
  EXPECT_THAT(notes(riff_chunk("LIST", "odd")), IsEmpty());
  EXPECT_THAT(notes("\1\2\3\4\5\6\7\x8\x9"), ElementsAre(HasSubstr("bytes behind the sound")));
  EXPECT_THAT(notes(riff_chunk("data", "ab")), ElementsAre(HasSubstr("bytes behind the sound")));
}

TEST(Wav, OddChunksNeedNoPadding) {
  const TemporaryDirectory directory;
  std::string list = riff_chunk("LIST", "odd");
  for (int padded = 1; padded >= 0; --padded) {
    directory.write("0_a.wav", wav_file(wav_format(1, 1, 1000, 16), "\0\x40"s, list));
    EXPECT_EQ(inputs_of(source_of(directory / "0_a.wav", 1)), (std::vector<float>{0.5f}));
    list.pop_back();
  }
}

TEST(Wav, LabelsComeFromNamesFoldersAndTables) {
  const TemporaryDirectory directory;
  std::filesystem::create_directories(directory.path() / "set" / "yes");
  std::filesystem::create_directories(directory.path() / "set" / "no");
  std::filesystem::create_directories(directory.path() / "set" / ".cache");
  directory.write("set/yes/a.wav", wav_file({1}));
  directory.write("set/no/a.wav", wav_file({1}));
  directory.write("set/.cache/a.wav", "no recording");
  Source source;
  source.path = directory / "set";
  const Dataset folders = load(source);
  EXPECT_EQ(folders.class_names(), (std::vector<std::string>{"no", "yes"}));
  EXPECT_EQ(folders.label(0), 0);
  EXPECT_EQ(folders.label(1), 1);

  source.labels_path =
      directory.write("labels.csv", "\xEF\xBB\xBFno/a.wav;4\ryes/a.wav,3\r");  // of an old Mac
  EXPECT_EQ(load(source).label(0), 4);
  source.labels_path = directory.write("labels.csv", "file,label\nyes/a.wav,3\n\"no/a.wav\"; 4\n");
  const Dataset table = load(source);
  EXPECT_EQ(table.label(0), 4);
  EXPECT_EQ(table.label(1), 3);
  EXPECT_TRUE(table.class_names().empty());
  source.classification = false;
  EXPECT_EQ(load(source).values()[0], 4.0f);

  // A validation set with fewer classes keeps the numbers of the training set.
  std::filesystem::create_directories(directory.path() / "val" / "yes");
  directory.write("val/yes/b.wav", wav_file({1}));
  Source val;
  val.path = directory / "val";
  val.class_names = folders.class_names();
  EXPECT_EQ(load(val).label(0), 1);
}

// They could not be told from two classes in a checkpoint, or would command a terminal.
TEST(Wav, NamesOfClassesAreWords) {
  const TemporaryDirectory directory;
  directory.write("a.wav", wav_file({1}));
  directory.write("b.wav", wav_file({1}));
  Source source;
  source.path = directory / "*.wav";
  for (const std::string label : {"x\x1b[2J", "x\x7f", "x\ry"}) {
    source.labels_path = directory.write("labels.csv", "a.wav," + label + "\nb.wav,yes\n");
    expect_error(ExitCode::bad_data, "expected names of classes without control characters",
                 [&] { (void)load(source); });
  }
  // Also as names of folders.
  for (const char* folder : {"yes", "no\nmaybe"}) {
    std::filesystem::create_directories(directory.path() / "set" / folder);
    directory.write("set/" + std::string(folder) + "/a.wav", wav_file({1}));
  }
  Source folders;
  folders.path = directory / "set";
  expect_error(ExitCode::bad_data, "no\\nmaybe/a.wav: a name with a line break",
               [&] { (void)load(folders); });
}

TEST(Wav, LabelsThatCannotBeMeantAreRefused) {
  const TemporaryDirectory directory;
  std::filesystem::create_directories(directory.path() / "set");
  directory.write("set/yes_1.wav", wav_file({1}));
  directory.write("set/no_1.wav", wav_file({1}));
  Source source;
  source.path = directory / "set";  // by default a file's folder is its class
  expect_error(ExitCode::bad_data, "found 2 of the class \"set\"\n  the label is the part of",
               [&] { (void)load(source); });
  source.labels_path = directory.write("labels.csv", "yes_1.wav,1\nno_1.wav,0\nyes_1.wav,0\n");
  expect_error(ExitCode::bad_data, "labels.csv:3: yes_1.wav has a label on line 1 already",
               [&] { (void)load(source); });
}

TEST(LabelPattern, MatchesTheEndOfAPath) {
  EXPECT_EQ(label_in("sets/7_jackson_32.wav", "{label}_*.wav"), "7");
  EXPECT_EQ(label_in("sets/7_jackson_32.wav", "*_{label}_*.wav"), "jackson");
  EXPECT_EQ(label_in("sets/7_jackson_32.wav", "{label}/*"), "sets");
  EXPECT_EQ(label_in("/sets/7.wav", "{label}/*"), "sets");
  EXPECT_EQ(label_in("7.wav", "{label}.wav"), "7");
  EXPECT_EQ(label_in("7.wav", "{label}/*"), std::nullopt);
  EXPECT_EQ(label_in("7.mp3", "{label}.wav"), std::nullopt);
  EXPECT_EQ(label_in("a/.wav", "{label}.wav"), std::nullopt);
}

TEST(FourierTransform, AgreesWithTheSum) {
  constexpr std::size_t size = 16;
  std::vector<double> real, imaginary, cosine, sine;
  for (std::size_t i = 0; i < size; ++i) {
    real.push_back(std::sin(1.0 + static_cast<double>(i * i)));
    imaginary.push_back(std::cos(static_cast<double>(3 * i)));
  }
  const double turn = 2 * std::numbers::pi / size;
  for (std::size_t k = 0; k < size / 2; ++k) {
    cosine.push_back(std::cos(turn * static_cast<double>(k)));
    sine.push_back(std::sin(turn * static_cast<double>(k)));
  }
  std::vector<std::complex<double>> expected(size);
  for (std::size_t k = 0; k < size; ++k) {
    for (std::size_t n = 0; n < size; ++n) {
      expected[k] +=
          std::complex(real[n], imaginary[n]) * std::polar(1.0, -turn * static_cast<double>(k * n));
    }
  }
  fourier_transform(real, imaginary, cosine, sine);
  for (std::size_t k = 0; k < size; ++k) {
    EXPECT_NEAR(real[k], expected[k].real(), 1e-12);
    EXPECT_NEAR(imaginary[k], expected[k].imag(), 1e-12);
  }
}

// One frame against numpy:
//   x = 0.5 * numpy.sin(2 * numpy.pi * 1000 * numpy.arange(200) / 8000)
//   p = abs(numpy.fft.rfft(x * (0.5 - 0.5 * numpy.cos(2 * numpy.pi * numpy.arange(200) / 200)),
//   256)) ** 2 mel = lambda f: 2595 * numpy.log10(1 + f / 700); hertz = lambda m: 700 * (10 ** (m /
//   2595) - 1) c = hertz(mel(4000) * numpy.arange(10) / 9); f = numpy.arange(129) * 8000 / 256
//   [numpy.log(1e-6 + p @ numpy.clip(numpy.minimum((f - c[b]) / (c[b + 1] - c[b]),
//    (c[b + 2] - f) / (c[b + 2] - c[b + 1])), 0, None)) for b in range(8)]
TEST(LogMel, OfASineIsKnown) {
  std::vector<float> sound;
  for (int i = 0; i < 200; ++i) {
    sound.push_back(static_cast<float>(0.5 * std::sin(2 * std::numbers::pi * 1000 * i / 8000.0)));
  }
  LogMel mel({.rate = 8000, .window = 200, .hop = 80, .bands = 8});
  EXPECT_EQ(mel.frames(199), 0);
  EXPECT_EQ(mel.frames(200), 1);
  EXPECT_EQ(mel.frames(8000), 98);
  EXPECT_EQ(mel.empty_bands(), 0);
  std::vector<float> bands(8);
  mel.compute(sound, bands);
  const std::vector<float> expected{-12.03963f, -10.33213f, -3.15220f,  6.89458f,
                                    5.36150f,   -9.99114f,  -13.29878f, -13.76416f};
  for (std::size_t b = 0; b < 8; ++b) EXPECT_NEAR(bands[b], expected[b], 1e-4) << "band " << b;
}

TEST(Wav, LogMelIsAnImageOrASequence) {
  const TemporaryDirectory directory;
  Source source =
      source_of(directory.write("0_a.wav", wav_file(std::vector<int>(60, 1000), 1000)), 1000);
  source.sound.window = 0.1;
  source.sound.hop = 0.05;
  source.sound.mel_bands = 8;
  source.sound.features = SoundFeatures::log_mel;
  EXPECT_EQ(load(source).shape(), (Shape{19, 8, 1}));
  const auto image = inputs_of(source);
  EXPECT_NEAR(image.back(), std::log(1e-6), 1e-5);  // silence
  EXPECT_GT(image.front(), std::log(1e-6) + 1);
  source.sound.features = SoundFeatures::log_mel_sequence;
  EXPECT_EQ(load(source).shape(), (Shape{19, 1, 8}));
  EXPECT_EQ(inputs_of(source), image);
}

}  // namespace
}  // namespace lockstep
