#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "data/labelled_files.hpp"
#include "data/loaders.hpp"
#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

constexpr Index kMaxExtent = 65536;
constexpr Index kBrightest = 255;

/// An image in a file: its bytes in rows, brightest value 255 or less.
struct Image {
  Shape shape;
  Index brightest = kBrightest;
  std::span<const std::byte> pixels;
};

/// Reads the header: P5 or P6, columns, rows and the brightest value, with white space and comments
/// between them and one white space behind.
constexpr std::string_view kBlanks = " \t\r\n\v\f";

class PnmReader {
 public:
  explicit PnmReader(const DataFile& file)
      : path_(file.path),
        bytes_(file.bytes),
        text_(reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()) {}

  Image read() {
    if (!is_pnm(bytes_)) reject(0, "expected the start of a binary PGM or PPM, P5 or P6");
    Image image;
    image.shape.channels = text_[1] == '6' ? 3 : 1;
    at_ = 2;
    image.shape.width = number(kMaxExtent, "columns");
    image.shape.height = number(kMaxExtent, "rows");
    image.brightest = number(kBrightest, "as the brightest value");
    if (at_ < text_.size() && kBlanks.find(text_[at_]) == std::string_view::npos) {
      reject(at_, "expected a blank between the brightest value and the pixels");
    }
    at_ = std::min(at_ + 1, text_.size());
    image.pixels = bytes_.subspan(at_);
    if (const auto found = static_cast<Index>(image.pixels.size()); found != image.shape.size()) {
      reject(at_, fmt::format("expected {} bytes of pixels, found {}", image.shape.size(), found));
    }
    const auto beyond = std::ranges::find_if(image.pixels, [&](std::byte pixel) {
      return std::to_integer<Index>(pixel) > image.brightest;
    });
    if (beyond != image.pixels.end()) {
      reject(at_ + static_cast<std::size_t>(beyond - image.pixels.begin()),
             fmt::format("expected a pixel of at most {}, found {}", image.brightest,
                         std::to_integer<int>(*beyond)));
    }
    return image;
  }

 private:
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

std::string shape_text(const Shape& s) {
  return fmt::format("{} x {} x {}", s.height, s.width, s.channels);
}

}  // namespace

bool is_pnm(std::span<const std::byte> bytes) {
  return bytes.size() >= 3 && bytes[0] == std::byte{'P'} &&
         (bytes[1] == std::byte{'5'} || bytes[1] == std::byte{'6'}) &&
         (bytes[2] <= std::byte{' '} || bytes[2] == std::byte{'#'});
}

Dataset load_pnm(const Source& source, const std::vector<std::string>& files) {
  const LabelledFiles set = with_labels(source, files);
  DataFile file = read_data_file(files.front());
  Image image = PnmReader(file).read();
  DatasetHeader header;
  header.shape = image.shape;
  header.size = static_cast<Index>(files.size());
  header.input_type = InputType::bytes;
  header.target_kind = source.classification ? TargetKind::labels : TargetKind::values;
  Dataset dataset(source.path, header);
  auto out = dataset.input_bytes().begin();
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (i > 0) {
      file = read_data_file(files[i]);
      image = PnmReader(file).read();
    }
    if (!(image.shape == header.shape)) {
      throw Error(
          ExitCode::bad_data,
          fmt::format("{}: expected {} (height, width, channels) as in {}, found {}; bring "
                      "all images to one size",
                      files[i], shape_text(header.shape), files.front(), shape_text(image.shape)));
    }
    out = std::ranges::transform(image.pixels, out, [&](std::byte pixel) {
            return static_cast<std::byte>(std::to_integer<Index>(pixel) * kBrightest /
                                          image.brightest);
          }).out;
  }
  store_targets(source, set, dataset);
  return dataset;
}

}  // namespace lockstep
