#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "data/image_files.hpp"
#include "data/loaders.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/base/file_kind.hpp"

namespace lockstep {
namespace {

constexpr Index kBrightest = 255;
constexpr Index kMostBrightest = 65535;

constexpr std::string_view kBlanks = " \t\r\n\v\f";

/// Reads what begins with P5 or P6: the header, columns, rows and the brightest value, with white
/// space and comments between them and one white space behind; then the pixels.
class PnmReader {
 public:
  explicit PnmReader(const DataFile& file)
      : path_(file.path),
        bytes_(file.bytes),
        text_(reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()) {}

  Image read() {
    Image image{.shape = {.channels = text_[1] == '6' ? 3 : 1}};
    at_ = 2;
    image.shape.width = number(kMaxExtent, "columns");
    image.shape.height = number(kMaxExtent, "rows");
    const Index brightest = number(kMostBrightest, "as the brightest value");
    if (at_ < text_.size() && kBlanks.find(text_[at_]) == std::string_view::npos) {
      reject(at_, "expected a blank between the brightest value and the pixels");
    }
    at_ = std::min(at_ + 1, text_.size());
    const Index width = brightest > kBrightest ? 2 : 1;
    if (const auto found = static_cast<Index>(bytes_.size() - at_);
        found != width * image.shape.size()) {
      reject(at_, fmt::format("expected {} bytes of pixels, found {}", width * image.shape.size(),
                              found));
    }
    if (width == 1) {
      read_bytes(brightest, image);
    } else {
      read_pairs(brightest, image);
    }
    return image;
  }

 private:
  void read_bytes(Index brightest, Image& image) const {
    for (std::size_t at = at_; at < bytes_.size(); ++at) {
      const auto value = checked(std::to_integer<Index>(bytes_[at]), brightest, at);
      image.pixels.push_back(static_cast<std::byte>(value * kBrightest / brightest));
    }
  }

  /// More significant byte first.
  void read_pairs(Index brightest, Image& image) const {
    const double scale = static_cast<double>(kBrightest) / static_cast<double>(brightest);
    for (std::size_t at = at_; at < bytes_.size(); at += 2) {
      const auto pair =
          std::to_integer<Index>(bytes_[at]) << 8 | std::to_integer<Index>(bytes_[at + 1]);
      const auto value = static_cast<double>(checked(pair, brightest, at));
      image.fine.push_back(static_cast<float>(value * scale));
    }
  }

  [[nodiscard]] Index checked(Index value, Index brightest, std::size_t at) const {
    if (value <= brightest) return value;
    reject(at, fmt::format("expected a pixel of at most {}, found {}", brightest, value));
  }

  [[noreturn]] void reject(std::size_t offset, const std::string& reason) const {
    throw Error(ExitCode::bad_data, fmt::format("{}: offset {}: {}", path_, offset, reason));
  }

  void skip_blanks() {
    while (at_ < text_.size()) {
      if (kBlanks.find(text_[at_]) != std::string_view::npos) {
        ++at_;
      } else if (const std::size_t end = text_.find('\n', at_);
                 text_[at_] == '#' && end != std::string_view::npos) {
        at_ = end;
      } else {
        return;
      }
    }
  }

  Index number(Index most, std::string_view what) {
    skip_blanks();
    Index value = 0;
    const char* const begin = text_.data() + at_;
    const auto [stop, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error != std::errc()) {
      reject(at_, fmt::format("expected a number, of 1 to {} {}", most, what));
    }
    if (value < 1 || value > most) {
      reject(at_, fmt::format("expected 1 to {} {}, found {}", most, what, value));
    }
    at_ += static_cast<std::size_t>(stop - begin);
    return value;
  }

  const std::string& path_;
  std::span<const std::byte> bytes_;
  std::string_view text_;
  std::size_t at_ = 0;
};

Image read_pnm(const DataFile& file) {
  const std::string_view text(reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size());
  const bool grey = text.starts_with("P2");
  if ((grey || text.starts_with("P3")) && text.find_first_of(kBlanks) == 2) {
    refuse_kind(file.path,
                {fmt::format("a {} written as text, P{}", grey ? "PGM" : "PPM", grey ? 2 : 3),
                 "convert the pictures to PNG, with ImageMagick: mogrify -format png FILES; or one "
                 "with Netpbm: pnmtopnm OLD > NEW"},
                "a binary PGM or PPM, P5 or P6");
  }
  if (!is_pnm(file.bytes)) reject_start(file, "a binary PGM or PPM, P5 or P6");
  return PnmReader(file).read();
}

}  // namespace

bool is_pnm(std::span<const std::byte> bytes) {
  return bytes.size() >= 3 && bytes[0] == std::byte{'P'} &&
         (bytes[1] == std::byte{'5'} || bytes[1] == std::byte{'6'}) &&
         (bytes[2] <= std::byte{' '} || bytes[2] == std::byte{'#'});
}

Dataset load_pnm(const Source& source, const std::vector<std::string>& files) {
  return load_images(source, files, read_pnm);
}

}  // namespace lockstep
