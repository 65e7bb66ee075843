#include "lockstep/base/file_kind.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace lockstep {
namespace {

using namespace std::string_view_literals;

/// Bytes at a place, and further ones at another where the first could be the letters of a text.
struct Mark {
  std::size_t offset;
  std::string_view bytes;
  std::string_view what;
  std::string_view remedy;
  FileUse use = FileUse::other;
  std::size_t second_offset = 0;
  std::string_view second{};

  [[nodiscard]] bool fits(std::string_view text) const {
    const auto from = [text](std::size_t place) {
      return text.substr(std::min(text.size(), place));
    };
    return from(offset).starts_with(bytes) && from(second_offset).starts_with(second);
  }
};

constexpr auto kHdf5 = "\x89HDF\r\n\x1a\n"sv;
constexpr auto kUnpack = "unpack it first"sv;
constexpr auto kToTable = "save the table as CSV, or its columns with numpy.save"sv;
constexpr auto kToArrays = "save its arrays with numpy.save or as HDF5"sv;
constexpr auto kToHdf5 = "nccopy -k nc4 OLD NEW makes HDF5 of it"sv;
constexpr auto kToPng =
    "convert the pictures to PNG, with ImageMagick: mogrify -format png FILES"sv;
constexpr auto kToWav = "convert the recordings to WAV, with SoX: sox FILE FILE.wav"sv;
constexpr auto kToSafetensors = "convert it to safetensors"sv;
constexpr auto kFetchAgain = "a download that failed brings such a page: fetch the file again"sv;
constexpr auto kFromUtf16 =
    "iconv -f UTF-16 -t UTF-8 OLD > NEW converts it; a spreadsheet can save it as CSV UTF-8"sv;
constexpr auto kFromUtf32 = "iconv -f UTF-32 -t UTF-8 OLD > NEW converts it"sv;

/// Files that say what they are in their first bytes. A longer mark comes before a shorter one that
/// it begins with.
constexpr auto kMarks = std::to_array<Mark>({
    {0, kHdf5, "an HDF5 file"sv, ""sv, FileUse::data},
    {0, "\x93NUMPY"sv, "a NumPy array"sv, ""sv, FileUse::data},
    {0, "\x89PNG\r\n\x1a\n"sv, "a PNG image"sv, ""sv, FileUse::data},
    {0, "\x1f\x8b"sv, "gzip data"sv, "gunzip unpacks it"sv, FileUse::data},
    {0, "RIFF"sv, "a WAV recording"sv, ""sv, FileUse::data, 8, "WAVE"sv},

    {0, "MATLAB 5.0 MAT-file"sv, "a MATLAB file"sv, kToArrays},
    {0, "MATLAB 7.3 MAT-file"sv, "a MATLAB 7.3 file"sv,
     "its axes are reversed: write it anew with h5py, transposed"sv},
    {0, "CDF\x01"sv, "a netCDF 3 file"sv, kToHdf5},
    {0, "CDF\x02"sv, "a netCDF 3 file"sv, kToHdf5},
    {0, "CDF\x05"sv, "a netCDF 3 file"sv, kToHdf5},
    {0, "\x0e\x03\x13\x01"sv, "an HDF4 file"sv, "h4toh5 OLD NEW makes HDF5 of it"sv},
    {0, "SIMPLE  ="sv, "a FITS file"sv, kToArrays},
    {128, "DICM"sv, "a DICOM image"sv, kToArrays, FileUse::other, 0, "\0"sv},
    {0, "PAR1\x15"sv, "a Parquet file"sv, kToTable},
    {0, "ARROW1\0"sv, "an Arrow file"sv, kToTable},
    {0, "FEA1\0"sv, "a Feather file"sv, kToTable},
    {0, "Obj\x01"sv, "an Avro file"sv, kToTable},
    {0, "SQLite format 3\0"sv, "an SQLite database"sv, kToTable},
    {0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv, "an old Office file, such as .xls"sv, kToTable},
    {0, "RDX2\n"sv, "a file of R"sv, kToTable},
    {0, "RDX3\n"sv, "a file of R"sv, kToTable},
    {0, "GGUF\x02\0"sv, "a GGUF file of weights"sv, kToSafetensors},
    {0, "GGUF\x03\0"sv, "a GGUF file of weights"sv, kToSafetensors},

    {257, "ustar\0"sv, "a tar archive"sv, "tar xf FILE unpacks it"sv},
    {257, "ustar  \0"sv, "a tar archive"sv, "tar xf FILE unpacks it"sv},
    {0, "BZh"sv, "bzip2 data"sv, "bunzip2 unpacks it"sv, FileUse::other, 4, "1AY&SY"sv},
    {0, "\xfd\x37zXZ\0"sv, "xz data"sv, "unxz unpacks it"sv},
    {0, "\x28\xb5\x2f\xfd"sv, "Zstandard data"sv, "unzstd unpacks it"sv},
    {0, "\x04\x22\x4d\x18"sv, "LZ4 data"sv, "unlz4 unpacks it"sv},
    {0, "7z\xbc\xaf\x27\x1c"sv, "a 7z archive"sv, kUnpack},
    {0, "Rar!\x1a\x07"sv, "a RAR archive"sv, kUnpack},

    {0, "\xff\xd8\xff"sv, "a JPEG image"sv, kToPng},
    {0, "GIF87a"sv, "a GIF image"sv, kToPng},
    {0, "GIF89a"sv, "a GIF image"sv, kToPng},
    {0, "II*\0"sv, "a TIFF image"sv, kToPng},
    {0, "MM\0*"sv, "a TIFF image"sv, kToPng},
    {0, "RIFF"sv, "a WebP image"sv, kToPng, FileUse::other, 8, "WEBP"sv},
    {0, "\0\0\0\x0cjP  "sv, "a JPEG 2000 image"sv, kToPng},
    {0, "\0\0\0"sv, "a HEIC or AVIF image, or a film"sv, kToPng, FileUse::other, 4, "ftyp"sv},
    {0, "%PDF-"sv, "a PDF file"sv, ""sv},

    {0, "fLaC\0"sv, "a FLAC recording"sv, kToWav},
    {0, "OggS\0"sv, "an Ogg recording"sv, kToWav},
    {0, "ID3\x02"sv, "an MP3 recording"sv, kToWav},
    {0, "ID3\x03"sv, "an MP3 recording"sv, kToWav},
    {0, "ID3\x04"sv, "an MP3 recording"sv, kToWav},
    {0, "\xff\xfb"sv, "an MP3 recording"sv, kToWav},
    {0, "FORM"sv, "an AIFF recording"sv, kToWav, FileUse::other, 8, "AIF"sv},
    {0, "RIFX"sv, "a RIFX recording"sv, kToWav, FileUse::other, 8, "WAVE"sv},
    {0, "RF64"sv, "an RF64 recording"sv, kToWav, FileUse::other, 8, "WAVE"sv},
    {0, "BW64"sv, "a BW64 recording"sv, kToWav, FileUse::other, 8, "WAVE"sv},
    {0, ".snd\0"sv, "an AU recording"sv, kToWav},

    {0, "\xff\xfe\0\0"sv, "UTF-32 text"sv, kFromUtf32},
    {0, "\xff\xfe"sv, "UTF-16 text"sv, kFromUtf16},
    {0, "\xfe\xff"sv, "UTF-16 text"sv, kFromUtf16},
});

/// A pointer of three lines or so: version, oid, size.
std::optional<FileKind> lfs_pointer(std::string_view text) {
  if (!text.starts_with("version https://git-lfs.github.com/spec/") || text.size() > 1024) {
    return {};
  }
  std::string size;
  if (const std::size_t at = text.find("\nsize "); at != std::string_view::npos) {
    size = text.substr(at + 6, text.find('\n', at + 6) - at - 6);
  }
  const bool known = !size.empty() && std::ranges::all_of(size, [](unsigned char c) {
    return std::isdigit(c) != 0;
  });
  return FileKind{
      fmt::format("a pointer of Git LFS that stands for a file{}; git lfs pull fetches it",
                  known ? fmt::format(" of {} bytes", size) : ""),
      "", FileUse::nothing};
}

/// An archive is told by the name of its first entry, and by one of PyTorch's anywhere near.
std::optional<FileKind> zip_archive(std::string_view text) {
  constexpr std::size_t kNameAt = 30, kNear = 4096;
  if (!text.starts_with("PK\x03\x04") && !text.starts_with("PK\x05\x06")) return {};
  const std::string_view head = text.substr(0, kNear);
  const auto holds = [&](std::string_view name) { return head.find(name) != head.npos; };
  const std::string_view first = head.substr(std::min(head.size(), kNameAt));
  if (holds("/data.pkl") || holds("/version") || holds("/byteorder")) {
    return FileKind{"an archive as torch.save writes it, which is a program to be run",
                    "in PyTorch: safetensors.torch.save_file(model.state_dict(), "
                    "\"model.safetensors\"); arrays: numpy.save(\"x.npy\", tensor.numpy())"};
  }
  if (first.find(".npy") != first.npos) {
    return FileKind{"an NPZ archive of NumPy arrays",
                    "unzip unpacks it: each array is one .npy; weights: "
                    "safetensors.numpy.save_file(dict(numpy.load(FILE)), \"model.safetensors\")"};
  }
  if (first.starts_with("[Content_Types].xml") || first.starts_with("_rels/") ||
      first.starts_with("mimetype") || first.starts_with("xl/")) {
    return FileKind{"a spreadsheet, such as .xlsx", std::string(kToTable)};
  }
  return FileKind{"a ZIP archive", "unzip unpacks it"};
}

std::optional<FileKind> pickle(std::string_view text) {
  // A frame, a dictionary, a list, a tuple, an object, or the number that PyTorch begins with.
  constexpr std::string_view kFirst = "\x95}](c\x8a";
  if (text.size() < 4 || text[0] != '\x80' || text[1] < 2 || text[1] > 5) return {};
  if (text.back() != '.' && kFirst.find(text[2]) == kFirst.npos) return {};
  return FileKind{"a pickle of Python, which is a program to be run",
                  "load it in Python and save the arrays with numpy.save or as HDF5, weights with "
                  "safetensors.torch.save_file(model.state_dict(), \"model.safetensors\")"};
}

std::optional<FileKind> page(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  text.remove_prefix(std::min(text.size(), text.find_first_not_of(" \t\r\n")));
  std::string head(text.substr(0, 32));
  std::ranges::transform(head, head.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (head.starts_with("<!doctype html") || head.starts_with("<html") ||
      head.starts_with("<head")) {
    return FileKind{"an HTML page", std::string(kFetchAgain), FileUse::text};
  }
  if (head.starts_with("<?xml")) {
    return FileKind{"an XML page", std::string(kFetchAgain), FileUse::text};
  }
  return {};
}

/// Latin letters in 16 or 32 bits each: all bytes are zero but every second or fourth.
std::optional<FileKind> wide_text(std::string_view text) {
  constexpr std::size_t kShort = 16, kLooked = 512;
  const std::string_view head = text.substr(0, kLooked);
  if (head.size() < kShort) return {};
  for (const std::size_t width : {2u, 4u}) {
    for (const std::size_t letter : {std::size_t{0}, width - 1}) {
      bool all = true;
      for (std::size_t i = 0; i < head.size() && all; ++i) {
        const auto c = static_cast<unsigned char>(head[i]);
        all = i % width != letter ? c == 0 : std::isprint(c) != 0 || std::isspace(c) != 0;
      }
      if (!all) continue;
      return FileKind{fmt::format("UTF-{} text", 8 * width),
                      fmt::format("iconv -f UTF-{}{} -t UTF-8 OLD > NEW converts it", 8 * width,
                                  letter == 0 ? "LE" : "BE")};
    }
  }
  return {};
}

std::optional<FileKind> zeros(std::string_view text) {
  constexpr std::size_t kShort = 64;
  if (text.size() < kShort || text.find_first_not_of('\0') != text.npos) return {};
  return FileKind{"nothing but zero bytes", "a copy or download was cut off: fetch the file again",
                  FileUse::nothing};
}

/// Two zeros, a type, a number of dimensions, and those, which are to account for all bytes.
bool is_idx(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (text.size() < 8 || byte(0) != 0 || byte(1) != 0 || byte(2) < 8 || byte(2) > 14) return false;
  const std::size_t header = 4 + 4 * std::size_t{byte(3)};
  constexpr std::array<std::size_t, 7> kWidths = {1, 1, 0, 2, 4, 4, 8};
  std::size_t size = kWidths[byte(2) - 8u];
  for (std::size_t at = 4; at < header && at + 4 <= text.size(); at += 4) {
    const std::size_t dimension = std::size_t{byte(at)} << 24 | std::size_t{byte(at + 1)} << 16 |
                                  std::size_t{byte(at + 2)} << 8 | byte(at + 3);
    if (dimension > text.size()) return false;
    size *= dimension;
  }
  return byte(3) >= 1 && header + size == text.size();
}

/// Eight bytes of length, then JSON.
std::optional<FileKind> safetensors(std::string_view text) {
  constexpr std::string_view kSmall("\0\0\0\0{", 5);
  if (text.size() < 10 || text.substr(4, kSmall.size()) != kSmall) return {};
  return FileKind{"a safetensors file of weights", "trainer import reads it", FileUse::weights};
}

/// Marks of few bits, which the rest of the file must bear out.
std::optional<FileKind> faintly_marked(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (text.size() < 10) return {};
  if (text.starts_with("BM") &&
      (byte(2) | byte(3) << 8 | byte(4) << 16) == static_cast<int>(text.size() & 0xffffff)) {
    return FileKind{"a BMP image", std::string(kToPng)};
  }
  if (text[0] == 'P' && byte(1) >= '1' && byte(1) <= '7' && (text[2] == '\n' || text[2] == '\r')) {
    const bool read = text[1] == '5' || text[1] == '6';
    return FileKind{fmt::format("a portable image of type {}", text.substr(0, 2)),
                    read ? "" : std::string(kToPng), read ? FileUse::data : FileUse::other};
  }
  if (is_idx(text)) return FileKind{"an IDX file", "", FileUse::data};
  return {};
}

}  // namespace

bool is_hdf5(std::span<const std::byte> bytes) {
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size())
      .starts_with(kHdf5);
}

std::optional<FileKind> kind_of_file(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (auto kind = safetensors(text)) return kind;  // a length can look like any mark
  for (const Mark& mark : kMarks) {
    if (!mark.fits(text)) continue;
    return FileKind{std::string(mark.what), std::string(mark.remedy), mark.use};
  }
  for (const auto recognise :
       {lfs_pointer, zip_archive, pickle, page, zeros, wide_text, faintly_marked}) {
    if (auto kind = recognise(text)) return kind;
  }
  return {};
}

void refuse_kind(const std::string& path, const FileKind& kind, std::string_view expected,
                 ExitCode code) {
  throw Error(code, fmt::format("{}: expected {}, but this is {}{}{}", path, expected, kind.what,
                                kind.remedy.empty() ? "" : "\n  ", kind.remedy));
}

}  // namespace lockstep
