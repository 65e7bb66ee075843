#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lockstep/base/types.hpp"

namespace lockstep {

// libhdf5 works on images in memory: it never writes or locks a file, and opens one only where told
// to. Threads may use different objects: they enter libhdf5 one at a time.

using Hdf5Attribute = std::variant<std::string, std::int64_t, std::uint64_t, double>;

/// Builds an HDF5 file in memory. Equal calls give equal bytes: no time stamps, contiguous storage,
/// little-endian types, earliest format. Groups on the way to an object are made when missing.
/// Paths are absolute, as in "/model/fc.weight".
/// Errors: every member throws internal if libhdf5 fails, such as for a name that exists already.
class Hdf5Writer {
 public:
  Hdf5Writer();
  Hdf5Writer(Hdf5Writer&&) noexcept;
  Hdf5Writer& operator=(Hdf5Writer&&) noexcept;
  ~Hdf5Writer();

  void group(const std::string& path);
  /// Attaches a value to the group or dataset at `path`; at most 64 KiB.
  void attribute(const std::string& path, const std::string& name, const Hdf5Attribute& value);
  /// Writes a row-major array; `labels`, if any, name its dimensions.
  void dataset(const std::string& path, std::span<const Index> shape, std::span<const float> values,
               std::span<const std::string> labels = {});
  void dataset(const std::string& path, std::span<const Index> shape,
               std::span<const double> values, std::span<const std::string> labels = {});
  void dataset(const std::string& path, std::span<const Index> shape,
               std::span<const std::int64_t> values, std::span<const std::string> labels = {});
  void dataset(const std::string& path, std::span<const Index> shape,
               std::span<const std::uint8_t> values, std::span<const std::string> labels = {});
  /// Makes a row-major array of floats whose bytes the caller writes into the file's memory;
  /// returns where they begin in the file.
  [[nodiscard]] Index make_dataset(const std::string& path, std::span<const Index> shape);
  /// `count` bytes of the file from `offset` on, which such an array takes. They may begin at any
  /// address, and the next call that writes moves them.
  [[nodiscard]] std::span<std::byte> bytes(Index offset, Index count);
  /// Writes a scalar dataset of UTF-8 text without zero bytes.
  void text(const std::string& path, std::string_view value);

  /// The finished file, which lives as long as the writer. Nothing more may be written.
  [[nodiscard]] std::span<const std::byte> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// What the elements of a dataset are. Bool is an integer, 0 or 1.
enum class Hdf5Type { u8, integer, real, text };

/// A dataset as a listing shows it.
struct Hdf5Entry {
  std::string path;
  std::vector<Index> shape;
  std::string type;  ///< such as "float32"

  /// "/x (1000, 28, 28) float32"
  [[nodiscard]] std::string text() const;
};

/// A name that an enumeration has for a number.
struct Hdf5Member {
  std::string name;
  std::int64_t number = 0;
};

/// Chunks that a dataset has, and how many of them were ever written: others read as fill values.
struct Hdf5Chunks {
  Index all = 0;  ///< 0: stored in one piece
  Index written = 0;
};

/// Reads an HDF5 file in memory that nobody vouches for: external links, external and virtual
/// storage, filter plug-ins and filters other than deflate, shuffle and fletcher32 are refused;
/// class, rank and size are checked against the bytes at hand before memory is taken.
/// Errors: every member throws bad_data with the label and the object's path.
class Hdf5Reader {
 public:
  /// `image` must outlive the reader; bytes behind its end, such as a seal, are ignored. `label`
  /// names it in messages.
  Hdf5Reader(std::span<const std::byte> image, std::string label);
  /// Opens a file on disk and reads of it what is asked for; it must not change meanwhile.
  /// Errors: also no_input and no_permission.
  static Hdf5Reader on_disk(const std::string& file);
  Hdf5Reader(Hdf5Reader&&) noexcept;
  Hdf5Reader& operator=(Hdf5Reader&&) noexcept;
  ~Hdf5Reader();

  /// Names in a group, in alphabetical order.
  [[nodiscard]] std::vector<std::string> list(const std::string& group) const;
  /// True if the path leads to an object by hard and soft links.
  [[nodiscard]] bool has(const std::string& path) const;
  /// The dimensions of a dataset; none for a scalar.
  [[nodiscard]] std::vector<Index> shape_of(const std::string& path) const;
  [[nodiscard]] Hdf5Type type_of(const std::string& path) const;
  /// True if the numbers of a dataset are of a type all of whose numbers are floats.
  [[nodiscard]] bool fits_float(const std::string& path) const;

  /// Row-major values of a dataset of integers or reals, converted.
  [[nodiscard]] std::vector<float> floats(const std::string& path) const;
  [[nodiscard]] std::vector<double> doubles(const std::string& path) const;
  /// Row-major values of a dataset of integers; above 2^63 - 1 they are clipped.
  [[nodiscard]] std::vector<std::int64_t> integers(const std::string& path) const;
  /// Row-major values of a dataset of type u8.
  [[nodiscard]] std::vector<std::uint8_t> bytes(const std::string& path) const;
  /// A scalar dataset of fixed-length text.
  [[nodiscard]] std::string text(const std::string& path) const;
  /// Row-major values of a dataset of texts, of fixed or variable length, without their padding.
  [[nodiscard]] std::vector<std::string> texts(const std::string& path) const;
  /// The names of the numbers of a dataset, in the order of these; none if its type is no
  /// enumeration, or bool.
  [[nodiscard]] std::vector<Hdf5Member> members(const std::string& path) const;
  /// The same as `texts` of an attribute.
  [[nodiscard]] std::vector<std::string> attribute_texts(const std::string& path,
                                                         const std::string& name) const;

  /// All datasets of the file, in the order of their paths, up to `most`.
  [[nodiscard]] std::vector<Hdf5Entry> datasets(std::size_t most) const;
  [[nodiscard]] Hdf5Chunks chunks_of(const std::string& path) const;

  [[nodiscard]] bool has_attribute(const std::string& path, const std::string& name) const;
  /// A scalar attribute: text, a signed or unsigned integer, or a real.
  [[nodiscard]] Hdf5Attribute attribute(const std::string& path, const std::string& name) const;
  [[nodiscard]] std::string text_attribute(const std::string& path, const std::string& name) const;
  /// An integer attribute that is not negative.
  [[nodiscard]] std::uint64_t count_attribute(const std::string& path,
                                              const std::string& name) const;

 private:
  struct State;
  explicit Hdf5Reader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace lockstep
