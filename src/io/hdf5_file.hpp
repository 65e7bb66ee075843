#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/hdf5_handle.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/io/gzip.hpp"
#include "lockstep/io/hdf5.hpp"

namespace lockstep {

/// Every proper prefix of a path and the path itself: "/a/b" gives "/a", "/a/b".
inline std::vector<std::string> steps_of(const std::string& path) {
  std::vector<std::string> steps;
  for (std::size_t end = 1; end <= path.size(); ++end) {
    if ((end == path.size() || path[end] == '/') && path[end - 1] != '/') {
      steps.push_back(path.substr(0, end));
    }
  }
  return steps;
}

/// What the elements are, in words: "reals", "a compound".
[[nodiscard]] std::string hdf5_class_name(hid_t type);

/// True if floats hold all numbers of the type.
inline bool fits_float(hid_t type) {
  const std::size_t bytes = H5Tget_size(type);
  return H5Tget_class(type) == H5T_FLOAT ? bytes <= 4 : bytes <= 2;
}

/// An open HDF5 file that nobody vouches for, in memory or on disk, and what must be checked before
/// it is believed. Whoever calls holds an Hdf5Lock.
struct Hdf5File {
  Index bytes;        ///< of the whole file
  std::string label;  ///< names it in messages
  Hdf5Handle file;

  [[noreturn]] void reject(const std::string& path, const std::string& reason) const {
    throw Error(ExitCode::bad_data, fmt::format("{}: {}: {}", label, path, reason));
  }

  [[nodiscard]] bool leads_somewhere(const std::string& path) const {
    for (const std::string& step : steps_of(path)) {
      if (H5Lexists(file, step.c_str(), H5P_DEFAULT) <= 0) return false;
      H5L_info_t info{};
      if (H5Lget_info(file, step.c_str(), &info, H5P_DEFAULT) < 0) return false;
      if (info.type != H5L_TYPE_HARD && info.type != H5L_TYPE_SOFT) {
        reject(step, "a link to another file; copy the data into this file");
      }
    }
    return H5Oexists_by_name(file, path.c_str(), H5P_DEFAULT) > 0;
  }

  [[nodiscard]] Hdf5Handle open(const std::string& path) const {
    if (!leads_somewhere(path)) reject(path, "expected an object of this name, found none");
    Hdf5Handle object(H5Oopen(file, path.c_str(), H5P_DEFAULT), H5Oclose);
    if (!object.valid()) reject(path, "unreadable, the file is damaged");
    return object;
  }

  [[nodiscard]] Hdf5Handle open_dataset(const std::string& path) const {
    Hdf5Handle dataset = open(path);
    if (H5Iget_type(dataset) != H5I_DATASET) reject(path, "expected a dataset, found a group");
    check_storage(dataset, path);
    return dataset;
  }

  /// Bytes come from this file and through known filters only. Comes before anything else is asked
  /// about the dataset.
  void check_storage(hid_t dataset, const std::string& path) const {
    const Hdf5Handle properties(H5Dget_create_plist(dataset), H5Pclose);
    if (!properties.valid()) reject(path, "unreadable, the file is damaged");
    const H5D_layout_t layout = H5Pget_layout(properties);
    if (layout != H5D_COMPACT && layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED) {
      reject(path, "virtual storage in other files is refused; copy the data into this file");
    }
    if (H5Pget_external_count(properties) != 0) {
      reject(path, "storage in other files is refused; copy the data into this file");
    }
    const int filters = H5Pget_nfilters(properties);
    for (int i = 0; i < filters; ++i) {
      unsigned flags = 0;
      size_t parameters = 0;
      const H5Z_filter_t filter = H5Pget_filter2(properties, static_cast<unsigned>(i), &flags,
                                                 &parameters, nullptr, 0, nullptr, nullptr);
      if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE &&
          filter != H5Z_FILTER_FLETCHER32) {
        reject(path, fmt::format("filter {} is refused; store the data uncompressed or with "
                                 "deflate, shuffle, fletcher32",
                                 filter));
      }
    }
    if (layout == H5D_CHUNKED) check_chunk(dataset, properties, path);
  }

  /// libhdf5 takes memory for a whole chunk, whatever the size of the dataset.
  void check_chunk(hid_t dataset, hid_t properties, const std::string& path) const {
    std::vector<hsize_t> chunk(H5S_MAX_RANK);
    const int rank = H5Pget_chunk(properties, H5S_MAX_RANK, chunk.data());
    if (rank < 1) reject(path, "unreadable, the file is damaged");
    chunk.resize(static_cast<std::size_t>(rank));
    const Hdf5Handle type(H5Dget_type(dataset), H5Tclose);
    check_size(path, chunk, H5Tget_size(type), inflation_limit(bytes));
  }

  /// The number of elements, after checking that so many of `element_bytes` fit into `limit` bytes.
  std::size_t check_size(const std::string& path, std::span<const hsize_t> dimensions,
                         std::size_t element_bytes, Index limit) const {
    const auto most = static_cast<std::size_t>(limit) / std::max<std::size_t>(element_bytes, 1);
    std::size_t count = 1;
    if (std::ranges::find(dimensions, hsize_t{0}) != dimensions.end()) return 0;
    for (const hsize_t dimension : dimensions) {
      if (dimension > most / count) {
        reject(path, fmt::format("declares more elements of {} bytes than {} bytes can hold; the "
                                 "file has {}",
                                 element_bytes, limit, bytes));
      }
      count *= dimension;
    }
    return count;
  }

