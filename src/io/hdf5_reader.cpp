#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "io/hdf5_handle.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/io/gzip.hpp"
#include "lockstep/io/hdf5.hpp"

namespace lockstep {
namespace {

// libhdf5 would copy an image three times. These callbacks lend it the one there is: it may only
// read.
void* lend(size_t, H5FD_file_image_op_t, void* image) { return image; }
void* keep_in_place(void* destination, const void*, size_t, H5FD_file_image_op_t, void*) {
  return destination;
}
herr_t take_back(void*, H5FD_file_image_op_t, void*) { return 0; }
void* same_owner(void* image) { return image; }
herr_t release_owner(void*) { return 0; }

Hdf5Handle open_image(std::span<const std::byte> image) {
  prepare_hdf5();
  auto* bytes =
      const_cast<std::byte*>(image.data());  // the C interface has no const; opened read-only
  H5FD_file_image_callbacks_t callbacks{lend,       keep_in_place, nullptr, take_back,
                                        same_owner, release_owner, bytes};
  const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  if (H5Pset_fapl_core(access, 1 << 16, /*backing_store=*/0) < 0 ||
      H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) < 0 ||
      H5Pset_file_image_callbacks(access, &callbacks) < 0 ||
      H5Pset_file_image(access, bytes, image.size()) < 0) {
    return {H5I_INVALID_HID, H5Fclose};
  }
  return {H5Fopen(no_such_file(bytes).c_str(), H5F_ACC_RDONLY, access), H5Fclose};
}

/// Every proper prefix of a path and the path itself: "/a/b" gives "/a", "/a/b".
std::vector<std::string> steps_of(const std::string& path) {
  std::vector<std::string> steps;
  for (std::size_t end = 1; end <= path.size(); ++end) {
    if ((end == path.size() || path[end] == '/') && path[end - 1] != '/') {
      steps.push_back(path.substr(0, end));
    }
  }
  return steps;
}

/// Text up to its padding.
std::string unpadded(std::string text) {
  text.resize(std::min(text.size(), text.find('\0')));
  return text;
}

}  // namespace

struct Hdf5Reader::State {
  std::span<const std::byte> image;
  std::string label;
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

  /// Bytes come from this image and through known filters only. Comes before anything else is asked
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
    check_size(path, chunk, H5Tget_size(type), inflation_limit(image_bytes()));
  }

  [[nodiscard]] Index image_bytes() const { return static_cast<Index>(image.size()); }

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
                                 element_bytes, limit, image.size()));
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
    if (H5Pget_layout(properties) == H5D_CHUNKED) {
      return check_size(path, dimensions, std::max(stored_bytes, memory_bytes),
                        inflation_limit(image_bytes()));
    }
    return check_size(path, dimensions, stored_bytes, image_bytes());
  }

  [[nodiscard]] Hdf5Type kind_of(hid_t type, const std::string& path) const {
    const H5T_class_t kind = H5Tget_class(type);
    const std::size_t size = H5Tget_size(type);
    if (kind == H5T_STRING && H5Tis_variable_str(type) == 0) return Hdf5Type::text;
    if (kind == H5T_FLOAT && (size == 2 || size == 4 || size == 8)) return Hdf5Type::real;
    if (kind == H5T_INTEGER && size == 1 && H5Tget_sign(type) == H5T_SGN_NONE) return Hdf5Type::u8;
    if (kind == H5T_INTEGER && (size == 1 || size == 2 || size == 4 || size == 8)) {
      return Hdf5Type::integer;
    }
    reject(path, fmt::format("expected integers of 1 to 8 bytes, reals of 2 to 8 bytes or text of "
                             "fixed length, found elements of {} bytes of HDF5 class {}",
                             size, static_cast<int>(kind)));
  }

  template <typename T>
  [[nodiscard]] std::vector<T> read(const std::string& path, hid_t memory_type) const {
    const Hdf5Handle dataset = open_dataset(path);
    const Hdf5Handle type(H5Dget_type(dataset), H5Tclose);
    const Hdf5Type kind = kind_of(type, path);
    if (kind == Hdf5Type::text || (kind == Hdf5Type::real && std::is_integral_v<T>)) {
      reject(path,
             fmt::format("expected {}, found {}", std::is_integral_v<T> ? "integers" : "numbers",
                         kind == Hdf5Type::text ? "text" : "reals"));
    }
    if constexpr (std::is_same_v<T, std::uint8_t>) {
      if (kind != Hdf5Type::u8) reject(path, "expected bytes, found larger integers");
    }
    std::vector<T> values(count_of(dataset, type, sizeof(T), path));
    if (!values.empty() &&
        H5Dread(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
      reject(path, "unreadable, the file is damaged");
    }
    return values;
  }

  [[nodiscard]] Hdf5Handle open_attribute(const std::string& path, const std::string& name) const {
    const Hdf5Handle object = open(path);
    Hdf5Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose);
    if (!attribute.valid()) {
      reject(path, fmt::format("expected an attribute {}, found none", name));
    }
    const Hdf5Handle space(H5Aget_space(attribute), H5Sclose);
    if (H5Sget_simple_extent_npoints(space) != 1) {
      reject(path, fmt::format("expected one value in attribute {}, found several", name));
    }
    return attribute;
  }

  template <typename T>
  [[nodiscard]] T read_attribute(hid_t attribute, hid_t memory_type,
                                 const std::string& path) const {
    T value{};
    if (H5Aread(attribute, memory_type, &value) < 0) reject(path, "an attribute is unreadable");
    return value;
  }

  [[nodiscard]] std::string read_text_attribute(hid_t attribute, hid_t type,
                                                const std::string& path) const {
    const std::size_t size = H5Tget_size(type);
    if (size > image.size()) reject(path, "an attribute is longer than the file");
    std::string value(size, '\0');
    if (H5Aread(attribute, type, value.data()) < 0) reject(path, "an attribute is unreadable");
    return unpadded(std::move(value));
  }
};

