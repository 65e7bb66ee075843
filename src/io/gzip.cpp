#include "lockstep/io/gzip.hpp"

#include <fmt/format.h>
#define ZLIB_CONST
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>

#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

constexpr int kGzipWindow = 15 + 16;  // largest window, gzip header required

/// A zlib decompressor over `input` that writes to whatever `out` is given.
class Inflater {
 public:
  Inflater(std::span<const std::byte> input, const std::string& label)
      : input_(input), label_(label) {
    if (inflateInit2(&stream_, kGzipWindow) != Z_OK) throw std::bad_alloc();
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream_); }

  /// Fills `out` as far as the input goes; returns the bytes written. zlib counts in 32 bits: hence
  /// the pieces.
  std::size_t fill(std::span<std::byte> out) {
    std::size_t done = 0;
    while (done < out.size() && !finished_) {
      const auto room = piece(out.size() - done);
      const auto given = piece(input_.size());
      stream_.next_out = reinterpret_cast<Bytef*>(out.data() + done);
      stream_.avail_out = room;
      stream_.next_in = reinterpret_cast<const Bytef*>(input_.data());
      stream_.avail_in = given;
      const int status = ::inflate(&stream_, Z_NO_FLUSH);
      input_ = input_.subspan(given - stream_.avail_in);
      done += room - stream_.avail_out;
      handle(status);
    }
    return done;
  }

  [[nodiscard]] bool finished() const { return finished_; }

 private:
  static uInt piece(std::size_t count) {
    return static_cast<uInt>(std::min<std::size_t>(count, std::numeric_limits<uInt>::max()));
  }

  void handle(int status) {
    if (status == Z_STREAM_END) {
      finished_ = input_.empty();
      if (!finished_ && inflateReset2(&stream_, kGzipWindow) != Z_OK) throw std::bad_alloc();
    } else if (status == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (status == Z_BUF_ERROR ||
               (status == Z_OK && input_.empty() && stream_.avail_out > 0)) {
      throw Error(ExitCode::bad_data, fmt::format("{}: the gzip data is truncated", label_));
    } else if (status != Z_OK) {
      throw Error(
          ExitCode::bad_data,
          fmt::format("{}: the gzip data is corrupt ({}), {} bytes before its end", label_,
                      stream_.msg != nullptr ? stream_.msg : "wrong dictionary", input_.size()));
    }
  }

  std::span<const std::byte> input_;
  const std::string& label_;
  z_stream stream_{};
  bool finished_ = false;
};

}  // namespace

bool is_gzip(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b};
}

std::vector<std::byte> inflate(std::span<const std::byte> bytes, Index limit,
                               const std::string& label) {
  Inflater inflater(bytes, label);
  const auto most = static_cast<std::size_t>(limit);
  std::vector<std::byte> content;
  std::size_t done = 0;
  while (!inflater.finished()) {
    // One byte beyond the limit tells a full file from one that is too long.
    content.resize(std::min(most + 1, std::max(4 * bytes.size() + 4096, 2 * done)));
    done += inflater.fill(std::span(content).subspan(done));
    if (done > most) {
      throw Error(ExitCode::bad_data,
                  fmt::format("{}: {} bytes of gzip data unfold to more than {}; if that is right, "
                              "unpack the file with gunzip first",
                              label, bytes.size(), limit));
    }
  }
  content.resize(done);
  return content;
}

}  // namespace lockstep
