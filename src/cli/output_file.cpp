#include "cli/output_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "lockstep/base/error.hpp"
#include "lockstep/data/formats.hpp"
#include "lockstep/io/file.hpp"

namespace lockstep::cli {

void check_output(const std::string& file, bool force, const std::vector<std::string>& inputs) {
  if (file == "-") {
    throw Error(ExitCode::usage,
                "--out -: this is written to a file, not to standard output; to give it the name - "
                "add its folder: --out ./-");
  }
  if (!file_exists(file)) return;
  if (!std::filesystem::is_regular_file(file)) {
    throw Error(ExitCode::cannot_create,
                fmt::format("{} is no regular file; give --out the name of a file", file));
  }
  if (!force) {
    throw Error(ExitCode::cannot_create,
                fmt::format("{} exists, nothing was written; to replace it add: --force", file));
  }
  for (const std::string& input : inputs) {
    if (const std::string read = same_file(file, input); !read.empty()) {
      throw Error(ExitCode::cannot_create,
                  fmt::format("--out {} is an input, {}: nothing was written\n"
                              "  give it the name of another file",
                              file, read));
    }
  }
}

void check_suffix(const std::string& file, std::string_view command, std::string_view what,
                  std::initializer_list<std::string_view> own) {
  constexpr std::string_view kFormats =
      " onnx safetensors npz npy mat pt pth ptl pte ckpt pkl pickle joblib h5 hdf5 hdf keras pb "
      "tflite gguf ggml mlmodel mlpackage engine plan zip tar gz csv tsv json toml yaml yml xml "
      "txt html c h cc cpp hpp py f90 ";
  std::string suffix = std::filesystem::path(file).extension().string();
  if (suffix.size() < 2) return;
  suffix.erase(0, 1);
  std::ranges::transform(suffix, suffix.begin(), [](unsigned char c) { return std::tolower(c); });
  if (std::ranges::find(own, suffix) != own.end()) return;
  if (suffix.find(' ') != suffix.npos || kFormats.find(" " + suffix + " ") == kFormats.npos) return;
  throw Error(
      ExitCode::usage,
      fmt::format(
          "--out {}: {} writes {}, which is not what .{} stands for\n  try: --out {}", file,
          command, what, suffix,
          std::filesystem::path(file).replace_extension(std::string(*own.begin())).string()));
}

}  // namespace lockstep::cli
