#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "data/image_files.hpp"
#include "data/loaders.hpp"
#include "lockstep/base/error.hpp"

#ifdef LOCKSTEP_HAS_PNG
#include <png.h>

#include <csetjmp>
#include <cstdio>
#endif

namespace lockstep {
namespace {

constexpr std::array<unsigned char, 8> kSignature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

#ifdef LOCKSTEP_HAS_PNG

// A small file can declare an enormous image.
constexpr Index kMaxBytes = Index{1} << 27;
// Deflate, by which pixels are packed, makes of one byte at most so many.
constexpr Index kMaxRatio = 1032;

/// What libpng's callbacks see. The library reports errors by a jump over its frames, so what lies
/// between must not need destruction.
struct Reading {
  std::span<const std::byte> left;
  std::jmp_buf failed;
  char message[128] = "";
};

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  auto* const reading = static_cast<Reading*>(png_get_error_ptr(png));
  std::snprintf(reading->message, sizeof reading->message, "%s", message);
  std::longjmp(reading->failed, 1);
}

void on_warning(png_structp /*png*/, png_const_charp /*message*/) {}

void on_read(png_structp png, png_bytep to, std::size_t count) {
  auto* const reading = static_cast<Reading*>(png_get_io_ptr(png));
  if (count > reading->left.size()) png_error(png, "the file ends within the image");
  std::ranges::copy(reading->left.first(count), reinterpret_cast<std::byte*>(to));
  reading->left = reading->left.subspan(count);
}

/// Frees libpng's memory.
class PngDecoder {
 public:
  explicit PngDecoder(Reading& reading)
      : png_(png_create_read_struct(PNG_LIBPNG_VER_STRING, &reading, on_error, on_warning)),
        info_(png_ == nullptr ? nullptr : png_create_info_struct(png_)) {
    if (info_ == nullptr) throw Error(ExitCode::system, "libpng: not enough memory");
    png_set_read_fn(png_, &reading, on_read);
    png_set_user_limits(png_, kMaxExtent, kMaxExtent);
    png_set_chunk_cache_max(png_, 1);  // texts are skipped: packed ones may unfold to anything
  }
  PngDecoder(const PngDecoder&) = delete;
  PngDecoder& operator=(const PngDecoder&) = delete;
  ~PngDecoder() { png_destroy_read_struct(&png_, &info_, nullptr); }

  /// Reads the header; samples will come as 8 or 16 bits of grey or of red, green and blue, and of
  /// opacity if the file has it; of a palette as numbers of colours. False after an error.
  bool read_header(Reading& reading) {
    if (setjmp(reading.failed) != 0) return false;
    png_read_info(png_, info_);
    packed_row_ = static_cast<Index>(png_get_rowbytes(png_, info_));
    if (png_get_PLTE(png_, info_, &palette_, &colours_) != 0 && is_palette()) {
      png_get_tRNS(png_, info_, &opacities_, &opaque_from_, nullptr);
      png_set_packing(png_);  // what libpng makes of a colour that is not there is black
    } else {
      png_set_expand(png_);  // less than 8 bits
    }
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    return true;
  }

  /// Bytes of a row as the file has it.
  [[nodiscard]] Index packed_row() const { return packed_row_; }
  [[nodiscard]] Shape shape() const {
    return {.height = png_get_image_height(png_, info_),
            .width = png_get_image_width(png_, info_),
            .channels = is_palette() ? (opaque_from_ > 0 ? 4 : 3) : png_get_channels(png_, info_)};
  }
  [[nodiscard]] bool is_palette() const {
    return png_get_color_type(png_, info_) == PNG_COLOR_TYPE_PALETTE;
  }
  /// Bytes of a sample: 1, or 2 with the more significant one first.
  [[nodiscard]] std::size_t width() const { return png_get_bit_depth(png_, info_) / 8u; }

  bool read_pixels(Reading& reading, png_bytepp rows) {
    if (setjmp(reading.failed) != 0) return false;
    // More pixels than the header declares are an error, an odd chunk behind them is none.
    png_set_benign_errors(png_, 0);
    png_read_image(png_, rows);
    png_set_benign_errors(png_, 1);
    png_read_end(png_, nullptr);
    return true;
  }

  /// The colours of pixels that are numbers of them, with opacity if the palette has it. Nothing,
  /// but a message, if one is beyond the palette.
  std::vector<unsigned char> coloured(std::span<const unsigned char> numbers,
                                      Reading& reading) const {
    std::vector<unsigned char> out;
    out.reserve(numbers.size() * (opaque_from_ > 0 ? 4 : 3));
    for (const unsigned char number : numbers) {
      if (number >= colours_) {
        std::snprintf(reading.message, sizeof reading.message,
                      "a pixel has colour %d of a palette of %d, counted from 0", number, colours_);
        return {};
      }
      const png_color& colour = palette_[number];
      out.insert(out.end(), {colour.red, colour.green, colour.blue});
      if (opaque_from_ > 0) out.push_back(number < opaque_from_ ? opacities_[number] : 255);
    }
    return out;
  }

