#include "data/png_testing.hpp"
#include "fuzz/source.hpp"
#include "fuzz/target.hpp"

namespace lockstep::fuzz {
namespace {

using namespace png_testing;

std::vector<std::string> seeds() {
  const std::string colours = chunk("PLTE", bytes({10, 20, 30, 40, 50, 60}));
  return {png(header(2, 2, 8, grey), bytes({0, 1, 2, 0, 3, 255})),
          png(header(1, 2, 8, rgb), bytes({0, 1, 2, 3, 0, 4, 5, 6})),
          png(header(2, 1, 8, palette) + colours, bytes({0, 1, 0})),
          png(header(4, 1, 2, grey), bytes({0, 0b00011011})),
          png(header(1, 1, 16, rgb_alpha), bytes({0, 1, 2, 3, 4, 5, 6, 7, 8})),
          png(header(2, 2, 8, grey, true) + chunk("tEXt", std::string("a\0b", 3)),
              bytes({0, 1, 0, 2, 0, 3, 4}))};
}

/// The file with the right checksum behind each chunk: else mutations would get no further.
std::string with_right_sums(const std::string& file) {
  std::string right = file.substr(0, kSignature.size());
  for (std::size_t at = right.size(); at + 12 <= file.size();) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(file[at + i]); };
    const std::size_t length = std::size_t{byte(0)} << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
    const std::size_t there = std::min(length, file.size() - at - 12);
    std::string piece = chunk(file.substr(at + 4, 4), file.substr(at + 8, there));
    piece.replace(0, 4, file, at, 4);
    right += piece;
    at += 12 + there;
  }
  return right;
}

bool accepts(const std::string& input) {
  static const MemoryFile file;
  const Source source = source_of("png", file);
  file.write(input);
  const bool as_it_is = accepted([&] { (void)load(source); });
  file.write(with_right_sums(input));
  return accepted([&] { (void)load(source); }) || as_it_is;
}

}  // namespace

extern const Target kPng{
    "png",
    accepts,
    seeds,
    {"IHDR", "IDAT", "IEND", "PLTE", "tRNS", "zTXt", "iCCP", "sPLT", "gAMA", "cHRM"}};

}  // namespace lockstep::fuzz
