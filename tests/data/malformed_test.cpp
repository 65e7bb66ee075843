#include <sys/stat.h>

#include <cmath>

#include "data/data_testing.hpp"
#include "io/gzip_testing.hpp"
#include "io/testing.hpp"
#include "lockstep/data/formats.hpp"
#include "lockstep/io/hdf5.hpp"

namespace lockstep {
namespace {

using namespace std::string_literals;

/// A data file that must be refused, and what the message must say.
struct Malformed {
  std::string name;  ///< of the file; its extension decides the format
  std::string content;
  std::string fragment;
  std::string labels = idx_header(8, {2}) + "\0\1"s;
  bool classification = true;
};

void expect_refused(const std::vector<Malformed>& cases) {
  for (const Malformed& bad : cases) {
    SCOPED_TRACE(bad.name + ": " + bad.fragment);
    const TemporaryDirectory directory;
    Source source;
    source.path = directory.write(bad.name, bad.content);
    if (!bad.name.ends_with(".bin") && !bad.name.ends_with(".csv") && !bad.name.ends_with(".h5")) {
      source.labels_path = directory.write("labels", bad.labels);
    }
    source.classification = bad.classification;
    expect_error(ExitCode::bad_data, bad.fragment, [&] { (void)load(source); });
  }
}

TEST(Malformed, Idx) {
  const std::string good = idx_header(8, {2}) + "ab";
  const std::string floats = idx_header(0x0D, {2, 2}) + big_endian(1.0f) + big_endian(2.0f);
  const std::string halves = idx_header(0x0D, {2}) + big_endian(1.0f);
  const std::string member = gzipped(std::string(4 << 20, '\0'));
  std::string bomb;
  for (int i = 0; i < 70; ++i) bomb += member;
  expect_refused({
      {"a.idx", "", "a.idx: the file is empty"},
      {"a.idx", "\0\0\x08"s, "offset 0: expected the start"},
      {"a.idx", "\0\1\x08\1\0\0\0\2ab"s, "offset 0: expected the start"},
      {"a.idx", "\0\0\x0A\1\0\0\0\2ab"s, "offset 0: expected the start"},
      {"a.idx", "\0\0\x08\5"s + std::string(30, '\1'), "offset 0: expected the start"},
      {"a.idx", "\0\0\x08\2\0\0\0\2"s,
       "offset 4: expected a header of 12 bytes, found a file of 8"},
      {"a.idx", idx_header(8, {2, 3}) + "abcde", "offset 12: expected 6 bytes of data, found 5"},
      {"a.idx", idx_header(8, {2, 3}) + "abcdefg", "expected 6 bytes of data, found 7: something"},
      {"a.idx", idx_header(8, {~0u, ~0u, ~0u, ~0u}), "offset 4: the dimensions declare more bytes"},
      {"a.idx", idx_header(0x0E, {~0u, ~0u}), "offset 4: the dimensions declare more bytes"},
      {"a.idx", idx_header(8, {~0u}), "expected 4294967295 bytes of data, found 0"},
      {"a.idx", idx_header(8, {0}), "expected at least one sample"},
      {"a.idx", idx_header(8, {2, 0}), "expected at least one sample and one number in each"},
      {"a.idx", floats + big_endian(NAN) + big_endian(1.0f),
       "sample 1, column 0: expected a finite"},
      {"a.idx", idx_header(0x0E, {2}) + big_endian(1.0) + big_endian(1e300), "sample 1, column 0"},
      {"a.idx", idx_header(8, {3}) + "abc", "labels: expected targets for 3 samples"},
      {"a.idx", good, "labels: offset 0", "garbage"},
      {"a.idx", good, "sample 0: expected a class label", idx_header(9, {2}) + "\xff\1"s},
      {"a.idx", good, "sample 1: expected a class label", halves + big_endian(1.5f)},
      {"a.idx", good, "sample 1: expected a class label", halves + big_endian(3e9f)},
      {"a.idx", good, "sample 1: expected a class label", halves + big_endian(NAN)},
      {"a.idx", good,
       "expected shape (samples), or one label per position, (samples, "
       "positions) or (samples, height, width), found (2, 2, 1, 1)",
       idx_header(8, {2, 2, 1, 1}) + "abcd"},
      {"a.idx", good, "sample 1, column 0: expected a finite number of at most 3.4e38, found inf",
       halves + big_endian(INFINITY), false},
      {"a.idx.gz", gzipped(good).substr(0, 20), "a.idx.gz: the gzip data is truncated"},
      {"a.idx.gz", bomb, "unfold to more than 268435456"},
  });
}

TEST(Malformed, Cifar10) {
  const std::string record = cifar_record(3, 1, 2, 3);
  expect_refused({
      {"a.bin", "", "a.bin: the file is empty"},
      {"a.bin", record + "x", "found 3074 bytes, 1 more than 1 records"},
      {"a.bin", record.substr(1), "found 3072 bytes"},
      {"a.bin", record + cifar_record(10, 0, 0, 0),
       "a.bin: offset 3073: expected a label from 0 to 9 for sample 1, found 10"},
  });
}

TEST(Malformed, Pnm) {
  const std::string labels = "a.pgm,1\n";
  expect_refused({
      {"a.pgm", "", "a.pgm: the file is empty", labels},
      {"a.pgm", "P2\n1 1\n255\n7", "this is a portable image of type P2", labels},
      {"a.pgm", "P2 1 1 255 7", "this is a PGM written as text, P2\n  convert the pictures",
       labels},
      {"a.pgm", "PX 1 1 255\n7", "offset 0: expected the start of a binary PGM or PPM", labels},
      {"a.pgm", "P5\n2 x\n255\nab", "offset 5: expected a number", labels},
      {"a.pgm", "P5\n2 ", "offset 5: expected a number", labels},
      {"a.pgm", "P5 # a comment without end", "offset 3: expected a number", labels},
      {"a.pgm", "P5\n0 2\n255\n", "expected 1 to 65536 columns", labels},
      {"a.pgm", "P5\n99999999999999999999 2\n255\n", "offset 3: expected a number", labels},
      {"a.pgm", "P5\n2 2\n65536\nabcdefgh", "found 65536", labels},
      {"a.pgm", "P5\n2 2\n65535\nabcdefg", "expected 8 bytes of pixels, found 7", labels},
      {"a.pgm", "P5\n1 1\n256\n\1\1", "expected a pixel of at most 256, found 257", labels},
      {"a.pgm", "P5\n2 2\n255\nabc", "offset 11: expected 4 bytes of pixels, found 3", labels},
      {"a.pgm", "P6\n2 2\n255\nabcdabcdabcde", "expected 12 bytes of pixels, found 13", labels},
      {"a.pgm", "P5\n1 1\n9\n\xff", "offset 9: expected a pixel of at most 9, found 255", labels},
  });
}

TEST(Malformed, Wav) {
  const std::string format = wav_format(1, 1, 8000, 16);
  const std::string good = wav_file(format, "abcd");
  const auto bad_format = [](int code, int channels, int rate, int bits) {
    return wav_file(wav_format(code, channels, rate, bits), "abcdefgh");
  };
  const std::string infinite = little_endian(INFINITY);
  const std::string labels = "a.wav,1\n";
  expect_refused({
      {"a.wav", "", "a.wav: the file is empty", labels},
      {"a.wav", "RIFX" + good.substr(4), "this is a RIFX recording", labels},
      {"a.wav", "RIF?" + good.substr(4), "offset 0: expected the start of a WAV", labels},
      {"a.wav", good.substr(0, 40), "expected a chunk 'data', found none", labels},
      {"a.wav", good.substr(0, good.size() - 1),
       "offset 36: expected 4 bytes in chunk 'data', found 3: the file is truncated", labels},
      {"a.wav", "RIFF\1\1\1\1WAVE\1\2\3\4\xff\xff\xff\xff"s,
       "offset 12: expected 4294967295 bytes in chunk '\?\?\?\?', found 0", labels},
      {"a.wav", wav_file(format.substr(0, 14), "abcd"), "expected a format of 16 bytes", labels},
      {"a.wav", riff_chunk("RIFF", "WAVE" + riff_chunk("data", "ab")),
       "expected a chunk 'fmt ' before the data", labels},
      {"a.wav", bad_format(1, 1, 8000, 12), "found format 1 of 12 bits", labels},
      {"a.wav", bad_format(1, 1, 8000, 64), "found format 1 of 64 bits", labels},
      {"a.wav", bad_format(3, 1, 8000, 16), "found format 3 of 16 bits", labels},
      {"a.wav", bad_format(6, 1, 8000, 8), "found format 6 of 8 bits", labels},
      {"a.wav", bad_format(1, 0, 8000, 16), "found 0 and 8000", labels},
      {"a.wav", bad_format(1, 1, 0, 16), "found 1 and 0", labels},
      {"a.wav", bad_format(1, 1, 1 << 28, 16), "found 1 and 268435456", labels},
      {"a.wav", wav_file(format, "abc"), "expected whole samples of 2 bytes, found 3", labels},
      {"a.wav", wav_file(wav_format(3, 1, 8000, 32), infinite),
       "offset 44: expected a finite number, found inf", labels},
      {"a.wav", good, "a.wav: expected a line for this file in", "b.wav,1\n"},
      {"a.wav", good, "labels:2: expected FILE,LABEL, found no separator", "a.wav,1\nb.wav 1\n"},
      {"a.wav", good, "a.wav: expected a finite number as its value, found \"loud\"",
       "a.wav,loud\n", false},
  });
}

TEST(Malformed, Csv) {
  expect_refused({
      {"a.csv", "", "a.csv: the file is empty"},
      {"a.csv", "\n\r\n \n", "a.csv: the file is empty"},
      {"a.csv", "a,b\n", "expected at least one sample"},
      {"a.csv", "1\n2\n", "a.csv:1: column 1: expected at least 2 columns"},
      {"a.csv", "1,2\n3\n", "a.csv:2: column 1: expected 2 columns as in the first line, found 1"},
      {"a.csv", "1,2\n3,4,5\n", "a.csv:2: column 3: expected 2 columns"},
      {"a.csv", "1,2\n\n3,4\n", "a.csv:2: column 1: expected 2 columns"},
      {"a.csv", "a,b\n1,2\n,4\n", "a.csv:3: column 1: expected a number, found an empty field"},
      {"a.csv", "1,2\n1x,4\n", "a.csv:2: column 1: expected a number, found \"1x\""},
      {"a.csv", "x,2\n1,4\n", "a.csv:1: column 1: expected a number, found \"x\""},
      {"a.csv", "1,2\nnan,4\n", "a.csv:2: column 1: expected a finite number"},
      {"a.csv", "1,2\n-inf,4\n", "a.csv:2: column 1: expected a finite number"},
      {"a.csv", "1,2\n1e39,4\n", "a.csv:2: column 1: expected a finite number"},
      {"a.csv", "1,2\n1e999,4\n", "a.csv:2: column 1: expected a finite number"},
      {"a.csv", "1,2\n1,-4\n", "a.csv:2: column 2: expected a class label"},
      {"a.csv", "1,2\n1,0.5\n", "a.csv:2: column 2: expected a class label"},
      {"a.csv", "1,2\n1,2147483648\n", "a.csv:2: column 2: expected a class label"},
      {"a.csv", "1,2\n1,nan\n", "a.csv:2: column 2: expected a finite number", "", false},
      {"a.csv", "1,\"2\n3,4\n", "a.csv:1: column 2: expected a closing quote"},
      {"a.csv", "1,\"2\"x\n", "a.csv:1: column 2: expected a delimiter after"},
      {"a.csv", "1,2\n0x10,1\n", "a.csv:2: column 1: expected a number, found \"0x10\""},
      {"a.csv", "1,2\n\0\0,1\n"s, "a.csv:2: column 1: expected a number"},
  });
}

TEST(Malformed, Npy) {
  const std::string data(8, '\0');
  const std::string labels = npy_file("|u1", "(2,)", "ab");
  expect_refused({
      {"a.npy", "", "a.npy: the file is empty"},
      {"a.npy", "NUMPY", "a.npy: offset 0: expected the start of a NumPy file"},
      {"a.npy", "\x93NUMPY"s, "expected NumPy format 1, 2 or 3, found 0"},
      {"a.npy", "\x93NUMPY\4\0\0\0"s, "expected NumPy format 1, 2 or 3, found 4"},
      {"a.npy", "\x93NUMPY\1\0\1"s, "truncated within the header"},
      {"a.npy", "\x93NUMPY\2\0\xff\xff\xff\xff{}"s,
       "expected a header of 4294967295 bytes, found 2"},
      {"a.npy", npy_file("<f4", "(2,)", data, "True"), "numpy.ascontiguousarray"},
      {"a.npy", npy_file("<f2", "(4,)", data), "found \"<f2\"; convert"},
      {"a.npy", npy_file("<c8", "(1,)", data), "found \"<c8\""},
      {"a.npy", npy_file("", "(1,)", data), "found \"\""},
      {"a.npy", npy_file("<f4", "(3,)", data), "expected 12 bytes of data after offset"},
      {"a.npy", npy_file("<f4", "(1,)", data), "expected 4 bytes of data"},
      {"a.npy", npy_file("<f4", "(-2,)", data), "expected a dimension"},
      {"a.npy", npy_file("<f4", "(99999999999999999999,)", data), "expected a dimension"},
      {"a.npy", npy_file("<f4", "(9999999999, 9999999999)", data), "declares more bytes"},
      {"a.npy", npy_file("<f4", "(2", data), "header, character "},
      {"a.npy", npy_file("<f4", "()", data.substr(0, 4)), "expected 1 to 4 dimensions", labels},
      {"a.npy", npy_file("<f4", "(2, 1, 1, 1, 1)", data), "expected 1 to 4 dimensions", labels},
      {"a.npy", npy_file("<f4", "(2,), 'x': 1", data), "expected the keys descr"},
      {"a.npy", "\x93NUMPY\1\0\2\0{}"s, "expected the keys descr"},
      {"a.npy", labels, "expected the start of a NumPy file", "x"},
  });
}

TEST(Malformed, Hdf5) {
  Hdf5Writer writer;
  writer.dataset("/inputs", std::vector<Index>{2}, std::vector<float>{1, NAN});
  writer.dataset("/targets", std::vector<Index>{2}, std::vector<std::int64_t>{0, 1});
  const std::string image = text_of(writer.finish());
  Hdf5Writer empty;
  expect_refused({
      {"a.h5", "", "a.h5: the file is empty"},
      {"a.h5", "HDF", "a.h5: not an HDF5 file"},
      {"a.h5", image.substr(0, 200), "a.h5: not an HDF5 file"},
      {"a.h5", image, "a.h5: /inputs: sample 1, column 0: expected a finite"},
      {"a.h5", text_of(empty.finish()),
       "a.h5: /inputs: expected a data set of this name, but the file holds none at all"},
  });
}

TEST(Malformed, Sources) {
  const TemporaryDirectory directory;
  const auto expect = [](ExitCode code, std::string_view fragment, const std::string& path,
                         const std::string& type = "auto") {
    Source source;
    source.path = path;
    source.type = type;
    expect_error(code, fragment, [&] { (void)load(source); });
  };
  const std::string pipe = directory / "pipe.csv";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  expect(ExitCode::no_input, "none.csv: No such file", directory / "none.csv");
  expect(ExitCode::no_input, "none.h5:train: No such file", directory / "none.h5:train");
  expect(ExitCode::no_input, "expected files that end in .", directory.path());
  expect(ExitCode::bad_data, "expected a regular file, found a pipe", pipe);
  expect(ExitCode::bad_data, "neither content nor extension", directory.write("a.xyz", "1,2\n"));
  expect(ExitCode::config,
         "expected auto, idx, csv, npy, hdf5, cifar10, wav, pnm, png, text; found \"foo\"",
         directory.write("a.csv", "1,2\n"), "foo");
  expect(ExitCode::config, "keeps labels in a second file, and none is named",
         directory.write("a.idx", idx_header(8, {1}) + "x"));
}

TEST(Malformed, CsvTargets) {
  const TemporaryDirectory directory;
  Source source;
  source.path = directory.write("a.csv", "a,b,c\n1,2,3\n");
  source.target = "d";
  expect_error(ExitCode::bad_data, "column named \"d\", found none in the header",
               [&] { (void)load(source); });
  source.target = Index{3};
  expect_error(ExitCode::bad_data, "from -3 to 2, found 3", [&] { (void)load(source); });
  source.target = Index{-4};
  expect_error(ExitCode::bad_data, "from -3 to 2, found -4", [&] { (void)load(source); });
  source.header = false;
  source.target = "a";
  expect_error(ExitCode::bad_data, "found no header", [&] { (void)load(source); });
}

}  // namespace
}  // namespace lockstep
