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
class Decoder {
 public:
  explicit Decoder(Reading& reading)
      : png_(png_create_read_struct(PNG_LIBPNG_VER_STRING, &reading, on_error, on_warning)),
        info_(png_ == nullptr ? nullptr : png_create_info_struct(png_)) {
    if (info_ == nullptr) throw Error(ExitCode::system, "libpng: not enough memory");
    png_set_read_fn(png_, &reading, on_read);
    png_set_user_limits(png_, kMaxExtent, kMaxExtent);
    png_set_chunk_cache_max(png_, 1);  // texts are skipped: packed ones may unfold to anything
  }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder() { png_destroy_read_struct(&png_, &info_, nullptr); }

  /// Reads the header; samples will come as 8 bits of grey or of red, green and blue. False after
  /// an error.
  bool read_header(Reading& reading) {
    if (setjmp(reading.failed) != 0) return false;
    png_read_info(png_, info_);
    packed_row_ = static_cast<Index>(png_get_rowbytes(png_, info_));
    png_set_expand(png_);  // palettes and less than 8 bits
    png_set_scale_16(png_);
    png_set_strip_alpha(png_);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    return true;
  }

  /// Bytes of a row as the file has it.
  [[nodiscard]] Index packed_row() const { return packed_row_; }
  [[nodiscard]] Shape shape() const {
    return {.height = png_get_image_height(png_, info_),
            .width = png_get_image_width(png_, info_),
            .channels = png_get_channels(png_, info_)};
  }

  bool read_pixels(Reading& reading, png_bytepp rows) {
    if (setjmp(reading.failed) != 0) return false;
    png_read_image(png_, rows);
    png_read_end(png_, nullptr);
    return true;
  }

 private:
  png_structp png_;
  png_infop info_;
  Index packed_row_ = 0;
};

Image unpack(const DataFile& file) {
  const auto reject = [&](const std::string& reason) {
    throw Error(ExitCode::bad_data, fmt::format("{}: {}", file.path, reason));
  };
  Reading reading{.left = file.bytes, .failed = {}};
  Decoder decoder(reading);
  if (!decoder.read_header(reading))
    reject(fmt::format("no intact PNG: {}; replace or remove the file", reading.message));
  Image image{.shape = decoder.shape(), .pixels = {}};
  if (image.shape.size() > kMaxBytes) {
    reject(fmt::format("expected at most {} bytes of pixels, the header declares {} x {}",
                       kMaxBytes, image.shape.height, image.shape.width));
  }
  const auto bytes = static_cast<Index>(file.bytes.size());
  if (decoder.packed_row() * image.shape.height > kMaxRatio * bytes) {
    reject(fmt::format("the header declares {} x {}, more pixels than {} bytes can hold",
                       image.shape.height, image.shape.width, bytes));
  }
  image.pixels.resize(static_cast<std::size_t>(image.shape.size()));
  std::vector<png_bytep> rows;
  for (Index y = 0; y < image.shape.height; ++y) {
    rows.push_back(reinterpret_cast<png_bytep>(image.pixels.data()) +
                   y * image.shape.width * image.shape.channels);
  }
  if (!decoder.read_pixels(reading, rows.data())) {
    reject(fmt::format("no intact PNG: {}; replace or remove the file", reading.message));
  }
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
  if (!is_png(file.bytes)) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: expected the start of a PNG, found {}; replace or remove the file",
                            file.path, file.bytes.empty() ? "an empty file" : "other bytes"));
  }
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