 private:
  png_structp png_;
  png_infop info_;
  Index packed_row_ = 0;
  png_colorp palette_ = nullptr;
  int colours_ = 0;  ///< of the palette
  png_bytep opacities_ = nullptr;
  int opaque_from_ = 0;  ///< the first colour without an opacity of its own
};

/// Pixels as libpng hands them out, with opacity or without.
struct Raster {
  Shape shape;
  std::size_t width;  ///< bytes of a sample
  std::vector<unsigned char> bytes;

  /// From 0 to 65535, or for samples of one byte to 255.
  [[nodiscard]] unsigned sample(std::size_t i) const {
    return width == 1 ? bytes[i] : unsigned{bytes[2 * i]} << 8 | bytes[2 * i + 1];
  }
};

/// The colours; 16 bits become reals in the range of 8.
Image image_of(const Raster& raster) {
  const unsigned most = raster.width == 1 ? 255 : 65535;
  const auto channels = static_cast<std::size_t>(raster.shape.channels);
  const std::size_t colours = channels < 3 ? 1 : 3;
  Image image{.shape = raster.shape};
  image.shape.channels = static_cast<Index>(colours);
  const std::size_t count = raster.bytes.size() / raster.width;
  const std::size_t kept = count / channels * colours;
  image.pixels.reserve(raster.width == 1 ? kept : 0);
  image.fine.reserve(raster.width == 1 ? 0 : kept);
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned value = raster.sample(i);
    if (i % channels >= colours) {
      image.transparent |= value < most;
    } else if (raster.width == 1) {
      image.pixels.push_back(static_cast<std::byte>(value));
    } else {
      image.fine.push_back(static_cast<float>(value) / 257.0f);
    }
  }
  return image;
}

/// Whether a chunk says that further pictures follow, as in a film.
bool is_animated(std::span<const std::byte> bytes) {
  constexpr std::size_t kAround = 12;  // length and name before the content, checksum behind
  for (std::size_t at = kSignature.size(); at + kAround <= bytes.size();) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      length = length << 8 | std::to_integer<std::size_t>(bytes[at + i]);
    }
    const std::string_view name(reinterpret_cast<const char*>(bytes.data()) + at + 4, 4);
    if (name == "acTL") return true;
    if (name == "IDAT") return false;
    at += kAround + length;
  }
  return false;
}

/// The samples of all pixels; nothing, but a message, after an error.
std::vector<unsigned char> pixels_of(PngDecoder& decoder, Reading& reading, const Raster& raster) {
  const Shape& shape = raster.shape;
  const Index channels = decoder.is_palette() ? 1 : shape.channels;
  const std::size_t row = static_cast<std::size_t>(shape.width * channels) * raster.width;
  std::vector<unsigned char> bytes(static_cast<std::size_t>(shape.height) * row);
  std::vector<png_bytep> rows;
  for (Index y = 0; y < shape.height; ++y) {
    rows.push_back(bytes.data() + static_cast<std::size_t>(y) * row);
  }
  if (!decoder.read_pixels(reading, rows.data())) return {};
  return decoder.is_palette() ? decoder.coloured(bytes, reading) : bytes;
}

Image unpack(const DataFile& file) {
  const auto reject = [&](const std::string& reason) {
    throw Error(ExitCode::bad_data, fmt::format("{}: {}", file.path, reason));
  };
  Reading reading{.left = file.bytes, .failed = {}};
  PngDecoder decoder(reading);
  const auto damaged = [&] {
    reject(fmt::format("no intact PNG: {}; replace or remove the file", reading.message));
  };
  if (!decoder.read_header(reading)) damaged();
  Raster raster{.shape = decoder.shape(), .width = decoder.width(), .bytes = {}};
  const Shape& shape = raster.shape;
  if (shape.size() * static_cast<Index>(raster.width) > kMaxBytes) {
    reject(fmt::format("expected at most {} bytes of pixels, the header declares {} x {}",
                       kMaxBytes, shape.height, shape.width));
  }
  const auto bytes = static_cast<Index>(file.bytes.size());
  if (decoder.packed_row() * shape.height > kMaxRatio * bytes) {
    reject(fmt::format("the header declares {} x {}, more pixels than {} bytes can hold",
                       shape.height, shape.width, bytes));
  }
  raster.bytes = pixels_of(decoder, reading, raster);
  if (raster.bytes.empty()) damaged();
  Image image = image_of(raster);
  image.followed = !reading.left.empty() || is_animated(file.bytes);
  return image;
}

#else

Image unpack(const DataFile& file) {
  throw Error(ExitCode::unavailable,
              fmt::format("{}: expected images as PGM or PPM, found a PNG: this build was made "
                          "without libpng\n"
                          "  try: install libpng (Debian: libpng-dev), configure and build again; "
                          "or convert the images",
                          file.path));
}

#endif

Image read_png(const DataFile& file) {
  if (!is_png(file.bytes)) reject_start(file, "a PNG image");
  return unpack(file);
}

}  // namespace

bool is_png(std::span<const std::byte> bytes) {
  return bytes.size() >= kSignature.size() &&
         std::equal(kSignature.begin(), kSignature.end(), bytes.begin(),
                    [](unsigned char s, std::byte b) { return std::byte{s} == b; });
}

Dataset load_png(const Source& source, const std::vector<std::string>& files) {
  return load_images(source, files, read_png);
}

}  // namespace lockstep