Hdf5Reader::Hdf5Reader(std::span<const std::byte> image, std::string label)
    : state_(std::make_unique<State>(State{image, std::move(label), open_image(image)})) {
  if (!state_->file.valid()) {
    throw Error(ExitCode::bad_data, fmt::format("{}: not an HDF5 file, or a damaged one ({} bytes)",
                                                state_->label, image.size()));
  }
}
Hdf5Reader::Hdf5Reader(Hdf5Reader&&) noexcept = default;
Hdf5Reader& Hdf5Reader::operator=(Hdf5Reader&&) noexcept = default;
Hdf5Reader::~Hdf5Reader() = default;

std::vector<std::string> Hdf5Reader::list(const std::string& group) const {
  const Hdf5Handle object = state_->open(group);
  if (H5Iget_type(object) != H5I_GROUP) state_->reject(group, "expected a group, found a dataset");
  const auto add_name = [](hid_t, const char* name, const H5L_info_t*, void* names) -> herr_t {
    static_cast<std::vector<std::string>*>(names)->emplace_back(name);
    return 0;
  };
  std::vector<std::string> names;
  if (H5Literate(object, H5_INDEX_NAME, H5_ITER_INC, nullptr, add_name, &names) < 0) {
    state_->reject(group, "unreadable, the file is damaged");
  }
  return names;
}

bool Hdf5Reader::has(const std::string& path) const { return state_->leads_somewhere(path); }

std::vector<Index> Hdf5Reader::shape_of(const std::string& path) const {
  const Hdf5Handle dataset = state_->open_dataset(path);
  const auto dimensions = state_->dimensions_of(dataset, path);
  state_->check_size(path, dimensions, 1, std::numeric_limits<Index>::max());
  return {dimensions.begin(), dimensions.end()};
}

Hdf5Type Hdf5Reader::type_of(const std::string& path) const {
  const Hdf5Handle dataset = state_->open_dataset(path);
  const Hdf5Handle type(H5Dget_type(dataset), H5Tclose);
  return state_->kind_of(type, path);
}

std::vector<float> Hdf5Reader::floats(const std::string& path) const {
  return state_->read<float>(path, H5T_NATIVE_FLOAT);
}

std::vector<double> Hdf5Reader::doubles(const std::string& path) const {
  return state_->read<double>(path, H5T_NATIVE_DOUBLE);
}

std::vector<std::int64_t> Hdf5Reader::integers(const std::string& path) const {
  return state_->read<std::int64_t>(path, H5T_NATIVE_INT64);
}

std::vector<std::uint8_t> Hdf5Reader::bytes(const std::string& path) const {
  return state_->read<std::uint8_t>(path, H5T_NATIVE_UINT8);
}

std::string Hdf5Reader::text(const std::string& path) const {
  const Hdf5Handle dataset = state_->open_dataset(path);
  const Hdf5Handle type(H5Dget_type(dataset), H5Tclose);
  if (state_->kind_of(type, path) != Hdf5Type::text) state_->reject(path, "expected text");
  const std::size_t size = H5Tget_size(type);
  if (state_->count_of(dataset, type, size, path) != 1) state_->reject(path, "expected one text");
  std::string value(size, '\0');
  if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, value.data()) < 0) {
    state_->reject(path, "unreadable, the file is damaged");
  }
  return unpadded(std::move(value));
}

bool Hdf5Reader::has_attribute(const std::string& path, const std::string& name) const {
  const Hdf5Handle object = state_->open(path);
  return H5Aexists(object, name.c_str()) > 0;
}

Hdf5Attribute Hdf5Reader::attribute(const std::string& path, const std::string& name) const {
  const Hdf5Handle found = state_->open_attribute(path, name);
  const Hdf5Handle type(H5Aget_type(found), H5Tclose);
  switch (state_->kind_of(type, path)) {
    case Hdf5Type::text:
      return state_->read_text_attribute(found, type, path);
    case Hdf5Type::real:
      return state_->read_attribute<double>(found, H5T_NATIVE_DOUBLE, path);
    case Hdf5Type::u8:
    case Hdf5Type::integer:
      break;
  }
  if (H5Tget_sign(type) == H5T_SGN_NONE) {
    return state_->read_attribute<std::uint64_t>(found, H5T_NATIVE_UINT64, path);
  }
  return state_->read_attribute<std::int64_t>(found, H5T_NATIVE_INT64, path);
}

std::string Hdf5Reader::text_attribute(const std::string& path, const std::string& name) const {
  const Hdf5Attribute value = attribute(path, name);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  state_->reject(path, fmt::format("expected text in attribute {}, found a number", name));
}

std::uint64_t Hdf5Reader::count_attribute(const std::string& path, const std::string& name) const {
  const Hdf5Attribute value = attribute(path, name);
  if (const auto* count = std::get_if<std::uint64_t>(&value)) return *count;
  if (const auto* integer = std::get_if<std::int64_t>(&value);
      integer != nullptr && *integer >= 0) {
    return static_cast<std::uint64_t>(*integer);
  }
  state_->reject(path,
                 fmt::format("expected an integer that is not negative in attribute {}", name));
}

}  // namespace lockstep
