#pragma once

// Wrong data files.

#include <sys/stat.h>

#include "lockstep/io/hdf5.hpp"
#include "system/bad_input.hpp"

namespace lockstep::system_test {

/// The good run with an HDF5 set that is larger than the memory for it.
inline Arguments streamed(const std::string& file, const std::string& memory) {
  return {"train", "config.toml", "--set", "data.train=" + file, "--set", memory};
}

inline std::vector<BadInput> bad_data() {
  using enum ExitCode;
  const std::string images = idx_header(8, {40, 4}) + std::string(160, '\5');
  const std::string labels = idx_header(8, {40}) + std::string(40, '\1');
  const std::string table = good_data();
  const std::string second_line = table.substr(table.find('\n') + 1, 7);
  return {
      {"Missing", no_input, {"nowhere.csv", "No such file"}, set("data.train=nowhere.csv")},
      {"Directory",
       no_input,
       {"folder.csv: expected files that end in .", ", found none"},
       [](const Scene& s) {
         std::filesystem::create_directory(s.directory / "folder.csv");
         return Arguments{"train", "config.toml", "--set", "data.train=folder.csv"};
       }},
      {"FolderOfTwoFormats",
       bad_data,
       {"mixed: expected files of one format, found wav and pnm", "data.type"},
       [](const Scene& s) {
         std::filesystem::create_directory(s.directory / "mixed");
         s.write("mixed/a.wav", "x");
         s.write("mixed/b.pgm", "x");
         return Arguments{"train", "config.toml", "--set", "data.train=mixed"};
       }},
      {"Pipe",
       bad_data,
       {"pipe.csv", "expected a regular file, found a pipe"},
       [](const Scene& s) {
         ::mkfifo((s.directory / "pipe.csv").c_str(), 0600);
         return Arguments{"train", "config.toml", "--set", "data.train=pipe.csv"};
       }},
      {"Device",
       bad_data,
       {"/dev/zero", "expected a regular file, found a device"},
       set("data.train=/dev/zero")},
      {"Empty", bad_data, {"empty.csv", "empty"}, data("empty.csv", "")},
      {"PointerOfGitLfs",
       bad_data,
       {"pointer.csv: expected samples", "stands for a file of 7 bytes", "git lfs pull"},
       data("pointer.csv", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 7\n")},
      {"PointerForAConfiguration",
       config,
       {"pointer.toml: expected a configuration in TOML", "git lfs pull"},
       [](const Scene& s) {
         s.write("pointer.toml",
                 "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 7\n");
         return Arguments{"train", "pointer.toml"};
       }},
      {"PicturesOfTwoFormats",
       bad_data,
       {"images: expected pnm alone, found 1 .jpg beside 1 files of it", "mogrify"},
       [](const Scene& s) {
         std::filesystem::create_directories(s.directory.path() / "images" / "a");
         s.write("images/a/1.pgm", "P5\n1 1\n255\na");
         s.write("images/a/2.jpg", "x");
         return Arguments{"train", "config.toml", "--set", "data.train=images"};
       }},
      {"GroupOfATable",
       bad_data,
       {"data.csv:part: only files of HDF5 have groups"},
       set("data.train=data.csv:part")},
      {"MissingFileWithAColon",
       no_input,
       {"at 10:30/none.csv", "No such file"},
       set("data.train=at 10:30/none.csv")},
      {"UnknownFormat",
       bad_data,
       {"data.xyz: neither", "data.type", "csv"},
       data("data.xyz", "hello")},
      {"GzipTruncated",
       bad_data,
       {"data.csv.gz", "truncated"},
       data("data.csv.gz", gzipped(table).substr(0, 300))},
      {"GzipCorrupt",
       bad_data,
       {"data.csv.gz", "corrupt"},
       data("data.csv.gz", gzipped(table).replace(100, 50, 50, 'x'))},
      {"GzipBomb",
       bad_data,
       {"bomb.csv.gz", "unfold"},
       data("bomb.csv.gz", gzipped(std::string((std::size_t{256} << 20) + 1, '0')))},
      {"Word",
       bad_data,
       {"data2.csv:2: column 1: expected a number, found \"many\""},
       data("data2.csv", replaced(table, "\n" + second_line, "\nmany" + second_line.substr(6)))},
      {"NotANumber",
       bad_data,
       {"data2.csv:2: column 1: expected a finite number", "\"nan\""},
       data("data2.csv", replaced(table, "\n" + second_line, "\nnan" + second_line.substr(6)))},
      {"AboveAnyFloat",
       bad_data,
       {"data2.csv:2: column 1: expected a finite number", "\"1e39\""},
       data("data2.csv", replaced(table, "\n" + second_line, "\n1e39" + second_line.substr(6)))},
      {"RowTooShort",
       bad_data,
       {"data2.csv:2:", "expected 5 columns", "found 4"},
       data("data2.csv", replaced(table, "\n" + second_line, "\n"))},
      {"OneColumn",
       bad_data,
       {"data2.csv:1:", "at least 2 columns"},
       data("data2.csv", "1\n2\n3\n")},
      {"HeaderOnly", bad_data, {"data2.csv", "at least one sample"}, data("data2.csv", "a,b,c\n")},
      {"LabelOutOfRange",
       bad_data,
       {"data2.csv", "label 3 of sample 120", "'fc2' has 3 outputs", "0 to 2", "out = 4"},
       data("data2.csv", table + "1,1,1,1,3\n")},
      {"NumberThatIsNoSymbol",
       bad_data,
       {"data.csv: value", "layer 'fc1' takes the numbers of 2 symbols", "from 0 to 1"},
       edited("type = \"linear\"\nout = 8\n[[layer]]\nname = \"act\"\ntype = \"relu\"",
              "type = \"embedding\"\nsymbols = 2\ndim = 3\n"
              "[[layer]]\nname = \"act\"\ntype = \"flatten\"")},
      {"NegativeLabel",
       bad_data,
       {"data2.csv:121: column 5", "class label", "\"-1\""},
       data("data2.csv", table + "1,1,1,1,-1\n")},
      {"FractionForALabel",
       bad_data,
       {"data2.csv:121: column 5", "class label", "\"0.5\""},
       data("data2.csv", table + "1,1,1,1,0.5\n")},
      {"TargetColumnBeyond",
       bad_data,
       {"data.csv", "target column from -5 to 4", "found 7"},
       set("data.target=7")},
      {"TargetColumnUnknown",
       bad_data,
       {"data.csv", "\"price\"", "no header"},
       set("data.target=price")},
      {"FewerSamplesThanABatch",
       bad_data,
       {"data2.csv", "18 training samples", "batch of 32", "data.batch=18"},
       data("data2.csv", class_table(20, 4, 3))},
      {"ValidationOfAnotherShape",
       bad_data,
       {"wide.csv", "data.csv", "1 x 1 x 5", "instead of 1 x 1 x 4"},
       [](const Scene& s) {
         s.write("wide.csv", class_table(20, 5, 3));
         return Arguments{"train", "config.toml", "--set", "data.val=wide.csv"};
       }},
      {"IdxWithoutLabels", config, {"images", "data.train_labels"}, data("images", images)},
      {"IdxLabelsMissing",
       no_input,
       {"nolabels", "No such file"},
       data("images", images, {"--set", "data.train_labels=nolabels"})},
      {"IdxTruncated",
       bad_data,
       {"images: offset 12: expected 160 bytes of data, found 100", "truncated"},
       data_with_labels("images", images.substr(0, 112), labels)},
      {"IdxHeaderTruncated",
       bad_data,
       {"images: offset 4: expected a header of 12 bytes", "10"},
       data_with_labels("images", images.substr(0, 10), labels)},
      {"IdxTrailingBytes",
       bad_data,
       {"images: offset 12: expected 160 bytes", "found 161"},
       data_with_labels("images", images + "x", labels)},
      {"IdxOverflow",
       bad_data,
       {"images: offset 4", "more bytes than any file can hold"},
       data_with_labels("images", idx_header(14, {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}),
                        labels)},
      {"IdxNoSamples",
       bad_data,
       {"images", "at least one sample", "(0, 2, 2)"},
       data_with_labels("images", idx_header(8, {0, 2, 2}), labels)},
      {"IdxWrongMagic",
       bad_data,
       {"labels: offset 0: expected the start of an IDX file"},
       data_with_labels("images", images, "\1\2\3\4" + labels)},
      {"IdxFewerLabels",
       bad_data,
       {"labels", "40 samples", "found 39"},
       data_with_labels("images", images, idx_header(8, {39}) + std::string(39, '\1'))},
      {"IdxLabelOutOfRange",
       bad_data,
       {"label 9 of sample 0", "0 to 2", "out = 10"},
       data_with_labels("images", images, idx_header(8, {40}) + std::string(40, '\11'))},
      {"NpyTruncated",
       bad_data,
       {"x.npy: expected 640 bytes", "found 600"},
       data_with_labels("x.npy", npy_file("<f4", "(40, 4)", std::string(600, '\0')), labels)},
      {"NpyFortranOrder",
       bad_data,
       {"x.npy", "Fortran order", "ascontiguousarray"},
       data_with_labels("x.npy", npy_file("<f4", "(40, 4)", std::string(640, '\0'), "True"),
                        labels)},
      {"NpyOfObjects",
       bad_data,
       {"x.npy", "\"|O\"", "save an array of numbers"},
       data_with_labels("x.npy", npy_file("|O", "(40, 4)", std::string(640, '\0')), labels)},
      {"NpyOverflow",
       bad_data,
       {"x.npy", "more bytes than any file can hold"},
       data_with_labels("x.npy", npy_file("<f4", "(9223372036854775807, 4)", ""), labels)},
      {"CifarTruncated",
       bad_data,
       {"batch.bin: expected records of 3073 bytes", "found 6145 bytes"},
       data("batch.bin", (cifar_record(1, 2, 3, 4) + cifar_record(1, 2, 3, 4)).substr(1))},
      {"PatternWithoutFiles",
       no_input,
       {"batch_*.bin: expected a file or a pattern that matches files, found none"},
       set("data.train=batch_*.bin")},
      {"BatchesOfDifferentShape",
       bad_data,
       {"b2.csv: expected samples and targets as in", "b1.csv"},
       [](const Scene& s) {
         s.write("b1.csv", class_table(40, 4, 3));
         s.write("b2.csv", class_table(40, 5, 3));
         return Arguments{"train", "config.toml", "--set", "data.train=b[12].csv"};
       }},
      {"WavFolderEmpty",
       no_input,
       {"sounds: expected files that end in .wav"},
       [](const Scene& s) {
         std::filesystem::create_directory(s.directory / "sounds");
         return Arguments{"train", "config.toml",  "--set", "data.train=sounds",
                          "--set", "data.type=wav"};
       }},
      {"WavOfOtherRate",
       bad_data,
       {"sounds/b_1.wav: expected 8000 samples of sound per second as in sounds/a_0.wav",
        "found 16000"},
       sounds({{"a_0.wav", wav_file({1, 2})}, {"b_1.wav", wav_file({1, 2}, 16000)}})},
      {"WavOfOtherRateInValidation",
       bad_data,
       {"val/c_0.wav: expected 8000 samples of sound per second as in training, found 16000"},
       [](const Scene& s) {
         std::filesystem::create_directory(s.directory / "val");
         s.write("val/c_0.wav", wav_file({1, 2}, 16000));
         Arguments line = sounds({{"a_0.wav", wav_file({1})}, {"b_1.wav", wav_file({1})}})(s);
         line.insert(line.end(), {"--set", "data.val=val"});
         return line;
       }},
      {"WavTruncated",
       bad_data,
       {"sounds/a_0.wav: offset 36: expected 4 bytes in chunk 'data', found 1"},
       sounds({{"a_0.wav", wav_file({1, 2}).substr(0, 45)}})},
      {"WavWithoutLabel",
       bad_data,
       {"sounds/a.wav: expected a path that ends like \"*_{label}.wav\"", "data.label_pattern"},
       sounds({{"a.wav", wav_file({1, 2})}})},
      {"WavOfUnknownClass",
       bad_data,
       {"val/c_3.wav: expected a class of the training data, no, yes; found \"3\""},
       [](const Scene& s) {
         std::filesystem::create_directory(s.directory / "val");
         s.write("val/c_3.wav", wav_file({1, 2}));
         Arguments line = sounds({{"a_yes.wav", wav_file({1})}, {"a_no.wav", wav_file({1})}})(s);
         line.insert(line.end(), {"--set", "data.val=val"});
         return line;
       }},
      {"WavWindowLongerThanASample",
       config,
       {"data.window", "at 8000 Hz"},
       sounds({{"a_0.wav", wav_file({1, 2})}},
              {"--set", "data.features=log_mel", "--set", "data.window=2"})},
      {"WavTooManyBands",
       config,
       {"of 500 bands are narrower", "data.mel_bands", "data.window"},
       sounds({{"a_0.wav", wav_file({1, 2})}},
              {"--set", "data.features=log_mel", "--set", "data.mel_bands=500"})},
      {"ImagesOfTwoSizes",
       bad_data,
       {"images/b/2.pgm: expected 1 x 2 x 1 (height, width, channels) as in images/a/1.pgm",
        "found 1 x 1 x 1"},
       [](const Scene& s) {
         std::filesystem::create_directories(s.directory.path() / "images" / "a");
         std::filesystem::create_directories(s.directory.path() / "images" / "b");
         s.write("images/a/1.pgm", "P5\n2 1\n255\nab");
         s.write("images/b/2.pgm", "P5\n1 1\n255\na");
         return Arguments{"train", "config.toml", "--set", "data.train=images"};
       }},
      {"TextWithUnseenSymbol",
       bad_data,
       {"val.txt:2: column 3: expected one of the 4 characters of the training text", "'z'"},
       text(std::string(100, 'a') + "b\nc", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa\naazaaaaaaaaa")},
      {"TextIsNoUtf8",
       bad_data,
       {"data.txt:1: column 3: expected a character in UTF-8, found byte ff", "data.symbols"},
       text("ab\xff", "ab")},
      {"TextTooShort",
       bad_data,
       {"data.txt: expected at least 16 symbols", "found 3"},
       text("abc", "abc")},
      {"TextNormalized",
       config,
       {"--set", "the symbols of a text are not normalized"},
       text(std::string(400, 'a'), std::string(30, 'a'), {"--set", "data.normalize=standard"})},
      {"TextWithFewerOutputs",
       config,
       {"layer 'fc2' has 3 outputs", "4 symbols", "out = \"vocab\""},
       text("abcd" + std::string(400, 'a'), std::string(30, 'a'))},
      {"BytesWithFewerOutputs",
       config,
       {"layer 'fc2' has 3 outputs", "256 symbols", "out = \"vocab\""},
       text("ab" + std::string(400, 'a'), std::string(30, 'a'), {"--set", "data.symbols=byte"})},
      {"TextAugmented",
       config,
       {"config.toml:7:1", "the symbols of a text are not changed", "[[augment]]"},
       [](const Scene& s) {
         s.write("config.toml", replaced(kGoodConfig, "[[layer]]",
                                         "[[augment]]\ntype = \"noise\"\ndeviation = 1\n"
                                         "[[layer]]"));
         return text(std::string(400, 'a'), std::string(30, 'a'))(s);
       }},
      {"VocabularyWithoutText",
       config,
       {"--set", "'out': only a text has a vocabulary", "data.type"},
       set("layer.fc2.out=vocab")},
#ifdef LOCKSTEP_HAS_PNG
      {"PngCorrupt",
       bad_data,
       {"images/a/1.png: no intact PNG"},
       [](const Scene& s) {
         std::filesystem::create_directories(s.directory.path() / "images" / "a");
         s.write("images/a/1.png", "\x89PNG\r\n\x1a\n" + std::string(40, 'x'));
         return Arguments{"train", "config.toml", "--set", "data.train=images"};
       }},
#endif
      {"WeightNegative",
       bad_data,
       {"data.csv: weight of sample 0: expected a number from 0 to 3.4e38, found -1"},
       data("data.csv", "1,2,-1,0\n1,2,1,1\n", {"--set", "data.weights=2"})},
      {"WeightsAllZero",
       bad_data,
       {"data.csv: all 3 weights are 0"},
       data("data.csv", "1,2,0,0\n1,2,0,1\n1,2,0,0\n", {"--set", "data.weights=2"})},
      {"WeightsInTheTargetColumn",
       config,
       {"data.csv", "data.target and data.weights are both column 4"},
       set("data.weights=4")},
      {"WeightsOfNoColumn",
       bad_data,
       {"data.csv", "weight column named \"importance\"", "no header"},
       set("data.weights=importance")},
      {"WeightsOfAnotherFormat",
       config,
       {"images: data.weights: only CSV and HDF5", "trainer data convert"},
       [=](const Scene& s) {
         Arguments line = data_with_labels("images", images, labels)(s);
         line.insert(line.end(), {"--set", "data.weights=w"});
         return line;
       }},
      {"WeightsOfOtherLength",
       bad_data,
       {"data.h5: /y: expected one weight for each of the 1000 samples, found shape (1000, 2)"},
       [](const Scene& s) {
         Hdf5Writer file;
         file.dataset("/x", {{1000, 4}}, std::vector<float>(4000, 1.0f));
         file.dataset("/y", {{1000, 2}}, std::vector<std::int64_t>(2000, 1));
         s.write("data.h5", text_of(file.finish()));
         Arguments line = options({"--set", "data.train=data.h5"})(s);
         line.insert(line.end(), {"--set", "data.weights=y"});
         return line;
       }},
      {"LabelsOfMorePositions",
       config,
       {"layer 'fc2' gives 1 positions", "each sample of data.h5: /y has 2"},
       [](const Scene& s) {
         Hdf5Writer file;
         file.dataset("/x", {{1000, 4}}, std::vector<float>(4000, 1.0f));
         file.dataset("/y", {{1000, 2}}, std::vector<std::int64_t>(2000, 1));
         s.write("data.h5", text_of(file.finish()));
         return options({"--set", "data.train=data.h5"})(s);
       }},
      {"ClassesOfOtherNames",
       bad_data,
       {"b.h5: expected the classes cat, dog; found bird, cat"},
       [](const Scene& s) {
         for (const auto& [name, classes] :
              {std::pair("a.h5", "cat\ndog"), std::pair("b.h5", "bird\ncat")}) {
           Hdf5Writer file;
           file.dataset("/x", {{1000, 4}}, std::vector<float>(4000, 1.0f));
           file.dataset("/y", {{1000}}, std::vector<std::int64_t>(1000, 1));
           file.text("/y_names", classes);
           s.write(name, text_of(file.finish()));
         }
         return options({"--set", "data.train=?.h5"})(s);
       }},
      {"Hdf5Truncated",
       bad_data,
       {"data.h5"},
       [](const Scene& s) { return data("data.h5", s.checkpoint.substr(0, 3000))(s); }},
      {"StreamedHdf5Truncated",
       bad_data,
       {"data.h5", "damaged or truncated"},
       [](const Scene& s) {
         s.write("data.h5", s.checkpoint.substr(0, 3000));
         return streamed("data.h5", "data.memory=1KiB");
       }},
      {"StreamedHdf5NotFinite",
       bad_data,
       {"data.h5: /x: sample 1, column 2: expected a finite number"},
       [](const Scene& s) {
         std::vector<float> x(4000, 1.0f);
         x[6] = INFINITY;
         Hdf5Writer file;
         file.dataset("/x", {{1000, 4}}, x);
         file.dataset("/y", {{1000}}, std::vector<std::int64_t>(1000, 1));
         s.write("data.h5", text_of(file.finish()));
         return streamed("data.h5", "data.memory=8KiB");
       }},
      {"StreamedHdf5MemoryBelowABatch",
       config,
       {"data.memory", "a quarter of 'memory' holds 16 samples", "fewer than one batch of 32"},
       [](const Scene& s) {
         Hdf5Writer file;
         file.dataset("/x", {{1000, 4}}, std::vector<float>(4000, 1.0f));
         file.dataset("/y", {{1000}}, std::vector<std::int64_t>(1000, 1));
         s.write("data.h5", text_of(file.finish()));
         return streamed("data.h5", "data.memory=1KiB");
       }},
      {"Hdf5WithoutInputs",
       bad_data,
       {"data.h5", "/x"},
       [](const Scene& s) { return data("data.h5", s.checkpoint)(s); }},
  };
}

}  // namespace lockstep::system_test
