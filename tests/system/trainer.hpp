#pragma once

// The trainer as a user has it: a program, a configuration, a data set.

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "data/data_testing.hpp"
#include "io/gzip_testing.hpp"
#include "io/testing.hpp"
#include "system/process.hpp"

namespace lockstep::system_test {

/// The command line `trainer ARGUMENTS`, under mpirun unless `ranks` is 0.
inline Arguments trainer(int ranks, const Arguments& arguments) {
  Arguments line;
  if (ranks > 0) {
    line = {LOCKSTEP_MPIEXEC, "-q", "-np", std::to_string(ranks), "--oversubscribe"};
  }
  line.emplace_back(LOCKSTEP_TRAINER);
  line.insert(line.end(), arguments.begin(), arguments.end());
  return line;
}

/// What both the shell and ctest may lack.
inline Arguments launch_environment() {
  return {"OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1",
          "OMP_WAIT_POLICY=passive"};
}

inline Command command_in(const TemporaryDirectory& directory, int ranks,
                          const Arguments& arguments) {
  return {trainer(ranks, arguments), directory.path(), launch_environment()};
}

/// The command in a shell, so that its input and output can go anywhere. It calls the trainer
/// "$TRAINER" and mpirun "$MPIEXEC", in quotes: there may be spaces in their paths.
inline Command shell_in(const TemporaryDirectory& directory, const std::string& line) {
  Arguments environment = launch_environment();
  environment.emplace_back("TRAINER=" LOCKSTEP_TRAINER);
  environment.emplace_back("MPIEXEC=" LOCKSTEP_MPIEXEC);
  return {{"bash", "-c", line}, directory.path(), environment};
}

/// The variable that loads a library into a process, wherever it lies: the loader takes spaces in
/// it for separators, so a link to the library stands in the test's directory.
inline std::string preloading(const TemporaryDirectory& directory,
                              const std::filesystem::path& library) {
  const std::filesystem::path link = directory.path() / library.filename();
  if (!std::filesystem::is_symlink(link)) std::filesystem::create_symlink(library, link);
  return "LD_PRELOAD=" + link.string();
}

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  if (at == std::string_view::npos) throw std::logic_error(std::string(from) + " is not there");
  std::string result(text);
  result.replace(at, from.size(), to);
  return result;
}

inline int count(std::string_view text, std::string_view part) {
  int found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; ++at) ++found;
  return found;
}

/// Numbers that are the same on every machine: a linear congruence, Knuth's constants.
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed) {}
  /// Uniform in [0, 1).
  double next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<double>(state_ >> 40) / static_cast<double>(std::uint64_t{1} << 24);
  }
  /// Uniform in [0, size).
  int below(int size) { return static_cast<int>(next() * size); }

 private:
  std::uint64_t state_;
};

/// Rows of `inputs` numbers and the class they belong to: noise around a centre for each class.
inline std::string class_table(int rows, int inputs, int classes) {
  Numbers numbers(1);
  std::string text;
  for (int row = 0; row < rows; ++row) {
    const int label = numbers.below(classes);
    for (int i = 0; i < inputs; ++i) {
      text += fmt::format("{:.4f},", numbers.next() + ((i + label) % classes == 0 ? 0.7 : 0.0));
    }
    text += fmt::format("{}\n", label);
  }
  return text;
}

/// IDX images of bytes, size x size, brighter in places that depend on the class; image i has class
/// i % classes.
inline std::string class_images(int count, int size, int classes) {
  Numbers numbers(3);
  const auto side = static_cast<std::uint32_t>(size);
  std::string text = idx_header(8, {static_cast<std::uint32_t>(count), side, side});
  for (int i = 0; i < count; ++i) {
    for (int pixel = 0; pixel < size * size; ++pixel) {
      text += static_cast<char>(numbers.below(128) + (pixel % classes == i % classes ? 120 : 0));
    }
  }
  return text;
}

inline std::string class_image_labels(int count, int classes) {
  std::string text = idx_header(8, {static_cast<std::uint32_t>(count)});
  for (int i = 0; i < count; ++i) text += static_cast<char>(i % classes);
  return text;
}

/// Rows of `inputs` numbers and a smooth function of them.
inline std::string value_table(int rows, int inputs) {
  Numbers numbers(2);
  std::string text;
  for (int row = 0; row < rows; ++row) {
    double sum = 0;
    for (int i = 0; i < inputs; ++i) {
      const double x = numbers.next();
      sum += x * (i % 3 - 1);
      text += fmt::format("{:.4f},", x);
    }
    text += fmt::format("{:.4f}\n", std::sin(sum));
  }
  return text;
}

/// The lines of a run's metrics.jsonl of one type, as they stand there.
inline std::vector<std::string> metric_lines(const std::filesystem::path& run,
                                             std::string_view type) {
  std::vector<std::string> lines;
  std::ifstream file(run / "metrics.jsonl");
  const std::string start = fmt::format(R"({{"t":"{}")", type);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(start)) lines.push_back(line);
  }
  return lines;
}

}  // namespace lockstep::system_test