  [[nodiscard]] std::vector<hsize_t> dimensions_of(hid_t dataset, const std::string& path) const {
    const Hdf5Handle space(H5Dget_space(dataset), H5Sclose);
    const H5S_class_t kind = H5Sget_simple_extent_type(space);
    if (kind != H5S_SCALAR && kind != H5S_SIMPLE) {
      reject(path, "expected an array or a scalar, found an empty dataset");
    }
    std::vector<hsize_t> dimensions(H5S_MAX_RANK);
    const int rank = H5Sget_simple_extent_dims(space, dimensions.data(), nullptr);
    if (rank < 0) reject(path, "unreadable, the file is damaged");
    dimensions.resize(static_cast<std::size_t>(rank));
    return dimensions;
  }

  /// Elements of a dataset that is about to be read into elements of `memory_bytes`.
  [[nodiscard]] std::size_t count_of(hid_t dataset, hid_t type, std::size_t memory_bytes,
                                     const std::string& path) const {
    const Hdf5Handle properties(H5Dget_create_plist(dataset), H5Pclose);
    const auto dimensions = dimensions_of(dataset, path);
    const std::size_t stored_bytes = H5Tget_size(type);
    const bool chunked = H5Pget_layout(properties) == H5D_CHUNKED;
    const std::size_t count =
        check_size(path, dimensions, chunked ? std::max(stored_bytes, memory_bytes) : stored_bytes,
                   chunked ? inflation_limit(bytes) : bytes);
    H5D_space_status_t status = H5D_SPACE_STATUS_ERROR;
    if (count > 0 && H5Dget_space_status(dataset, &status) >= 0 &&
        status == H5D_SPACE_STATUS_NOT_ALLOCATED) {
      reject(path, fmt::format("declares {} elements, none of which was ever written", count));
    }
    return count;
  }

  /// Whether the bits of a number are where its bytes are: libhdf5 itself does not look.
  static bool fills_its_bytes(hid_t type, H5T_class_t kind) {
    const std::size_t bits = 8 * H5Tget_size(type);
    if (H5Tget_offset(type) != 0 || H5Tget_precision(type) != bits) return false;
    if (kind != H5T_FLOAT) return true;
    std::size_t sign = 0, exponent = 0, exponent_bits = 0, mantissa = 0, mantissa_bits = 0;
    return H5Tget_fields(type, &sign, &exponent, &exponent_bits, &mantissa, &mantissa_bits) >= 0 &&
           sign < bits && exponent < bits && exponent_bits <= bits - exponent && mantissa < bits &&
           mantissa_bits <= bits - mantissa;
  }

  /// Bool is an enumeration of two for h5py, and counts as the integers 0 and 1.
  [[nodiscard]] Hdf5Type kind_of(hid_t type, const std::string& path) const {
    const H5T_class_t kind = H5Tget_class(type);
    const std::size_t size = H5Tget_size(type);
    if (kind == H5T_ENUM) {
      const Hdf5Handle base(H5Tget_super(type), H5Tclose);
      static_cast<void>(kind_of(base, path));
      return Hdf5Type::integer;
    }
    if (kind == H5T_STRING) return Hdf5Type::text;
    if ((kind == H5T_FLOAT || kind == H5T_INTEGER) && !fills_its_bytes(type, kind)) {
      reject(path, "expected numbers that fill their bytes, found other bits");
    }
    if (kind == H5T_FLOAT && (size == 2 || size == 4 || size == 8)) return Hdf5Type::real;
    if (kind == H5T_INTEGER && size == 1 && H5Tget_sign(type) == H5T_SGN_NONE) return Hdf5Type::u8;
    if (kind == H5T_INTEGER && (size == 1 || size == 2 || size == 4 || size == 8)) {
      return Hdf5Type::integer;
    }
    reject(path, fmt::format("expected integers of 1 to 8 bytes, reals of 2 to 8 bytes or text, "
                             "found {} of {} bytes; store numbers",
                             hdf5_class_name(type), size));
  }
};

/// All datasets, up to `most` of them, whatever their type.
[[nodiscard]] std::vector<Hdf5Entry> datasets_in(const Hdf5File& file, std::size_t most);

/// A text of fixed length up to its padding, which is zeros or blanks.
[[nodiscard]] std::string unpadded(std::string_view text, hid_t type);
/// The texts of a dataset, of fixed or variable length, without padding.
[[nodiscard]] std::vector<std::string> texts_in(const Hdf5File& file, const std::string& path);
/// The names of the numbers of an enumeration that is not bool.
[[nodiscard]] std::vector<Hdf5Member> members_of(const Hdf5File& file, const std::string& path);
/// The texts of an attribute of an object.
[[nodiscard]] std::vector<std::string> attribute_texts_in(const Hdf5File& file,
                                                          const std::string& path,
                                                          const std::string& name);

[[nodiscard]] Hdf5Chunks chunks_in(const Hdf5File& file, const std::string& path);

/// The first bytes of a file that the next two look at.
inline constexpr std::size_t kHdf5Superblock = 64;

/// How long a file says that it is; nothing if it is no HDF5 or says so in a way that is not read
/// here.
/// Source: HDF5 File Format Specification 3.0, II.A, "Format Signature and Superblock".
[[nodiscard]] std::optional<std::uint64_t> hdf5_length(std::span<const std::byte> head);

/// Why libhdf5 does not open a file that begins with `head` and has so many bytes, as far as the
/// header tells: a line of its own, or nothing.
[[nodiscard]] std::string hdf5_diagnosis(std::span<const std::byte> head, Index bytes);

/// Opens a file on disk, for reading only.
/// Errors: no_input, no_permission, bad_data.
[[nodiscard]] Hdf5File open_on_disk(const std::string& file);

}  // namespace lockstep
